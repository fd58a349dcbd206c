package hub

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

var (
	// ErrSecretUnknown: nothing was changed, because the webhook has a secret
	// that the Hub does not show, and to leave it out might take it away.
	ErrSecretUnknown = errors.New("the secret is unknown")

	// ErrJobUnknown: nothing was changed, because the webhook starts a Job that
	// the Hub does not show in full.
	ErrJobUnknown = errors.New("the job is unknown")
)

// Settings are what a new webhook is made of.
type Settings struct {
	// One of these is the target.
	URL         string
	Job         *Job
	JobSourceID string // an existing Job, whose spec is copied

	Watched []Watched // at least one
	Domains []Domain  // at least one
	Secret  Secret    // printable ASCII; sent to the target as it is. Default: none
}

// Change says what Update changes. What is not named stays as it is.
type Change struct {
	// One of these at most is the new target.
	URL         string
	Job         *Job
	JobSourceID string

	Watched []Watched // nil: as they are
	Domains []Domain  // nil: as they are

	// Secret says what becomes of the secret: SetSecret, KeepSecret or
	// LeaveSecret. Required: an update replaces the whole setting, the Hub may
	// not show the secret, and what it does when none is sent is not
	// documented.
	Secret SecretRule
}

// SecretRule gives the secret to send with an update of a webhook, nil for
// none, or an error that stops the update. It gets what the Hub shows.
type SecretRule func(shown *Webhook) (*Secret, error)

// SetSecret sends a secret, whatever there was. To send an empty one takes it
// away.
func SetSecret(s Secret) SecretRule {
	return func(*Webhook) (*Secret, error) { return &s, nil }
}

// KeepSecret sends the secret that the Hub shows, or none when there is none.
// It fails with ErrSecretUnknown when there is one and the Hub does not show it.
func KeepSecret(shown *Webhook) (*Secret, error) {
	masked := strings.Trim(string(shown.Secret), "*•") == ""
	switch {
	case !shown.HasSecret:
		return nil, nil
	case masked:
		return nil, ErrSecretUnknown
	}
	return &shown.Secret, nil
}

// LeaveSecret sends none. Whether the webhook has one afterwards, the Hub
// decides: see HasSecret of the answer. The Client logs a warning.
func LeaveSecret(*Webhook) (*Secret, error) { return nil, nil }

// The keys that the Hub takes for a target, and those that it shows only.
var (
	targetKeys = []string{"url", "job", "jobSourceId"}
	shownKeys  = []string{"id", "disabled", "secret", "hasSecret", "lastTriggerAt"}
)

// check finds what the Hub would refuse, in the words that it uses.
func (s *Settings) check() error {
	if s.targets() != 1 {
		return errTargets
	}
	if len(s.Watched) == 0 {
		return errors.New("a webhook watches at least one repo, user or organization")
	}
	if len(s.Domains) == 0 {
		return errors.New("a webhook has at least one domain: repo or discussion")
	}
	return s.checkParts()
}

var errTargets = errors.New("a webhook has one target: a URL, a job or the id of a job")

func (s *Settings) targets() int {
	n := 0
	for _, named := range []bool{s.URL != "", s.Job != nil, s.JobSourceID != ""} {
		if named {
			n++
		}
	}
	return n
}

// checkParts looks at what is there.
func (s *Settings) checkParts() error {
	if s.targets() > 1 {
		return errTargets
	}
	if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "") {
		return errors.New("the target is no http or https URL")
	}
	if s.Job != nil && s.Job.Flavor == "" {
		return errors.New("a job has a flavor: cpu-basic or another")
	}
	if slices.ContainsFunc(s.Watched, func(w Watched) bool { return w.Type == "" || w.Name == "" }) {
		return errors.New("what is watched has a type and a name")
	}
	if slices.Contains(s.Domains, "") {
		return errors.New("a domain is empty")
	}
	// Source: the Hub's OpenAPI document, pattern ^[\x20-\x7F]*$.
	if strings.ContainsFunc(string(s.Secret), func(r rune) bool { return r < ' ' || r > 0x7f }) {
		return errors.New("the secret holds something else than printable ASCII")
	}
	return nil
}

// body is the settings as they are sent.
func (s *Settings) body() fields {
	f := fields{"watched": mustJSON(watchedWire(s.Watched, nil)), "domains": mustJSON(normal(s.Domains))}
	s.setTarget(f)
	if s.Secret != "" {
		f["secret"] = mustJSON(string(s.Secret))
	}
	return f
}

// setTarget replaces the target, if there is a new one.
func (s *Settings) setTarget(f fields) {
	set := func(key string, value json.RawMessage) {
		for _, k := range targetKeys {
			delete(f, k)
		}
		f[key] = value
	}
	switch {
	case s.URL != "":
		set("url", mustJSON(s.URL))
	case s.Job != nil:
		set("job", s.Job.wire())
	case s.JobSourceID != "":
		set("jobSourceId", mustJSON(s.JobSourceID))
	}
}

// secrets are those of the settings, for redaction.
func (s *Settings) secrets() []string {
	all := append(urlSecrets(s.URL), string(s.Secret))
	if s.Job != nil {
		for _, value := range s.Job.Secrets {
			all = append(all, string(value))
		}
	}
	return all
}

// watchedWire is ws as they are sent: with what the Hub showed about the same
// ones and hfhook does not know.
func watchedWire(ws []Watched, shown []fields) []fields {
	all := make([]fields, len(ws))
	for i, w := range ws {
		all[i] = fields{}
		for _, f := range shown {
			if same(f["type"], string(w.Type)) && same(f["name"], w.Name) {
				for key, value := range f {
					all[i][key] = value
				}
				break
			}
		}
		delete(all[i], "avatarUrl") // the Hub shows it only
		all[i]["type"], all[i]["name"] = mustJSON(w.Type), mustJSON(w.Name)
	}
	return all
}

func same(raw json.RawMessage, text string) bool {
	var s string
	return json.Unmarshal(raw, &s) == nil && s == text
}

// merge makes what is sent to change a setting that the Hub shows as shown and
// f: all of f that it takes, and the change. The Settings are the same, as far
// as they are known.
func (ch *Change) merge(shown *Webhook, f fields) (fields, *Settings, error) {
	s := &Settings{URL: ch.URL, Job: ch.Job, JobSourceID: ch.JobSourceID, Watched: ch.Watched, Domains: ch.Domains}
	if s.targets() == 0 {
		// Copied from the same Job, it is the same Job.
		if s.URL, s.JobSourceID = shown.URL, shown.JobSourceID; s.targets() == 0 {
			return nil, s, ErrJobUnknown
		}
	}
	if s.Watched == nil {
		s.Watched = shown.Watched
	}
	if s.Domains == nil {
		s.Domains = shown.Domains
	}
	secret, err := ch.Secret(shown)
	if err != nil {
		return nil, s, err
	}

	body := fields{}
	for key, value := range f {
		if !slices.Contains(shownKeys, key) {
			body[key] = value
		}
	}
	var items []fields
	_ = json.Unmarshal(f["watched"], &items)
	body["watched"] = mustJSON(watchedWire(s.Watched, items))
	body["domains"] = mustJSON(normal(s.Domains))
	s.setTarget(body)
	if secret != nil {
		s.Secret = *secret
		body["secret"] = mustJSON(string(*secret))
	}
	return body, s, nil
}

// mustJSON is for what always has a JSON form.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("hub: " + err.Error())
	}
	return b
}
