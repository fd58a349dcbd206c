package registration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/hfhook/hfhook/hub"
)

// Outcome is what became of a webhook, for the user to read. It prints safely.
type Outcome struct {
	Kind    OutcomeKind
	Webhook string // id; empty: not known
	Text    string // one line
	Hint    string // what the user can do; may be empty
	Err     error  // why it was not undone; nil when it was
}

// OutcomeKind tells outcomes apart.
type OutcomeKind string

const (
	Restored  OutcomeKind = "restored"   // a borrowed one is as it was found
	Deleted   OutcomeKind = "deleted"    // a created one is no more
	Kept      OutcomeKind = "kept"       // a created one is disabled
	Gone      OutcomeKind = "gone"       // there is none, so there is nothing to undo
	LeftAlone OutcomeKind = "left alone" // somebody else changed it: ErrChanged
	Failed    OutcomeKind = "failed"     // the next Repair tries again
	Skipped   OutcomeKind = "skipped"    // the entry cannot be used: by this user, at this Hub, or at all
)

// plain is o as it prints safely: what the Hub, or a file of the journal, calls
// a state, a user or a place is anybody's text.
func (o Outcome) plain() Outcome {
	o.Text, o.Hint = plain(o.Text), plain(o.Hint)
	return o
}

// plain is s without what steers a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

func (s *session) name() string {
	if s.entry.Webhook == "" {
		return "the webhook"
	}
	return "webhook " + s.entry.Webhook
}

func (s *session) outcome(kind OutcomeKind, text string, args ...any) Outcome {
	return Outcome{Kind: kind, Webhook: s.entry.Webhook, Text: fmt.Sprintf(text, args...)}
}

// gone is for a webhook that somebody deleted.
func (s *session) gone() Outcome {
	o := s.outcome(Gone, "%s is gone: somebody else deleted it", s.name())
	o.Err = hub.ErrNotFound
	return o
}

// changed is the error for a webhook that somebody changed.
func (s *session) changed(why string) error {
	return &Error{
		Text: plain(fmt.Sprintf("%s was changed by somebody else and is left as it is: %s", s.name(), why)),
		Hint: plain("look at it at " + s.entry.Endpoint + "/settings/webhooks/" + s.entry.Webhook), Err: ErrChanged,
	}
}

func (s *session) leftAlone(err error) Outcome {
	o := s.outcome(LeftAlone, "%s", err)
	o.Hint, o.Err = hintOf(err), err
	return o
}

func (s *session) failed(err error) Outcome {
	what := "deleted"
	if s.kept != nil {
		what = "put back to " + s.kept.former.Target()
	}
	why := own(err).Error()
	if _, ok := errors.AsType[*hub.Error](err); !ok && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		why = "there was no time left"
	}
	o := s.outcome(Failed, "%s could not be %s: %s", s.name(), what, why)
	o.Hint, o.Err = cmp.Or(hintOf(err), "it is tried again at the next start"), own(err)
	return o
}

func (s *session) skipped(why, hint string) Outcome {
	o := s.outcome(Skipped, "%s, which an earlier session left, is not repaired now: %s", s.name(), why)
	o.Hint = hint + ", and it is repaired"
	return o
}

// unusable is for an entry that cannot be read.
func (r *Registry) unusable(id, ext string, err error) Outcome {
	file := r.folder.file(id, ext)
	o := Outcome{Kind: Skipped, Err: err, Text: fmt.Sprintf("the journal file %s is left alone: %s", file, reason(err)),
		Hint: fmt.Sprintf("see at %s/settings/webhooks whether a webhook still points to a tunnel, then delete the file", r.client.Endpoint())}
	if errors.Is(err, errNewer) {
		o.Hint = "update hfhook: it repairs what an earlier session left"
	}
	return o
}
