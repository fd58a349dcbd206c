// Package edit changes single places in the JSON body of a delivery and leaves
// all others as they are: their bytes, white space, the order of keys, numbers
// of any size and precision, escapes in strings, keys that come twice.
//
//	merged, err := edit.Set("discussion.status", "merged")
//	...
//	body, err = edit.Edits{merged}.Apply(body)
//
// # Paths
//
// A path is keys with dots between: discussion.status. A number is the index of
// an element where there is a list: updatedRefs.0.ref, or updatedRefs[0].ref.
// A list takes one more element at - or []: updatedRefs.-.ref. A backslash takes
// its meaning from a dot, a bracket, an equals sign and a backslash:
// updatedConfig.a\.b is one key "a.b". A path that begins with a slash is a JSON
// pointer (RFC 6901): /updatedRefs/0/ref.
//
// Of a key that comes twice in an object the last one counts, as it does for
// nearly everybody who decodes JSON.
package edit

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/tailscale/hujson"

	"github.com/hfhook/hfhook/payload"
)

// Bounds of a body, before and after it is edited, and of values and patches.
const (
	MaxSize   = 64 << 20 // bytes
	MaxDepth  = 1000     // objects and lists inside of each other
	MaxValues = 1 << 20  // values and keys; a bucket event of 10,000 files has about 100,000
)

var (
	// ErrNotJSON is returned for a body that is no JSON text, whatever its kind.
	ErrNotJSON = errors.New("body is not JSON")
	// ErrBounds is returned for what is, or would become, larger than MaxSize,
	// deeper than MaxDepth or more than MaxValues.
	ErrBounds = errors.New("beyond the bounds for edits")
	// ErrAbsent is wrapped by the Error of an edit that takes away what is not there.
	ErrAbsent = errors.New("not there")
)

// Error says which edit cannot be made, and why. Its texts are harmless to
// print.
type Error struct {
	Path   string // as it was given, or the operation of a patch
	Reason string // what is there
	Hint   string // what to do about it; may be empty
	Err    error  // ErrAbsent, ErrBounds or nil
}

func (e *Error) Error() string { return e.Path + ": " + e.Reason }

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

// Edit is one change of a body. The zero Edit changes nothing.
type Edit struct {
	text  string
	apply func(*hujson.Value) error
}

// String says in a few words what the edit does, harmless to print:
// discussion.status = "merged".
func (e Edit) String() string { return e.text }

// Edits are made one after the other.
type Edits []Edit

// Apply gives the body with all edits made to it. body itself stays as it is. A
// byte order mark in front is kept. With an error no edit was made: it is an
// *Error, ErrNotJSON or ErrBounds.
func (edits Edits) Apply(body []byte) ([]byte, error) {
	text, marked := bytes.CutPrefix(body, []byte(mark))
	root, err := parse(bytes.Clone(text))
	if err != nil {
		return nil, err
	}
	for _, e := range edits {
		if e.apply == nil {
			continue
		}
		if err := e.apply(&root); err != nil {
			return nil, err
		}
	}
	if err := check(&root); err != nil {
		return nil, err
	}
	out := root.Pack()
	if marked {
		out = append([]byte(mark), out...)
	}
	return out, nil
}

const mark = "\ufeff" // byte order mark, which payload.Decode passes over

// textRunes is how long a path or a value may get in a text.
const textRunes = 60

func clip(s string) string {
	s = payload.Printable(s[:min(len(s), 4*textRunes+4)])
	if r := []rune(s); len(r) > textRunes {
		s = string(r[:textRunes-1]) + "…"
	}
	return s
}

func (e *Error) with(hint string, args ...any) *Error {
	e.Hint = fmt.Sprintf(hint, args...)
	return e
}
