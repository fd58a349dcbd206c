package hubtest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hfhook/hfhook/hub"
)

// parsed is the body of a create or an update.
type parsed struct {
	hub.Settings
	secret *string // nil: none was sent
	all    map[string]json.RawMessage
}

var (
	watchedTypes = []hub.WatchedType{hub.Dataset, hub.Model, hub.Space, hub.Bucket, hub.Kernel, hub.User, hub.Org}
	domains      = []hub.Domain{hub.DomainRepo, hub.DomainDiscussion}

	secretPattern     = regexp.MustCompile(`^[\x20-\x7F]*$`)
	secretNamePattern = regexp.MustCompile(`^[a-zA-Z][_a-zA-Z0-9]*$`)
	variablePattern   = regexp.MustCompile(`^[a-zA-Z][_a-zA-Z0-9]+$`)
	labelPattern      = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,100}$`)
)

// parse reads a body as the OpenAPI document has it. The message says what is
// wrong; empty: nothing.
func parse(body []byte) (p *parsed, message string) {
	p = &parsed{}
	if json.Unmarshal(body, &p.all) != nil || p.all == nil {
		return nil, "the body is no JSON object"
	}
	strict := func(key string, v any) bool {
		raw, ok := p.all[key]
		if ok && (string(raw) == "null" || json.Unmarshal(raw, v) != nil) {
			message = fmt.Sprintf("%q has the wrong type", key)
		}
		return ok
	}
	targets := 0
	for _, key := range []string{"url", "job", "jobSourceId"} {
		if _, ok := p.all[key]; ok {
			targets++
		}
	}
	var watched []struct{ Type, Name *string }
	var texts []string
	var job json.RawMessage
	if strict("watched", &watched) && message == "" && len(watched) == 0 || p.all["watched"] == nil {
		return nil, `"watched" must contain at least 1 items`
	}
	if strict("domains", &texts) && message == "" && len(texts) == 0 || p.all["domains"] == nil {
		return nil, `"domains" must contain at least 1 items`
	}
	strict("url", &p.URL)
	strict("jobSourceId", &p.JobSourceID)
	strict("job", &job)
	strict("secret", &p.secret)
	if message != "" {
		return nil, message
	}
	for _, w := range watched {
		if w.Type == nil || w.Name == nil || *w.Name == "" {
			return nil, `"watched" needs "type" and "name"`
		}
		if !slices.Contains(watchedTypes, hub.WatchedType(*w.Type)) {
			return nil, fmt.Sprintf(`"watched.type" must be one of %q`, watchedTypes)
		}
		p.Watched = append(p.Watched, hub.Watched{Type: hub.WatchedType(*w.Type), Name: *w.Name})
	}
	for _, d := range texts {
		if !slices.Contains(domains, hub.Domain(d)) {
			return nil, fmt.Sprintf(`"domains" must be one of %q`, domains)
		}
		p.Domains = append(p.Domains, hub.Domain(d))
	}
	if targets != 1 {
		return nil, `one of "url", "job" and "jobSourceId" is required, and not more`
	}
	if u, err := url.Parse(p.URL); p.all["url"] != nil && (err != nil || !u.IsAbs() || u.Host == "") {
		return nil, `"url" must be a valid uri`
	}
	if p.secret != nil && !secretPattern.MatchString(*p.secret) {
		return nil, `"secret" fails to match the required pattern: /^[\x20-\x7F]*$/`
	}
	if job != nil {
		if p.Job, message = parseJob(job); message != "" {
			return nil, message
		}
	}
	return p, ""
}

// parseJob reads the spec of a Job.
func parseJob(raw json.RawMessage) (*hub.Job, string) {
	j := &hub.Job{}
	var strict struct {
		Secrets map[string]string  `json:"secrets"`
		Command *[]string          `json:"command"`
		Volumes *[]json.RawMessage `json:"volumes"`
	}
	if json.Unmarshal(raw, j) != nil || json.Unmarshal(raw, &strict) != nil {
		return nil, `"job" has the wrong type`
	}
	switch {
	case j.Flavor == "":
		return nil, `"job.flavor" is required`
	case (j.SpaceID == "") == (j.DockerImage == ""):
		return nil, `one of "job.spaceId" and "job.dockerImage" is required, and not more`
	case j.Arch != "" && j.Arch != "amd64" && j.Arch != "arm64":
		return nil, `"job.arch" must be one of ["amd64" "arm64"]`
	case j.TimeoutSeconds < 0, j.Attempts < 0:
		return nil, `"job.timeoutSeconds" and "job.attempts" must be positive`
	case strict.Command != nil && (len(*strict.Command) == 0 || slices.Contains(*strict.Command, "")):
		return nil, `"job.command" must contain at least 1 items, none empty`
	case strict.Volumes != nil && len(*strict.Volumes) == 0:
		return nil, `"job.volumes" must contain at least 1 items`
	}
	for name := range strict.Secrets {
		if !secretNamePattern.MatchString(name) {
			return nil, `"job.secrets" has a bad name`
		}
	}
	for name := range j.Environment {
		if !variablePattern.MatchString(name) {
			return nil, `"job.environment" has a bad name`
		}
	}
	for name, value := range j.Labels {
		if !labelPattern.MatchString(name) || value != "" && !labelPattern.MatchString(value) {
			return nil, `"job.labels" has a bad label`
		}
	}
	for _, v := range j.Volumes {
		switch {
		case !slices.Contains([]hub.WatchedType{hub.Bucket, hub.Model, hub.Dataset, hub.Space}, v.Type):
			return nil, `"job.volumes.type" must be one of ["bucket" "model" "dataset" "space"]`
		case v.Source == "" || !strings.HasPrefix(v.MountPath, "/"):
			return nil, `"job.volumes" needs "source" and an absolute "mountPath"`
		}
	}
	return j, ""
}
