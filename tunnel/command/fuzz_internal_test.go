package command

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel/internal/child"
)

// Whatever a program prints, and whatever the pattern: at most one URL is
// taken, the first, and it can be shown and given to the Hub.
func FuzzFind(f *testing.F) {
	f.Add(`https://\S+`, "at https://a.example.test", "GET /https://evil.example.test")
	f.Add(`url=(\S*)`, "url=https://u:p@a.b url=https://\u202e", "url=https://$(id).b")
	f.Add(`(x)|https?://.*`, "http://a https://b", "https://a\x1b]0;x\x07")
	f.Add(`((((a*)*)*)*)*$`, strings.Repeat("a", 1000)+"://", "b")
	f.Fuzz(func(t *testing.T, pattern, first, second string) {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return
		}
		found := make(chan *url.URL, 3)
		look := (&programTunnel{pattern: re}).find(found, new(child.Near))
		for _, line := range []string{first, second, first + second} {
			look([]byte(line))
		}
		close(found)
		require.LessOrEqual(t, len(found), 1)
		for u := range found {
			assert.Regexp(t, `^https://[]\[0-9a-z_.:-]+(/[!-~]*)?$`, u.String())
			assert.Nil(t, u.User)
		}
	})
}

// What was quoted is what a program gets.
func FuzzSplit(f *testing.F) {
	f.Add("a b", "c'd", `e"\`)
	f.Add("", "$(x)", "\n;")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, s := range []string{a, b, c} {
			_, _ = splitWords(s, true)
			_, _ = splitWords(s, false)
		}
		words := []string{strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?"), strings.ToValidUTF8(c, "?")}
		var line []string
		for _, w := range words {
			line = append(line, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		got, err := splitWords(strings.Join(line, " "), true)
		require.NoError(t, err)
		assert.Equal(t, words, got)
	})
}
