package hub

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Webhook is a setting as the Hub shows it. Its texts are as they came, but for
// State and Target, which print safely.
type Webhook struct {
	ID string `json:"id"`

	// The target is a URL or a Job.
	URL         string `json:"url,omitempty"`
	Job         *Job   `json:"job,omitempty"`
	JobSourceID string `json:"jobSourceId,omitempty"` // the Job that Job was copied from; may be empty

	Watched []Watched `json:"watched"`
	Domains []Domain  `json:"domains"`
	State   State     `json:"disabled"`

	// Secret is empty where the Hub does not show it. HasSecret says whether
	// there is one.
	Secret    Secret `json:"secret,omitempty"`
	HasSecret bool   `json:"hasSecret"`

	LastTriggerAt time.Time `json:"lastTriggerAt,omitzero"` // zero: never, or not told
}

// Watched is a repo, user or organization whose events a webhook is for.
type Watched struct {
	Type      WatchedType `json:"type"`
	Name      string      `json:"name"` // "owner/name", or the owner's name
	AvatarURL string      `json:"avatarUrl,omitempty"`
}

// WatchedType is what is watched. The Hub may know more than these, and any is
// passed through.
type WatchedType string

const (
	Model   WatchedType = "model"
	Dataset WatchedType = "dataset"
	Space   WatchedType = "space"
	Bucket  WatchedType = "bucket"
	Kernel  WatchedType = "kernel"
	User    WatchedType = "user"
	Org     WatchedType = "org"
)

// Domain is what kind of events a webhook is for. "discussions", as
// huggingface_hub has it, is taken for DomainDiscussion.
type Domain string

const (
	DomainRepo       Domain = "repo"
	DomainDiscussion Domain = "discussion"
)

// normal is ds as the Hub takes them.
func normal(ds []Domain) []Domain {
	var all []Domain
	for _, d := range ds {
		if d == "discussions" {
			d = DomainDiscussion
		}
		if !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
}

// State is whether a webhook fires. Anything but Enabled means that it does
// not; the Hub may know more than these.
type State string

const (
	Enabled   State = "enabled"
	Disabled  State = "disabled"                // by its user
	Suspended State = "suspended-after-failure" // by the Hub; Enable ends it
)

// MarshalJSON writes what the Hub does: false, true or a string.
func (s State) MarshalJSON() ([]byte, error) {
	switch s {
	case Enabled, "":
		return []byte("false"), nil
	case Disabled:
		return []byte("true"), nil
	}
	return json.Marshal(string(s))
}

// UnmarshalJSON reads what MarshalJSON writes, and anything else as text.
func (s *State) UnmarshalJSON(b []byte) error {
	var text string
	switch {
	case string(b) == "false" || string(b) == "null":
		*s = Enabled
	case string(b) == "true":
		*s = Disabled
	case json.Unmarshal(b, &text) == nil:
		*s = State(bounded(printable(text), 100))
	default:
		*s = State(bounded(printable(string(b)), 100))
	}
	return nil
}

// Target is the URL with its secret taken out, or the Job's image or Space: fit
// to be shown.
func (w *Webhook) Target() string {
	switch {
	case w.URL != "":
		return bounded(printable(redactURL(w.URL)), 2000)
	case w.Job != nil && w.Job.SpaceID != "":
		return "job in space " + bounded(printable(w.Job.SpaceID), 200)
	case w.Job != nil && w.Job.DockerImage != "":
		return "job in image " + bounded(printable(w.Job.DockerImage), 200)
	}
	return "job"
}

// The places of secrets in a URL: a user and a password, and the query parameter
// that the Hub's documentation proposes. In what is no URL, a password may hold
// anything up to the last @.
var (
	userInfo     = regexp.MustCompile(`^([^?#]*?://)([^/?#]*)@`)
	looseInfo    = regexp.MustCompile(`(?s)^(.*?://)(.*)@`)
	urlParameter = regexp.MustCompile(`([?&;])([^?&;#=]*)=([^&;#]+)`)
)

func userInfoIn(raw string) *regexp.Regexp {
	if _, err := url.Parse(raw); err != nil {
		return looseInfo
	}
	return userInfo
}

func namesSecret(key string) bool {
	name, err := url.QueryUnescape(key)
	return err == nil && strings.EqualFold(strings.TrimSpace(name), "secret")
}

// redactURL takes out the secrets at their places: the same text elsewhere is
// none, and would tell what was taken out.
func redactURL(raw string) string {
	raw = userInfoIn(raw).ReplaceAllString(raw, "${1}"+redacted+"@")
	return urlParameter.ReplaceAllStringFunc(raw, func(pair string) string {
		m := urlParameter.FindStringSubmatch(pair)
		if !namesSecret(m[2]) {
			return pair
		}
		return m[1] + m[2] + "=" + redacted
	})
}

// urlSecrets are the secrets in a URL, as they stand in it and decoded.
func urlSecrets(raw string) []string {
	var all []string
	add := func(s string) {
		all = append(all, s)
		if plain, err := url.QueryUnescape(s); err == nil && plain != s {
			all = append(all, plain)
		}
	}
	for _, m := range urlParameter.FindAllStringSubmatch(raw, -1) {
		if namesSecret(m[2]) {
			add(m[3])
		}
	}
	if m := userInfoIn(raw).FindStringSubmatch(raw); m != nil {
		add(m[2])
		if _, password, ok := strings.Cut(m[2], ":"); ok {
			add(password)
		}
	}
	return all
}

// fields are the keys of a setting as they came.
type fields map[string]json.RawMessage

// decodeWebhook reads a setting, with or without the wrapper "webhook". What
// has another type than expected is left out.
func decodeWebhook(data []byte) (*Webhook, fields, error) {
	var f fields
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, nil, err
	}
	if inner, ok := f["webhook"]; ok && f["id"] == nil {
		data, f = inner, nil
		if err := json.Unmarshal(data, &f); err != nil {
			return nil, nil, err
		}
	}
	type plain Webhook // without its UnmarshalJSON, which calls this
	var wire struct {
		plain
		Secret        *string `json:"secret"`
		HasSecret     *bool   `json:"hasSecret"`
		LastTriggerAt *string `json:"lastTriggerAt"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok {
			return nil, nil, err
		}
	}
	w := (*Webhook)(&wire.plain)
	if w.ID == "" {
		return nil, nil, errAnswer
	}
	if w.State == "" {
		w.State = Enabled
	}
	w.Domains = normal(w.Domains)
	if s := wire.Secret; s != nil {
		w.Secret, w.HasSecret = Secret(*s), *s != ""
	}
	if wire.HasSecret != nil {
		w.HasSecret = *wire.HasSecret
	}
	if wire.LastTriggerAt != nil {
		w.LastTriggerAt, _ = time.Parse(time.RFC3339, *wire.LastTriggerAt)
	}
	return w, f, nil
}

// UnmarshalJSON reads what the Hub answers. What a Webhook encodes to holds no
// secret, so a decoded one has HasSecret and no Secret.
func (w *Webhook) UnmarshalJSON(data []byte) error {
	decoded, _, err := decodeWebhook(data)
	if err != nil {
		return err
	}
	if decoded.Secret == redacted {
		decoded.Secret = ""
	}
	*w = *decoded
	return nil
}
