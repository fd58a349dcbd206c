// Package plain makes one line, fit for a terminal, of text from elsewhere.
package plain

import (
	"bytes"
	"regexp"
	"unicode"
)

// escapes are what terminals take for commands: CSI, OSC, and two-character
// sequences.
var escapes = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[ -~])`)

// Bytes is line without what is no text. It shares memory with line where
// nothing has to go.
func Bytes(line []byte) []byte {
	line = bytes.TrimRight(line, "\r")
	if isPlain(line) {
		return line
	}
	return bytes.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, escapes.ReplaceAll(line, nil))
}

// isPlain goes by bytes, because nearly all lines are plain.
func isPlain(line []byte) bool {
	for _, c := range line {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// Line is s without what is no text.
func Line(s string) string { return string(Bytes([]byte(s))) }

// Short is Line, cut after n runes. Secrets have to be taken out before: half of
// one is one too.
func Short(s string, n int) string {
	s = Line(s)
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "..."
		}
	}
	return s
}
