package hub

import "encoding/json"

// Job is what a webhook starts that has no URL. The Hub shows neither Arch,
// Attempts and Volumes of one, nor the values of its secrets.
type Job struct {
	SpaceID     string            `json:"spaceId,omitempty"`
	DockerImage string            `json:"dockerImage,omitempty"`
	Command     []string          `json:"command,omitempty"`
	Arguments   []string          `json:"arguments,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`

	// Secrets by name; their values are empty in what the Hub shows.
	Secrets JobSecrets `json:"secrets,omitempty"`

	Flavor         string            `json:"flavor"` // of the hardware, as "cpu-basic"; required
	Arch           string            `json:"arch,omitempty"`
	TimeoutSeconds int64             `json:"timeoutSeconds,omitempty"`
	Attempts       int64             `json:"attempts,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Volumes        []Volume          `json:"volumes,omitempty"`
}

// Volume is a bucket or repo that a Job finds among its files.
type Volume struct {
	Type      WatchedType `json:"type"`
	Source    string      `json:"source"`
	MountPath string      `json:"mountPath"`
	Revision  string      `json:"revision,omitempty"`
	ReadOnly  *bool       `json:"readOnly,omitempty"`
	Path      string      `json:"path,omitempty"`
}

// JobSecrets are secrets by name.
type JobSecrets map[string]Secret

// UnmarshalJSON reads an object, or a list of names as the Hub shows it.
func (s *JobSecrets) UnmarshalJSON(b []byte) error {
	*s = nil
	if names := texts(b); len(names) > 0 {
		*s = JobSecrets{}
		for _, name := range names {
			(*s)[name] = ""
		}
		return nil
	}
	var values map[string]string
	if json.Unmarshal(b, &values) == nil {
		for name, value := range values {
			if *s == nil {
				*s = JobSecrets{}
			}
			(*s)[name] = Secret(value)
		}
	}
	return nil
}

// wire is the Job as it is sent, secrets included.
func (j *Job) wire() json.RawMessage {
	type alias Job
	values := make(map[string]string, len(j.Secrets))
	for name, value := range j.Secrets {
		values[name] = string(value)
	}
	return mustJSON(struct {
		*alias
		Secrets map[string]string `json:"secrets,omitempty"`
	}{(*alias)(j), values})
}
