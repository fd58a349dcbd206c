package registration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hfhook/hfhook/hub"
)

// version is that of the files. A program leaves those of a newer one alone.
const version = 1

var (
	errNewer   = errors.New("it was written by a newer version")
	errDamaged = errors.New("it is damaged")
)

// entry is what the journal holds about a session: what it may have left at the
// Hub, and how to tell that from what somebody else did.
type entry struct {
	Version  int       `json:"version"`
	Started  time.Time `json:"started"` // for people; nothing is decided by it
	Endpoint string    `json:"endpoint"`
	User     string    `json:"user"`
	Kind     kind      `json:"kind"`

	Webhook string   `json:"webhook,omitempty"` // empty: created, and its id is not known yet
	Former  string   `json:"former,omitempty"`  // target of a borrowed webhook, for people
	Before  []string `json:"before,omitempty"`  // webhooks that had the URL of a created one before it

	// What the setting can be, if nobody else changed it. It is what the Hub
	// showed last, and what a call was about to make of it.
	URLs      []string      `json:"urls"`
	Watched   []hub.Watched `json:"watched"`
	Domains   []hub.Domain  `json:"domains"`
	HasSecret *bool         `json:"hasSecret,omitempty"` // nil: not known
	States    []hub.State   `json:"states"`

	// Pending says that a call was about to be made. It may still be on its way.
	Pending bool `json:"pending"`

	Ending ending `json:"ending,omitempty"`
}

type kind string

const (
	created  kind = "created"
	borrowed kind = "borrowed"
)

// ending is what is made of the setting at the end.
type ending string

const (
	running ending = ""     // it has not come to its end
	undoing ending = "undo" // delete, or put back
	keeping ending = "keep" // disable
)

// maxURLs bounds those that calls without an answer may have set.
const maxURLs = 100

// addURL says that a call may set u. The first URL is one that was seen there.
func (e *entry) addURL(u string) {
	if e.URLs = append(slices.Clone(e.URLs), u); len(e.URLs) > maxURLs {
		e.URLs = slices.Delete(e.URLs, 1, 2)
	}
}

// addState says that a call may set s.
func (e *entry) addState(s hub.State) {
	if !slices.Contains(e.States, s) {
		e.States = append(slices.Clone(e.States), s)
	}
}

// confirm takes over what the Hub answered to a call, which set the URL sent;
// empty: none.
func (e *entry) confirm(w *hub.Webhook, sent string) {
	e.Pending = false
	if e.Webhook == "" && hub.ValidID(w.ID) {
		e.Webhook = w.ID
	}
	if sent != "" {
		e.URLs = []string{sent}
		if !sameURL(w.URL, sent) && checkURL(w.URL) == nil { // the Hub writes it in another way
			e.addURL(w.URL)
		}
	} else if i := slices.IndexFunc(e.URLs, func(u string) bool { return sameURL(u, w.URL) }); i >= 0 {
		e.URLs = e.URLs[i : i+1]
	}
	e.show(w)
}

// show takes over all but the target from what the Hub shows.
func (e *entry) show(w *hub.Webhook) {
	if len(w.Watched) > 0 {
		e.Watched = slices.Clone(w.Watched)
		for i := range e.Watched {
			e.Watched[i].AvatarURL = ""
		}
	}
	if len(w.Domains) > 0 {
		e.Domains = w.Domains
	}
	e.HasSecret = &w.HasSecret
	e.States = []hub.State{w.State}
}

// kept is what of an entry may be secret: the former setting, whose URL and Job
// can hold secrets, and both secrets. It prints none of them.
type kept struct {
	former *hub.Webhook
	own    hub.Secret // of the webhook; empty: it has none
	during hub.Secret // what the Hub sends during the session; empty: none
}

// keptWire is kept as it is in its file.
type keptWire struct {
	Version int          `json:"version"`
	Former  *hub.Webhook `json:"former"` // its secret is redacted
	Own     string       `json:"own"`
	During  string       `json:"during"`
}

func (k *kept) encode() ([]byte, error) {
	return seal(keptWire{version, k.former, string(k.own), string(k.during)})
}

func decodeKept(b []byte) (*kept, error) {
	var wire keptWire
	if err := unseal(b, &wire); err != nil {
		return nil, err
	}
	if wire.Former == nil || wire.Former.URL == "" && wire.Former.JobSourceID == "" {
		return nil, errDamaged
	}
	return &kept{wire.Former, hub.Secret(wire.Own), hub.Secret(wire.During)}, nil
}

func decodeEntry(b []byte) (*entry, error) {
	var e entry
	if err := unseal(b, &e); err != nil {
		return nil, err
	}
	sound := e.Endpoint != "" && e.User != "" && len(e.URLs) > 0 && len(e.URLs) <= maxURLs && len(e.Watched) > 0 && len(e.Domains) > 0 && len(e.States) > 0 &&
		slices.Contains([]ending{running, undoing, keeping}, e.Ending) &&
		!slices.ContainsFunc(e.URLs, func(u string) bool { return checkURL(u) != nil })
	switch e.Kind {
	case created:
		sound = sound && (e.Webhook == "" || hub.ValidID(e.Webhook))
	case borrowed:
		sound = sound && hub.ValidID(e.Webhook)
	default:
		sound = false
	}
	if !sound {
		return nil, errDamaged
	}
	return &e, nil
}

// seal encodes v in one line, and its sum in another: half of it, or with a bit
// turned, it is told from what was written.
func seal(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return sealed(b), nil
}

func sealed(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(append(bytes.Clone(b), '\n'), hex.EncodeToString(sum[:])+"\n"...)
}

func unseal(b []byte, v any) error {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	var of struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(line, &of) == nil && of.Version > version {
		return errNewer
	}
	if of.Version != version || !bytes.Equal(b, sealed(line)) {
		return errDamaged
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if d.Decode(v) != nil || d.More() {
		return errDamaged
	}
	return nil
}

// checkURL refuses a URL that the Hub cannot call, or that holds a secret: it
// would stand in the journal.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return errors.New("the new target is no http or https URL")
	case u.User != nil, (&hub.Webhook{URL: raw}).Target() != raw:
		return errors.New("the new target holds a secret, or something that cannot be shown")
	}
	return nil
}

// sameURL reports whether two URLs are the same but for the way of writing.
func sameURL(a, b string) bool { return a == b || plainURL(a) == plainURL(b) }

func plainURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	u.Host = strings.ToLower(u.Host)
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}
