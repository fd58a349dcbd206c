package command

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay/internal/redact"
)

// However a program's output comes in pieces, what is kept and told is the same,
// and has no secret in it.
func FuzzOutput(f *testing.F) {
	f.Add("key: s3cr3t\nand s3cr", "s3cr3t", "key", 3)
	f.Add("aaaaab\raab\r\n\x1b[1mab\xff", "aab", "ab", 1)
	f.Add("a b a+b a%20b", "a b", "", 2)
	f.Fuzz(func(t *testing.T, text, one, two string, size int) {
		if strings.ContainsAny(one+two, "\r\n") || size <= 0 || len(text) > headBytes/16 {
			return
		}
		secrets := redact.New(one, two)
		want := secrets.Replace(text)
		whole, _ := run(secrets, []byte(text), max(len(text), 1))
		got, told := run(secrets, []byte(text), size)
		assert.Equal(t, want, string(whole))
		assert.Equal(t, want, string(got))
		for _, line := range told {
			assert.Equal(t, payload.Printable(line), line)
			assert.LessOrEqual(t, len(line), 10*lineBytes)
		}
	})
}

// run gives what becomes of a text that is written in pieces.
func run(secrets *redact.Secrets, text []byte, size int) (body []byte, told []string) {
	o := &output{secrets: secrets, tell: func(_, text string) { told = append(told, text) }}
	s := o.stream("stdout")
	for len(text) > 0 {
		n := min(size, len(text))
		piece := bytes.Clone(text[:n])
		_, _ = s.Write(piece)
		clear(piece) // a Writer keeps nothing of it
		text = text[n:]
	}
	s.flush()
	body, _ = o.body()
	return body, told
}
