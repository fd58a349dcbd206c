package payload

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is something odd about a body. It is harmless to print.
type Problem struct {
	// Path names the place, as in "repo.url.web" or "updatedRefs[3].oldSha".
	// Empty for the body as a whole.
	Path string `json:"path"`

	Kind ProblemKind `json:"kind"`

	// Detail says more in plain English; it may be empty.
	Detail string `json:"detail,omitempty"`
}

// ProblemKind is the way in which something is odd.
type ProblemKind string

const (
	Missing      ProblemKind = "missing"       // a field that the Hub always sends is not there
	WrongType    ProblemKind = "wrong type"    // the field is left at its zero value
	OldVersion   ProblemKind = "old version"   // the body belongs to a version before 3
	UnknownValue ProblemKind = "unknown value" // a scope, action, repo type, status or version not heard of; kept
	UnknownField ProblemKind = "unknown field" // not read; still in Raw
	Misspelt     ProblemKind = "misspelt"      // an unknown field that looks like a known one; not read
	Duplicate    ProblemKind = "duplicate"     // a known field came twice; the last one counts
	TooMany      ProblemKind = "too many"      // what a list has beyond 100,000 elements is in Raw only
	BadText      ProblemKind = "bad text"      // invalid UTF-8 or a lone surrogate, replaced by U+FFFD; a byte order mark
)

// String says it in one line.
func (p Problem) String() string {
	s := string(p.Kind)
	if p.Path != "" {
		s = p.Path + ": " + s
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}

// grave reports whether Validate counts the problem.
func (p Problem) grave() bool {
	return p.Kind == Missing || p.Kind == WrongType || p.Kind == OldVersion
}

// Problems lists what Decode found odd, in the order in which
// it was met; nil when there is nothing, and for a Payload that was not decoded.
// At most 50 of a kind are kept; when there were more, the list ends with one
// more of this kind that has no path and tells how many. Fields that are not
// known are not looked into.
func (p *Payload) Problems() []Problem { return slices.Clone(p.problems) }

// Validate gives nil, or an error when the body is not what the Hub promises:
// a *VersionError for a body of an older version, else an *InvalidError with all
// fields that are missing or of the wrong type. Other problems do not count,
// because the Hub may send something new on any day.
func (p *Payload) Validate() error {
	var grave []Problem
	for _, problem := range p.problems {
		if problem.Kind == OldVersion {
			return &VersionError{Version: p.oldVersion}
		}
		if problem.grave() {
			grave = append(grave, problem)
		}
	}
	if grave == nil {
		return nil
	}
	return &InvalidError{Problems: grave}
}

// InvalidError is the error of Validate for a body of which something is
// missing or has the wrong type.
type InvalidError struct {
	Problems []Problem // at least one
}

func (e *InvalidError) Error() string {
	const shown = 5
	var b strings.Builder
	b.WriteString("invalid payload: ")
	for i, problem := range e.Problems {
		if i == shown {
			fmt.Fprintf(&b, "; and %d more", len(e.Problems)-shown)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(problem.String())
	}
	return b.String()
}

// VersionError is the error of Validate for a body of an older version.
type VersionError struct {
	Version int64
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("payload of webhook version %d, where %d is due", e.Version, Version)
}

// problems collects what is odd, a bounded number of each kind.
type problems struct {
	kept  []Problem
	count map[ProblemKind]int
	over  []ProblemKind // of which not all are kept
}

const problemsPerKind = 50

// room counts one more of a kind and reports whether it is to be kept.
func (p *problems) room(kind ProblemKind) bool {
	if p.count == nil {
		p.count = make(map[ProblemKind]int)
	}
	p.count[kind]++
	if p.count[kind] == problemsPerKind+1 {
		p.over = append(p.over, kind)
	}
	return p.count[kind] <= problemsPerKind
}

// all gives what was kept, and counts of the rest.
func (p *problems) all() []Problem {
	for _, kind := range p.over {
		p.kept = append(p.kept, Problem{Kind: kind, Detail: fmt.Sprintf("and %d more", p.count[kind]-problemsPerKind)})
	}
	return p.kept
}
