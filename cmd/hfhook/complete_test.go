package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// usualBreaks is COMP_WORDBREAKS as bash comes with it.
const usualBreaks = " \t\n\"'@><=;|&(:"

// scriptTyping asks what may stand at the cursor, as the script of a shell
// does when somebody wants to see the list.
func scriptTyping(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: typing SHELL WORDS... or typing bash LINE")
	}
	cmd := typingIn(args[0], args[1:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), os.Environ()
	for _, key := range append(slices.Clone(scriptEnv), "GORACE", "HFHOOK_STORE") {
		cmd.Env = append(cmd.Env, key+"="+ts.Getenv(key))
	}
	var talk bytes.Buffer
	cmd.Stderr = &talk
	out, err := cmd.Output()
	ts.Check(err)
	_, err = ts.Stdout().Write(out)
	ts.Check(err)
	if talk.Len() > 0 {
		ts.Fatalf("completion says:\n%s", talk.String())
	}
}

// typingIn is what the script of a shell runs; for bash, words is the line.
func typingIn(shell string, words ...string) *exec.Cmd {
	cmd := exec.Command("hfhook", completeCommand().Name, shell)
	typed := strings.Join(words, "\x00") + "\x00"
	if shell == "bash" {
		cmd.Args = append(cmd.Args, usualBreaks, "63", "100")
		typed = words[0]
	}
	cmd.Stdin = strings.NewReader(typed)
	return cmd
}

