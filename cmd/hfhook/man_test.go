package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// macros are those of man(7) that are needed, and that every man knows.
var macros = []string{"TH", "SH", "SS", "PP", "TP", "RS", "RE", "nf", "fi", "ad", "nh"}

func TestTheManPage(t *testing.T) {
	app := readyApp()
	page := manPage(app)
	assert.Regexp(t, `^\.TH HFHOOK 1 \d{4}-\d\d-\d\d "hfhook `+regexp.QuoteMeta(app.Version)+`" "User Commands"\n`, page)
	for _, section := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "FLAGS", "COMMANDS", "FILTERS", `"EXIT STATUS"`, "ENVIRONMENT", "FILES", "EXAMPLES", `"SEE ALSO"`} {
		assert.Equal(t, 1, strings.Count(page, "\n.SH "+section+"\n"), section)
	}
	before, depth := "", 0
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		assert.NotEmpty(t, line)
		assert.Regexp(t, `^[ -~]+$`, line, "only ASCII, and no tab")
		assert.NotRegexp(t, `^'|^\\\(aq| $`, line)
		assert.NotRegexp(t, `[^\\]-|^-`, strings.TrimPrefix(line, page[:strings.Index(page, "\n")]), "a hyphen that is typed is \\-")
		if name, ok := strings.CutPrefix(line, "."); ok {
			name, _, _ = strings.Cut(name, " ")
			assert.Contains(t, macros, name)
			assert.False(t, before == ".TP" || before == ".PP" && line != ".RS 4", "an empty paragraph before %s", line)
		}
		switch line {
		case ".RS 4", ".nf":
			depth++
		case ".RE", ".fi":
			depth--
		}
		if strings.HasPrefix(line, ".S") || line == ".TP" {
			assert.Zero(t, depth, line)
		}
		assert.Equal(t, strings.Count(line, `\fB`)+strings.Count(line, `\fI`) > 0, strings.Contains(line, `\f`), line)
		before = line
	}
	assert.Zero(t, depth)

	_, commands, _ := strings.Cut(page, "\n.SH COMMANDS\n")
	commands, _, _ = strings.Cut(commands, "\n.SH ")
	eachCommand(app.Commands, "", func(name string, cmd *cli.Command) {
		_, text, ok := strings.Cut(commands, "\n.SS \"hfhook "+strings.ReplaceAll(name, "-", `\-`)+"\"\n")
		if name == "dev" { // the first
			_, text, ok = strings.Cut(commands, ".SS \"hfhook dev\"\n")
		}
		require.True(t, ok, name)
		text, _, _ = strings.Cut(text, "\n.SS ")
		for _, flag := range cmd.Flags {
			visible := flag.(cli.VisibleFlag).IsVisible()
			names, _, _ := describeFlag(flag)
			want := `\fB` + strings.ReplaceAll(names[0], "-", `\-`) + `\fR`
			assert.Equal(t, visible, strings.Contains(text, "\n.TP\n"+want), "%s of %s", names[0], name)
		}
	})
	assert.NotContains(t, page, "complete\n")
	for _, v := range slices.Concat(flagVariables(app), ownVariables) {
		assert.Contains(t, page, "\n.TP\n\\fB"+v.name+"\\fR\n")
	}
}

// The examples of the man page name commands and flags that there are.
func TestTheManPagesExamples(t *testing.T) {
	app := readyApp()
	for _, example := range manExamples {
		line, _, _ := strings.Cut(example.line, " | ")
		line, _, _ = strings.Cut(line, " > ")
		typed, err := parseBash(line, "")
		require.NoError(t, err)
		cmd := app.Command(typed.words[0])
		require.NotNil(t, cmd, example.line)
		for _, word := range typed.words[1:] {
			if isFlag(word) {
				assert.NotNil(t, findFlag(cmd, word), "%s in %s", word, example.line)
			}
		}
		assert.True(t, strings.HasSuffix(example.about, "."))
	}
}

func TestRoff(t *testing.T) {
	var r roff
	r.macro("SH", "a-b", `with "quotes"`, "")
	r.text("..a word of " + italic("URL") + ` and \n, it's ~/x ^ ` + "`é`")
	r.text(".x")
	r.text("'x")
	assert.Equal(t, `.SH a\-b "with \(dqquotes\(dq" ""
\&..a word of \fIURL\fR and \(rsn, it\(aqs \(ti/x \(ha \(ga\[u00E9]\(ga
\&.x
\&\(aqx
`, r.String())

	r = roff{}
	r.lines(`One
paragraph.

  a line
    a deeper one
  .another

  word   what it is
         and more
  other  thing
Last.
`)
	assert.Equal(t, `One paragraph.
.PP
.RS 4
.nf
a line
  a deeper one
\&.another
.fi
.RE
.TP
\fBword\fR
what it is and more
.TP
\fBother\fR
thing
.PP
Last.
`, r.String())
}

func FuzzRoff(f *testing.F) {
	f.Add("a\n\n  b\n  c  d\n     e\nf")
	f.Add(".x\n'y\n\\fB")
	f.Fuzz(func(t *testing.T, text string) {
		var r roff
		r.lines(text)
		for line := range strings.Lines(r.String()) {
			name, macro := strings.CutPrefix(strings.TrimSuffix(line, "\n"), ".")
			name, _, _ = strings.Cut(name, " ")
			assert.False(t, macro && !slices.Contains(macros, name), "%q", line)
			assert.False(t, strings.HasPrefix(line, "'"))
		}
	})
}
