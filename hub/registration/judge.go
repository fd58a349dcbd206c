package registration

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hfhook/hfhook/hub"
)

// verdict is whose work a setting is, as the Hub shows it.
type verdict int

const (
	ours   verdict = iota // it is what the session made of it
	back                  // it has its former target, and all else but the state may be set right
	theirs                // somebody else changed it
)

// judge tells whose work w is, and if it is theirs, by what.
func (s *session) judge(w *hub.Webhook) (v verdict, why string) {
	why = s.entry.difference(w)
	secret := s.secretDiffers(w)
	at := slices.ContainsFunc(s.entry.URLs, func(u string) bool { return sameURL(u, w.URL) })
	switch {
	case at && why == "" && !secret:
		return ours, ""
	case s.kept != nil && sameTarget(s.kept.former, w):
		// The last update of the end, or the first of the session that never
		// came to pass; or somebody put it back by hand.
		if s.entry.Ending != running && why == "" {
			return back, ""
		}
		if why = cmp.Or(difference(s.kept.former, w), stateDifference(s.kept.former.State, w.State)); why == "" {
			return back, ""
		}
		return theirs, "it has its former target, and " + why
	case !at:
		return theirs, "it points to " + w.Target()
	case why != "":
		return theirs, why
	}
	return theirs, "its secret is another"
}

// mine is an error when a setting is not what the session made of it.
func (s *session) mine(w *hub.Webhook) error {
	v, why := s.judge(w)
	if v == ours {
		return nil
	}
	if v == back {
		why = "it has its former target"
	}
	return s.changed(why)
}

// difference says what is not as the session left it, the target and the secret
// aside.
func (e *entry) difference(w *hub.Webhook) string {
	switch {
	case !sameSet(plainWatched(e.Watched), plainWatched(w.Watched)):
		return "it watches something else"
	case !sameSet(e.Domains, w.Domains):
		return "its domains are others"
	case slices.Contains(e.States, w.State):
		return ""
	case w.State != hub.Disabled && slices.Contains(e.States, hub.Enabled): // the Hub suspended it
		return ""
	}
	return stateDifference(e.States[len(e.States)-1], w.State)
}

func (s *session) secretDiffers(w *hub.Webhook) bool {
	if s.entry.HasSecret != nil && *s.entry.HasSecret != w.HasSecret {
		return true
	}
	shown, err := hub.KeepSecret(w)
	return s.kept != nil && err == nil && shown != nil && *shown != s.kept.during
}

// difference says what is not as it was, the state aside.
func difference(former, now *hub.Webhook) string {
	switch {
	case !sameTarget(former, now):
		return "it points to " + now.Target()
	case !sameJob(former.Job, now.Job):
		return "its job is another"
	case !sameSet(plainWatched(former.Watched), plainWatched(now.Watched)):
		return "it watches something else"
	case !sameSet(former.Domains, now.Domains):
		return "its domains are others"
	case former.HasSecret != now.HasSecret:
		return "its secret is another"
	}
	return ""
}

func stateDifference(was, is hub.State) string {
	if was == is {
		return ""
	}
	return fmt.Sprintf("it is %s instead of %s", is, was)
}

func sameTarget(a, b *hub.Webhook) bool {
	if a.URL == "" {
		return b.URL == "" && a.JobSourceID == b.JobSourceID
	}
	return sameURL(a.URL, b.URL)
}

// sameJob compares what the Hub shows, and not whether a list is empty or none.
func sameJob(a, b *hub.Job) bool {
	one, errA := json.Marshal(a)
	other, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(one, other)
}

func plainWatched(ws []hub.Watched) []hub.Watched {
	plain := slices.Clone(ws)
	for i := range plain {
		plain[i].AvatarURL = ""
	}
	return plain
}

// sameSet reports whether two lists hold the same, in whatever order.
func sameSet[T comparable](a, b []T) bool {
	within := func(a, b []T) bool {
		there := make(map[T]bool, len(b))
		for _, x := range b {
			there[x] = true
		}
		return !slices.ContainsFunc(a, func(x T) bool { return !there[x] })
	}
	return within(a, b) && within(b, a)
}
