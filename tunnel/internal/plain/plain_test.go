package plain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/tunnel/internal/plain"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"as it is ":                           "as it is ",
		"a\tb\r\n":                            "a b",
		"\x1b]0;title\x07up":                  "up",
		"\x1b]8;;https://x.io\x1b\\up\x1b[0m": "up",
		"\x1b]0;without an end":               "",
		"\x1b[38;5;1mred\x1b[K \x1b7é\u202e":  "red é",
		"\x1b\x1b[2J\x9b2J":                   "\ufffd2J",
	} {
		assert.Equal(t, want, plain.Line(in), "%q", in)
	}
	assert.Equal(t, "éé...", plain.Short("é\x00éé", 2))
	assert.Equal(t, "éé", plain.Short("éé", 2))
	assert.Equal(t, strings.Repeat("x", 200)+"...", plain.Short(strings.Repeat("x", 201), 200))
}
