package child

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/plain"
)

// Whatever a program writes, in whatever pieces: lines are bounded and steer no
// terminal, and what has no end takes no more memory than a line.
func FuzzLines(f *testing.F) {
	f.Add([]byte("one\r\n\x1b[31mtwo\x1b[0m\nthree"), 2)
	f.Add([]byte("\x1b]0;title\x07\n\xc2\x9b2J\u202e\xff\xfe\n"), 1)
	f.Add([]byte("\x1b]8;;https://evil.example.test\n"), 3)
	f.Add([]byte(strings.Repeat("\xff", lineBytes)), lineBytes/3)
	f.Fuzz(func(t *testing.T, text []byte, piece int) {
		piece = max(1, min(piece, len(text)))
		got := newOutput(Program{Redact: tunnel.NewRedactor(), Line: func(line []byte) {
			assert.LessOrEqual(t, len(line), 3*lineBytes) // what is no text becomes U+FFFD
			assert.False(t, strings.ContainsFunc(string(line), func(r rune) bool { return !unicode.IsPrint(r) }), "%q", line)
		}})
		l := &lines{to: got}
		for range 3 {
			for rest := text; len(rest) > 0; {
				n := min(piece, len(rest))
				k, err := l.Write(rest[:n])
				assert.NoError(t, err)
				assert.Equal(t, n, k)
				rest = rest[n:]
				assert.LessOrEqual(t, cap(l.part), 2*lineBytes)
			}
		}
		l.flush()
		for _, line := range got.last(lastLines + 1) {
			assert.Equal(t, line, plain.Line(line))
		}
	})
}