func TestParseBash(t *testing.T) {
	for line, want := range map[string]bashLine{
		`hfhook `:                              {[]string{""}, 0},
		`hfhook dev`:                           {[]string{"dev"}, 0},
		`  hfhook   dev  `:                     {[]string{"dev", ""}, 0},
		`hfhook dev --ack=st`:                  {[]string{"dev", "--ack=st"}, len("--ack=")},
		`hfhook dev --ack=`:                    {[]string{"dev", "--ack="}, len("--ack=")},
		`hfhook dev --tunnel=ssh:p`:            {[]string{"dev", "--tunnel=ssh:p"}, len("--tunnel=ssh:")},
		`hfhook dev "--tunnel=ssh:p`:           {[]string{"dev", "--tunnel=ssh:p"}, 0},
		`hfhook dev --tunnel="ssh:p`:           {[]string{"dev", "--tunnel=ssh:p"}, len("--tunnel=")},
		`hfhook dev --tunnel='ssh:'p`:          {[]string{"dev", "--tunnel=ssh:p"}, len("--tunnel=")},
		`hfhook dev --tunnel ssh\:p`:           {[]string{"dev", "--tunnel", "ssh:p"}, 0},
		`hfhook inspect --text 'a b' ''`:       {[]string{"inspect", "--text", "a b", ""}, 0},
		`hfhook inspect --text "a \"b\" \c" 1`: {[]string{"inspect", "--text", `a "b" \c`, "1"}, 0},
		`hfhook inspect --text 'a \' 1`:        {[]string{"inspect", "--text", `a \`, "1"}, 0},
		`hfhook inspect --text a\ b 1`:         {[]string{"inspect", "--text", "a b", "1"}, 0},
		`hfhook replay "`:                      {[]string{"replay", ""}, 0},
		`hfhook replay \`:                      {[]string{"replay", `\`}, 0},
		`A=1 B_2="x y" hfhook replay `:         {[]string{"replay", ""}, 0},
		`true && hfhook replay 1`:              {[]string{"replay", "1"}, 0},
		`hfhook inspect | hfhook replay 1`:     {[]string{"replay", "1"}, 0},
		`x=$(hfhook replay 1`:                  {[]string{"replay", "1"}, 0},
		`hfhook replay 2>/dev/null >a 1`:       {[]string{"replay", "1"}, 0},
		`hfhook replay > a 1`:                  {[]string{"replay", "1"}, 0},
		`hfhook replay >a 2>&1 1`:              {[]string{"replay", "1"}, 0},
		`hfhook replay &>a 1`:                  {[]string{"replay", "1"}, 0},
		`hfhook replay >|a 1`:                  {[]string{"replay", "1"}, 0},
		`true & hfhook replay 1`:               {[]string{"replay", "1"}, 0},
		`hfhook inspect $(touch x) 1`:          {[]string{"x)", "1"}, 0},
		"hfhook inspect `touch x` 1":           {[]string{"inspect", "`touch", "x`", "1"}, 0},
		`hfhook inspect 數:`:                    {[]string{"inspect", "數:"}, len("數:")},
	} {
		got, err := parseBash(line, usualBreaks)
		require.NoError(t, err, line)
		assert.Equal(t, want, got, line)
	}
	got, err := parseBash(`hfhook dev --tunnel=ssh:p`, " \t\n")
	require.NoError(t, err)
	assert.Zero(t, got.kept, "somebody took = and : out of COMP_WORDBREAKS")
	for _, line := range []string{"", "hfhook", "A=1 hfhook", "hfhook inspect |", "hfhook inspect; tr"} {
		_, err := parseBash(line, usualBreaks)
		assert.Error(t, err, line)
	}
	for _, line := range []string{"hfhook inspect >", "hfhook inspect > ", "hfhook inspect 2>er", `hfhook inspect < "a b`} {
		_, err := parseBash(line, usualBreaks)
		assert.ErrorIs(t, err, errRedirected, line)
	}
}

func FuzzParseBash(f *testing.F) {
	for _, line := range []string{`hfhook dev --ack=st`, `A=1 hfhook x "a\"b`, `hfhook 'a' > b c`, "hfhook $(touch x) `y` |\\"} {
		f.Add(line, usualBreaks)
	}
	f.Fuzz(func(t *testing.T, line, breaks string) {
		got, err := parseBash(line, breaks)
		if err != nil {
			assert.Empty(t, got)
			return
		}
		require.NotEmpty(t, got.words)
		last := got.words[len(got.words)-1]
		assert.LessOrEqual(t, got.kept, len(last))
		assert.LessOrEqual(t, len(strings.Join(got.words, "")), len(line), "nothing is expanded")
	})
}

// Whatever is typed, what the shells get is lines of plain text.
func FuzzComplete(f *testing.F) {
	f.Add("fish", "dev\x00--ack\x00\x00")
	f.Add("zsh", "replay\x00\x1b..\x00")
	f.Add("powershell", "\ufeffdev\r\n--watch\r\n\r\n")
	f.Add("bash", "hfhook inspect --scope=repo,")
	f.Add("bash", "hfhook inspect --scope='\x1b[31m,")
	f.Fuzz(func(t *testing.T, shell, typed string) {
		app := newApp(io.Discard, io.Discard)
		app.Setup()
		args := []string{shell}
		if shell == "bash" {
			args = append(args, usualBreaks, "63", "80")
		}
		text := completeFor(t.Context(), app, args, strings.NewReader(typed))
		for line := range strings.Lines(text) {
			line, ended := strings.CutSuffix(line, "\n")
			assert.True(t, ended)
			assert.LessOrEqual(t, strings.Count(line, "\t"), 1)
			assert.False(t, strings.ContainsFunc(strings.Replace(line, "\t", "", 1), unicode.IsControl), "%q", line)
			if shell == "bash" {
				word, _, _ := strings.Cut(line, "  ")
				assert.True(t, strings.HasPrefix(line, ":") || bashSafe(word), "%q", line)
			}
		}
	})
}

// A word that somebody typed comes back in a candidate; bash inserts it as it is.
func TestBashGetsNothingThatItWouldExpand(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	app.Setup()
	for _, typed := range []string{`$(touch x)`, "`touch x`", `a;b`, `~`, `*`, `a b`} {
		text := completeFor(t.Context(), app, []string{"bash", usualBreaks, "63", "80"}, strings.NewReader("hfhook inspect --scope '"+typed+","))
		assert.Empty(t, text, typed)
	}
}

func TestNoTroubleIsTold(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	app.Setup()
	assert.Empty(t, completeFor(t.Context(), app, []string{"fish"}, broken{}))
	assert.Empty(t, completeFor(t.Context(), app, []string{"bash", usualBreaks}, strings.NewReader("hfhook ")))
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

// The table is about flags and commands that there are.
func TestCompletionsAreOfWhatThereIs(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	known := map[string]bool{}
	var add func(name string, cmd *cli.Command)
	add = func(name string, cmd *cli.Command) {
		known[name] = true
		for _, flag := range cmd.Flags {
			known["--"+flag.Names()[0]] = true
			known[name+" --"+flag.Names()[0]] = true
		}
		for _, sub := range cmd.Subcommands {
			add(strings.TrimSpace(name+" "+sub.Name), sub)
		}
	}
	add("", &cli.Command{Flags: app.Flags, Subcommands: app.Commands})
	for name := range completions() {
		assert.True(t, known[name], name)
	}
}

func TestInShort(t *testing.T) {
	assert.Equal(t, "send every delivery on to URL", inShort("send every delivery on to `URL`; one without a path keeps it"))
	assert.Equal(t, "receive webhooks here", inShort("receive webhooks here: a public URL"))
	assert.Equal(t, "", inShort(""))
}

// PowerShell is on no machine that the tests can rely on: what is looked at is
// how the script asks, and that it evaluates nothing.
func TestThePowerShellScript(t *testing.T) {
	text, err := os.ReadFile("completion/hfhook.ps1")
	require.NoError(t, err)
	script := string(text)
	for _, want := range []string{
		"Register-ArgumentCompleter -Native -CommandName 'hfhook', 'hfhook.exe' -ScriptBlock {",
		"| & $program __complete powershell",
		"-eq ':files'",
		"-split \"`t\", 2",
		"EscapeSingleQuotedStringContent($text)",
		"[System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $about)",
	} {
		assert.Contains(t, script, want)
	}
	for _, never := range []string{"Invoke-Expression", "iex ", "ExpandString", "ScriptBlock]::Create"} {
		assert.NotContains(t, script, never)
	}
	for open, end := range map[string]string{"{": "}", "(": ")", "[": "]"} {
		assert.Equal(t, strings.Count(script, open), strings.Count(script, end), open)
	}
}

// No script has the shell evaluate what it got.
func TestTheScriptsEvaluateNothing(t *testing.T) {
	for _, shell := range shells {
		text, err := completionScripts.ReadFile("completion/" + shell.script)
		require.NoError(t, err)
		assert.NotRegexp(t, `(?m)\beval\b|\bsource\b`, string(text), shell.name)
		assert.Contains(t, string(text), "__complete "+shell.name)
	}
}
