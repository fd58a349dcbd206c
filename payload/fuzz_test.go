package payload

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzDecode holds Decode against encoding/json: the same bytes are JSON, and
// where encoding/json has no complaint the same values come out. It leaves out
// what differs on purpose: depth, duplicates, and keys matched without case.
func FuzzDecode(f *testing.F) {
	for _, body := range samples(f) {
		f.Add(body)
	}
	for _, s := range []string{full, "", "{}", "[]", `{"add":"a/b"}`, `{"event":"update","scope":"repo"}`, "\ufeff{}", "{\"a\":\"\xff\\ud800\"}", `{"updatedConfig":{"a":[1e5,{}]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 9_000 {
			return
		}
		p, err := Decode(body)
		plain := bytes.TrimPrefix(body, []byte("\ufeff"))
		object := json.Valid(plain) && bytes.HasPrefix(bytes.TrimLeft(plain, " \t\r\n"), []byte("{"))
		require.Equal(t, object, err == nil, "%v", err)
		if err != nil {
			assertHarmless(t, err.Error())
			assert.Equal(t, json.Valid(plain), strings.HasPrefix(err.Error(), ErrNotObject.Error()))
			return
		}

		line := p.Describe()
		assertHarmless(t, line)
		assert.Equal(t, line, Printable(line))
		assert.LessOrEqual(t, utf8.RuneCountInString(line), lineRunes)
		has := make(map[ProblemKind]bool)
		for _, problem := range p.Problems() {
			assertHarmless(t, problem.String())
			has[problem.Kind] = true
		}
		if err := p.Validate(); err != nil {
			assertHarmless(t, err.Error())
		}

		if written, err := json.Marshal(p); assert.NoError(t, err) {
			again, err := Decode(written)
			require.NoError(t, err)
			if len(p.UpdatedConfig) == 0 { // whose values are written compact
				assert.Equal(t, bareOf(p), bareOf(again))
			}
		}

		if has[Duplicate] || has[Misspelt] || foldsToASCII(body) {
			return
		}
		var want Payload
		if err := json.Unmarshal(plain, &want); err != nil {
			assert.True(t, has[WrongType] || has[OldVersion], "%v", err)
			return
		}
		assert.Equal(t, want, bareOf(p))
	})
}

// foldsToASCII tells of the two letters beyond ASCII that encoding/json takes
// for an s and a k in keys.
func foldsToASCII(body []byte) bool {
	low := bytes.ToLower(body)
	return slices.ContainsFunc([]string{"\u017f", "\u212a", `\u017f`, `\u212a`}, func(s string) bool {
		return bytes.Contains(body, []byte(s)) || bytes.Contains(low, []byte(s))
	})
}

func FuzzPrintable(f *testing.F) {
	for _, c := range printableCases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		one, lines := Printable(s), PrintableLines(s)
		assertHarmless(t, one)
		assertHarmless(t, strings.ReplaceAll(lines, "\n", ""))
		assert.Equal(t, one, Printable(one), "a second time changes nothing")
		assert.Equal(t, lines, PrintableLines(lines), "a second time changes nothing")
		assert.Equal(t, strings.Count(s, "\n"), strings.Count(lines, "\n"))
	})
}

// assertHarmless checks what a terminal or a reader could fall for, apart from
// how Printable decides.
func assertHarmless(t *testing.T, s string) {
	t.Helper()
	require.True(t, utf8.ValidString(s), "%q", s)
	for _, r := range s {
		switch {
		case r < 0x20, r >= 0x7f && r <= 0x9f, r == 0xad, // C0, DEL, C1, soft hyphen
			r == 0x61c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, // bidi
			r == 0x200b, r == 0x200c, r >= 0x2060 && r <= 0x2064, r == 0xfeff, r == 0x180e, // zero width
			r == 0x2028, r == 0x2029, r >= 0xe000 && r <= 0xf8ff, r >= 0xe0000: // lines, private use, tags
			t.Fatalf("%U passed in %q", r, s)
		}
	}
}
