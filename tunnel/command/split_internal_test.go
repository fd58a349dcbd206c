package command

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSplit(t *testing.T) {
	for in, want := range map[string][]string{
		``:                                   nil,
		" \t\r\n ":                           nil,
		`a b  c`:                             {"a", "b", "c"},
		`a '' "" b`:                          {"a", "", "", "b"},
		`'a b'c" d"`:                         {"a bc d"},
		`"it's" 'say "x"'`:                   {"it's", `say "x"`},
		`a # b ; c && d | e > f $HOME ~ * ?`: {"a", "#", "b", ";", "c", "&&", "d", "|", "e", ">", "f", "$HOME", "~", "*", "?"},
		`ü "日 本"`:                            {"ü", "日 本"},
	} {
		for _, escapes := range []bool{true, false} {
			got, err := splitWords(in, escapes)
			assert.NoError(t, err, in)
			assert.Equal(t, want, got, in)
		}
	}
}

func TestSplitBackslashes(t *testing.T) {
	for in, want := range map[string]struct{ posix, windows []string }{
		`C:\bin\x.exe \\host`:     {[]string{"C:binx.exe", `\host`}, []string{`C:\bin\x.exe`, `\\host`}},
		`"C:\Program Files\x" -v`: {[]string{`C:\Program Files\x`, "-v"}, []string{`C:\Program Files\x`, "-v"}},
		`'a\b' "\"`:               {nil, []string{`a\b`, `\`}},
		`a\ b \'c "\"d\$\\e"`:     {[]string{"a b", "'c", `"d$\e`}, nil},
		`'C:\dir\' x`:             {[]string{`C:\dir\`, "x"}, []string{`C:\dir\`, "x"}},
		`\`:                       {nil, []string{`\`}},
		`\  x`:                    {[]string{" ", "x"}, []string{`\`, "x"}},
	} {
		for escapes, want := range map[bool][]string{true: want.posix, false: want.windows} {
			got, err := splitWords(in, escapes)
			assert.Equal(t, want == nil, err != nil, "%s, %v: %v", in, escapes, err)
			assert.Equal(t, want, got, "%s, %v", in, escapes)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for in, want := range map[string]string{
		`a "b`:     "a quote that is not closed",
		`a 'b\'c'`: "a quote that is not closed",
		`a b\`:     "a backslash at its end",
	} {
		_, err := splitWords(in, true)
		assert.EqualError(t, err, want, in)
	}
}
