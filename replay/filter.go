package replay

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
)

// Filter chooses deliveries. Fields that are zero choose all; all that are set
// have to match. Within a list one match is enough.
type Filter struct {
	FromID, ToID int64 // both inclusive; 0: open
	WebhookID    string

	Since, Until time.Time // first arrival; Until is exclusive

	Endpoints []string
	Scopes    []payload.Scope // with their narrower ones
	Actions   []payload.Action
	Repos     []string // globs over owner/name: * and ? match any character, case is ignored
	RepoTypes []payload.RepoType
	Verdicts  []Verdict

	// Attempts chooses by the delivery's last attempt.
	Attempts []AttemptStatus
	// Failed chooses what failed last: at some target or, with FailedAt, at that
	// one. What was never sent there counts by its last attempt anywhere.
	Failed   bool
	FailedAt string // Target.Name
	// Queued chooses what is in this target's queue.
	Queued string

	Text string // in the body, case is ignored for ASCII letters

	Limit  int  // 0: no limit
	Newest bool // with Limit: the newest ones instead of the oldest
}

// AttemptStatus chooses deliveries by their last attempt: "ok", "failed",
// "none", a status such as "404", or a class such as "5xx".
type AttemptStatus string

// Match reports whether d is chosen. Limit and Newest are about lists and not
// looked at. It defines what a Store lists, however the Store finds it.
func (f *Filter) Match(d *Delivery) bool {
	received := d.Received()
	switch {
	case f.FromID != 0 && d.ID < f.FromID,
		f.ToID != 0 && d.ID > f.ToID,
		f.WebhookID != "" && d.WebhookID != f.WebhookID,
		!f.Since.IsZero() && received.Before(f.Since),
		!f.Until.IsZero() && !received.Before(f.Until),
		f.Failed && !f.failed(d),
		f.Queued != "" && !slices.Contains(d.Queued, f.Queued):
		return false
	}
	return one(f.Endpoints, d.Endpoint) &&
		one(f.Actions, d.Action) &&
		one(f.RepoTypes, d.RepoType) &&
		one(f.Verdicts, d.Verdict) &&
		oneOf(f.Scopes, func(s payload.Scope) bool { return d.Scope.Within(s) }) &&
		oneOf(f.Repos, func(glob string) bool { return matchGlob(glob, d.Repo) }) &&
		oneOf(f.Attempts, func(s AttemptStatus) bool { return s.match(d.Attempts) }) &&
		(f.Text == "" || bytes.Contains(lowerASCII(d.Body), lowerASCII([]byte(f.Text))))
}

func (f *Filter) failed(d *Delivery) bool {
	failed := d.FailedAt()
	if f.FailedAt == "" || len(failed) == 0 {
		return len(failed) > 0
	}
	if slices.ContainsFunc(d.Attempts, func(a Attempt) bool { return a.Target == f.FailedAt }) {
		return slices.Contains(failed, f.FailedAt)
	}
	return !d.Attempts[len(d.Attempts)-1].OK()
}

func one[T comparable](list []T, v T) bool {
	return len(list) == 0 || slices.Contains(list, v)
}

func oneOf[T any](list []T, match func(T) bool) bool {
	return len(list) == 0 || slices.ContainsFunc(list, match)
}

func (s AttemptStatus) match(attempts []Attempt) bool {
	if len(attempts) == 0 {
		return s == "none"
	}
	last := &attempts[len(attempts)-1]
	switch s {
	case "none":
		return false
	case "ok":
		return last.OK()
	case "failed":
		return !last.OK()
	}
	status := strconv.Itoa(last.Status)
	if class, ok := strings.CutSuffix(string(s), "xx"); ok {
		return len(status) == 3 && status[:1] == class
	}
	return last.Status != 0 && status == string(s)
}

// matchGlob reports whether the whole of s is what glob describes, in which *
// stands for any characters, also none, and ? for any one.
func matchGlob(glob, s string) bool {
	// star and from are where to go back to when what follows the last *
	// does not match: one character further on.
	star, from := -1, 0
	i, j := 0, 0
	for j < len(s) {
		_, size := utf8.DecodeRuneInString(s[j:])
		switch {
		case i < len(glob) && glob[i] == '*':
			star, from = i, j
			i++
		case i < len(glob) && glob[i] == '?':
			i++
			j += size
		case i < len(glob) && lower(glob[i]) == lower(s[j]):
			i++
			j++
		case star >= 0:
			_, size = utf8.DecodeRuneInString(s[from:])
			from += size
			i, j = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(glob[i:], "*") == ""
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

func lowerASCII(b []byte) []byte {
	low := make([]byte, len(b))
	for i, c := range b {
		low[i] = lower(c)
	}
	return low
}
