package check

import (
	"errors"
	"fmt"
	"time"
)

// Verdict is how a case ended.
type Verdict string

const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Warn    Verdict = "warn"    // not as one would like it, and no failed delivery of today
	Skipped Verdict = "skipped" // not run, or nothing could be seen
)

// Result is what came of a case. Its texts are harmless to print, and hold no
// secret.
type Result struct {
	Name    string // of the Case
	About   string // what was sent
	Want    string // what was expected
	Came    string // what came; empty when skipped
	Verdict Verdict

	// Why says why it matters that the case failed, or why it was skipped.
	Why string

	Requests int           // that were sent
	Duration time.Duration // of all of it
	Slowest  time.Duration // answer, of those that patience is about; 0: none
}

func (r Result) String() string {
	switch r.Verdict {
	case Skipped:
		return fmt.Sprintf("%s: skipped: %s", r.Name, r.Why)
	case Pass:
		return fmt.Sprintf("%s: %s", r.Name, r.Came)
	}
	return fmt.Sprintf("%s: %s: want %s, came %s: %s", r.Name, r.Verdict, r.Want, r.Came, r.Why)
}

// Tristate is yes, no, or not to be seen.
type Tristate string

const (
	Yes     Tristate = "yes"
	No      Tristate = "no"
	Unknown Tristate = "unknown"
)

// Report is the verdict on a handler.
type Report struct {
	URL     string // without user, password and secret
	Results []Result

	// Idempotent is whether a delivery that comes again is acted on once.
	Idempotent    Tristate
	IdempotentWhy string // how that was seen, or why it was not

	Requests    int
	Slowest     time.Duration // answer, of those that patience is about
	SlowestCase string
	Patience    time.Duration // that was asked of the handler

	// Stopped says why not all cases were run, such as a handler that is gone.
	// Empty: they were.
	Stopped string
}

// Count is how many cases ended with a verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Verdict == v {
			n++
		}
	}
	return n
}

// OK reports whether no case failed, and none was left out because the handler
// is gone.
func (r *Report) OK() bool { return r.Count(Fail) == 0 && r.Stopped == "" }

// Err joins what failed into an error; nil when the report is OK.
func (r *Report) Err() error {
	var errs []error
	for _, result := range r.Results {
		if result.Verdict == Fail {
			errs = append(errs, errors.New(result.String()))
		}
	}
	if r.Stopped != "" {
		errs = append(errs, errors.New(r.Stopped))
	}
	return errors.Join(errs...)
}
