package payload

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

var printableCases = []struct{ in, want string }{
	{"", ""},
	{"plain text, 100% of it", "plain text, 100% of it"},
	{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
	{"\x1b]0;owned\x07", `\x1b]0;owned\x07`},
	{"a\x00\b\x7f\u0085\u009bz", `a\x00\x08\x7f\x85\x9bz`},
	{"line\nover\rline\ttab", `line\x0aover\x0dline\x09tab`},
	{"\u202egnp.exe\u202c", `\u202egnp.exe\u202c`},
	{"\u061c\u200e\u200f\u2066\u2069", `\u061c\u200e\u200f\u2066\u2069`},
	{"zero\u200bwidth\u2060\ufeff\u00ad", `zero\u200bwidth\u2060\ufeff\xad`},
	{"a\u2028b\u2029c", `a\u2028b\u2029c`},
	{"\ue000\U000f0000\U000e0041", `\ue000\U000f0000\U000e0041`},
	{"\u3164\u115f\ufe00\U000e0100\u034f", `\u3164\u115f\ufe00\U000e0100\u034f`},
	{"\xff\xe2\x80 \xed\xa0\x80", `\xff\xe2\x80 \xed\xa0\x80`},
	{"\ufffd", "\ufffd"},
	{"données/été 文件 日本語\u3000です שלום مرحبا हिन्दी", "données/été 文件 日本語\u3000です שלום مرحبا हिन्दी"},
	{"🤗 ✅ 👍🏽 🇫🇷 ❤️ ☺️", "🤗 ✅ 👍🏽 🇫🇷 ❤️ ☺️"},
	{"👩‍💻 👨‍👩‍👧 🏳️‍🌈 👩🏽‍⚕️ 🧑‍🚀", "👩‍💻 👨‍👩‍👧 🏳️‍🌈 👩🏽‍⚕️ 🧑‍🚀"},
	{"a\u200db\ufe0f", `a\u200db\ufe0f`},
	{"👩\u200d", `👩\u200d`},
	{"👩\u200d\u200d👩", `👩\u200d\u200d👩`},
	{"👩\u200d\xff", `👩\u200d\xff`},
	{"❤\ufe0f\ufe0f", `❤️\ufe0f`},
	{"\U0001fae9", "\U0001fae9"}, // younger than Go's tables
}

func TestPrintable(t *testing.T) {
	for _, c := range printableCases {
		assert.Equal(t, c.want, Printable(c.in), "%q", c.in)
	}
}

func TestPrintableLines(t *testing.T) {
	for in, want := range map[string]string{
		"one\ntwo\n":          "one\ntwo\n",
		"one\r\ntwo\r\n":      "one\ntwo\n",
		"\tindent":            "    indent",
		"over\rwritten\r":     `over\x0dwritten\x0d`,
		"\r\r\n":              "\\x0d\n",
		"\x1b[2J\n\u2028\xff": "\\x1b[2J\n\\u2028\\xff",
		"👩‍💻\n":               "👩‍💻\n",
	} {
		assert.Equal(t, want, PrintableLines(in), "%q", in)
	}
}

// Every code point: what Unicode calls control, format, private use,
// surrogate or unassigned never passes alone, and whatever passes, passes
// unchanged.
func TestPrintableOverUnicode(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		in := "a" + string(r) + "b"
		got := Printable(in)
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) {
			if got == in {
				t.Fatalf("%U passed", r)
			}
			continue
		}
		if unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S, unicode.Zs) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point) && got != in {
			t.Fatalf("%U did not pass", r)
		}
	}
}

func TestCleanTextIsNotCopied(t *testing.T) {
	clean := strings.Repeat("données 🤗 ", 20)
	assert.Zero(t, testing.AllocsPerRun(10, func() { Printable(clean) }))
	lines := clean + "\n"
	assert.Zero(t, testing.AllocsPerRun(10, func() { PrintableLines(lines) }))
}
