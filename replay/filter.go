package replay

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
)

// Filter chooses deliveries. Fields that are zero choose all; all that are set
// have to match. Within a list one match is enough. ParseFilter reads one that
// a person wrote.
type Filter struct {
	FromID, ToID int64 // both inclusive; 0: open
	WebhookID    string

	Since, Until time.Time // first arrival; Until is exclusive

	Endpoints []string
	Scopes    []payload.Scope // or globs over them, UTF-8 without NUL, each with its narrower ones
	Actions   []payload.Action
	Repos     []string // globs over owner/name, UTF-8 without NUL: * and ? match any character, case is ignored
	RepoTypes []payload.RepoType
	Verdicts  []Verdict

	// Refs are globs over payload.Payload.Refs: the refs that a push changed,
	// and that of the pull request which the delivery is about. Only what was
	// accepted has refs.
	Refs []string

	// Attempts chooses by the delivery's last attempt.
	Attempts []AttemptStatus
	// Failed chooses what failed last: at some target or, with FailedAt, at that
	// one. What was never sent there counts by its last attempt anywhere.
	Failed   bool
	FailedAt string // Target.Name
	// Queued chooses what is in this target's queue.
	Queued string

	Text string // in the body, case is ignored for ASCII letters

	// Except leaves out what one of these filters chooses.
	Except []Filter

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
		oneOf(f.Scopes, func(s payload.Scope) bool { return matchScope(s, d.Scope) }) &&
		oneOf(f.Repos, func(glob string) bool { return matchGlob(glob, d.Repo, lower) }) &&
		oneOf(f.Attempts, func(s AttemptStatus) bool { return s.match(d.Attempts) }) &&
		!f.excepts(d) &&
		(f.Text == "" || bytes.Contains(lowerASCII(d.Body), lowerASCII([]byte(f.Text)))) &&
		(len(f.Refs) == 0 || matchRefs(f.Refs, d))
}

func (f *Filter) excepts(d *Delivery) bool {
	for i := range f.Except {
		if f.Except[i].Match(d) {
			return true
		}
	}
	return false
}

// And gives the filter that chooses what f and g both choose. Limit and Newest
// are those of f.
func (f Filter) And(g Filter) Filter {
	g.Limit, g.Newest = 0, false
	if reflect.ValueOf(g).IsZero() {
		return f
	}
	limit, newest := f.Limit, f.Newest
	f.Limit, f.Newest = 0, false
	if reflect.ValueOf(f).IsZero() {
		f = g
	} else {
		f.Except = append(slices.Clip(f.Except), Filter{Except: []Filter{g}})
	}
	f.Limit, f.Newest = limit, newest
	return f
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

func lowerASCII(b []byte) []byte {
	low := make([]byte, len(b))
	for i, c := range b {
		low[i] = lower(c)
	}
	return low
}
