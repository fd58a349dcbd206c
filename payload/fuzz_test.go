package payload

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzDecode holds Decode against encoding/json: every JSON object is taken,
// its bytes are kept, and where encoding/json has no complaint the same values
// come out. It leaves out what differs on purpose: depth, duplicates, and keys
// matched without case. Whatever is asked of a payload, nothing panics, and what
// it says is harmless to print.
func FuzzDecode(f *testing.F) {
	for _, body := range samples(f) {
		f.Add(body)
	}
	for _, s := range []string{
		full, "", "{}", "[]", `{"add":"a/b"}`, `{"event":"update","scope":"repo"}`, "\ufeff{}", "{\"a\":\"\xff\\ud800\"}", `{"updatedConfig":{"a":[1e5,{}]}}`,
		`{"repo":{"name":"a","name":"b"},"repo":null}`, "\ufeff\ufeff{}", strings.Repeat(`{"a":[`, 1000) + strings.Repeat("]}", 1000),
		`{"event":{"action":"\u001b[2J","scope":"discussion.\u202e"},"discussion":{"num":-0,"title":"\ud83d\ude00\ud83d"},"comment":{"content":"\ud83d\ude00"}}`,
		`{"webhook":{"version":3.0},"discussion":{"num":9223372036854775808},"comment":{"hidden":true,"content":null}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		p, err := Decode(body)
		require.Equal(t, before, body, "the bytes are as they were")
		if bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 9_000 {
			return // too deep for encoding/json, perhaps
		}
		plain := bytes.TrimPrefix(body, []byte("\ufeff"))
		object := json.Valid(plain) && bytes.HasPrefix(bytes.TrimLeft(plain, " \t\r\n"), []byte("{"))
		require.Equal(t, object, err == nil, "%v", err)
		if err != nil {
			require.Nil(t, p)
			assertHarmless(t, err.Error())
			assert.Equal(t, json.Valid(plain), strings.HasPrefix(err.Error(), ErrNotObject.Error()))
			return
		}
		require.Equal(t, before, []byte(p.Raw))

		assertTells(t, p)
		has := make(map[ProblemKind]bool)
		for _, problem := range p.Problems() {
			assertHarmless(t, problem.String())
			has[problem.Kind] = true
		}
		if err := p.Validate(); err != nil {
			assertHarmless(t, err.Error())
			require.NotEmpty(t, p.Problems())
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

// assertTells asks a payload all that a handler may ask.
func assertTells(t *testing.T, p *Payload) {
	t.Helper()
	line := p.Describe()
	assertHarmless(t, line)
	assert.Equal(t, line, Printable(line))
	assert.Equal(t, line, p.String())
	assert.LessOrEqual(t, utf8.RuneCountInString(line), lineRunes)

	e := p.Event.Effective()
	assert.Equal(t, e, e.Effective(), "a second time changes nothing")
	assert.True(t, e.Scope == "" || p.Event.Scope.Within(e.Scope), "%q is not within %q", p.Event.Scope, e.Scope)
	if e != p.Event {
		assert.Equal(t, ActionUpdate, e.Action)
		assert.False(t, p.Event.Scope.Known())
	}
	if ByAuthor("4")(p) {
		assert.True(t, p.Event.Scope.Within(ScopeDiscussion))
	}
	if OnlyRefs("refs/convert/")(p) {
		assert.NotEmpty(t, p.UpdatedRefs)
	}
	if EmptyConfig(p) {
		assert.Empty(t, p.UpdatedConfig)
	}
	for key := range p.UpdatedConfig {
		p.ConfigBool(key)
	}
	refs := p.Refs()
	for _, ref := range p.UpdatedRefs {
		assert.True(t, ref.Ref == "" || slices.Contains(refs, ref.Ref), "%q of %q", ref.Ref, refs)
		if num, ok := ref.PullRequest(); ok {
			assert.True(t, strings.HasPrefix(ref.Ref, "refs/pr/"+strconv.FormatInt(num, 10)), ref.Ref)
		}
	}
}

// foldsToASCII tells of the two letters beyond ASCII that encoding/json takes
// for an s and a k in keys.
func foldsToASCII(body []byte) bool {
	low := bytes.ToLower(body)
	return slices.ContainsFunc([]string{"\u017f", "\u212a", `\u017f`, `\u212a`}, func(s string) bool {
		return bytes.Contains(body, []byte(s)) || bytes.Contains(low, []byte(s))
	})
}

// FuzzPrintable looks at what comes out by Unicode's own classes, apart from how
// Printable decides, and holds the way of clean text against that of all other.
func FuzzPrintable(f *testing.F) {
	for _, c := range printableCases {
		f.Add(c.in)
	}
	f.Add("\ufdd0\ufffe\U0001ffff\U0010ffff\ufff9a\ufffb\u206a\u2065\u180b\u17b4\ufe0f\u20e3")
	f.Add("\x7f")
	f.Add("\xc0\x9b\xe0\x80\x9b\xf4\x90\x80\x80\xed\xbf\xbf\x9b2J\xc2\x9b2J")
	f.Fuzz(func(t *testing.T, s string) {
		one, lines := Printable(s), PrintableLines(s)
		assertHarmless(t, one)
		assertHarmless(t, strings.ReplaceAll(lines, "\n", ""))
		assert.Equal(t, one, Printable(one), "a second time changes nothing")
		assert.Equal(t, lines, PrintableLines(lines), "a second time changes nothing")
		assert.Equal(t, strings.Count(s, "\n"), strings.Count(lines, "\n"))
		assert.Equal(t, `\x1b`+one+`\x1b`, Printable("\x1b"+s+"\x1b"), "what stands beside it changes nothing")
		assert.Equal(t, `\x1b`+lines+`\x1b`, PrintableLines("\x1b"+s+"\x1b"), "what stands beside it changes nothing")
		if !strings.ContainsAny(s, "\n\r\t") {
			assert.Equal(t, one, lines)
		}
	})
}

// assertHarmless checks that nothing in s steers a terminal or is not seen: by
// the properties that Unicode gives characters, and by name those that matter.
func assertHarmless(t *testing.T, s string) {
	t.Helper()
	require.True(t, utf8.ValidString(s), "%q", s)
	before := rune(0)
	for _, r := range s {
		switch {
		case r == 0x200d, r == 0xfe0f: // of emoji, where one stands before it
			if !unicode.In(before, unicode.So, unicode.Sm, unicode.Sk, unicode.Cn) && before != 0xfe0f {
				t.Fatalf("%U passed in %q", r, s)
			}
		case r < 0x20, r >= 0x7f && r <= 0x9f, r == 0xad, // C0, DEL, C1, soft hyphen
			r == 0x61c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, // bidi
			r == 0x200b, r == 0x200c, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r == 0x180e, // zero width
			r == 0x2028, r == 0x2029, r >= 0xe000 && r <= 0xf8ff, r >= 0xe0000, // lines, private use, tags
			unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Variation_Selector,
				unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point):
			if r < 0x1f000 || r > 0x1faff { // whose unassigned ones may be emoji that are younger than Go's tables
				t.Fatalf("%U passed in %q", r, s)
			}
		}
		before = r
	}
}

// FuzzEscapeJSON: what is JSON stays the same JSON, and shows no character that
// is not seen, however strangers wrote it.
func FuzzEscapeJSON(f *testing.F) {
	for _, body := range samples(f) {
		f.Add(body)
	}
	for _, s := range []string{"\"\x7f\u009b\u202e\u2028\ufeff\"", "{\"\\u001b\U000e0041\":\"\xff\\ud800\"}", "[\"\U0010ffff\u00a0\u3000\"]", `"\\\u202e"`} {
		f.Add([]byte(s))
	}
	decoded := func(t *testing.T, text []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		require.NoError(t, d.Decode(&v), "%s", text)
		return v
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var compact bytes.Buffer // blanks outside of strings are no business of it
		if json.Compact(&compact, text) != nil {
			return
		}
		before := bytes.Clone(compact.Bytes())
		out := EscapeJSON(compact.Bytes())
		require.Equal(t, before, compact.Bytes(), "the text is as it was")
		require.True(t, json.Valid(out), "%q", out)
		assert.Equal(t, decoded(t, before), decoded(t, out))
		assert.Equal(t, out, EscapeJSON(out), "a second time changes nothing")
		for _, r := range string(out) {
			assert.False(t, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Bidi_Control), "%U in %q", r, out)
		}
	})
}
