package payload

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// What may be wrong with bytes that Decode refuses. It returns them inside a
// *SyntaxError.
var (
	ErrEmpty     = errors.New("body is empty")
	ErrNotObject = errors.New("body is JSON but no object")
	ErrNotJSON   = errors.New("body is not JSON")
	ErrTrailing  = errors.New("body goes on after its JSON object")
)

// SyntaxError says why and where Decode gave up. It wraps ErrEmpty,
// ErrNotObject, ErrNotJSON or ErrTrailing. It quotes at most one character of
// the body, in a harmless form.
type SyntaxError struct {
	Offset   int    // of the byte, counted from 0
	Expected string // in words, as in "',' or '}'"
	Found    string // in words, as in "'x'" or "the end"
	Err      error
}

func (e *SyntaxError) Error() string {
	if e.Err == ErrEmpty {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v: expected %s at byte %d, found %s", e.Err, e.Expected, e.Offset, e.Found)
}

// Unwrap gives the reason.
func (e *SyntaxError) Unwrap() error { return e.Err }

// found names what stands at the beginning of b.
func found(b []byte) string {
	if len(b) == 0 {
		return "the end"
	}
	_, size := utf8.DecodeRune(b)
	return "'" + Printable(string(b[:size])) + "'"
}
