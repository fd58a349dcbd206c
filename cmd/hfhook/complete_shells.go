package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
)

// The scripts in completion/ hand what was typed to "hfhook __complete SHELL"
// and hand back what it prints: a line for each candidate, the word and behind
// a tab what it is about. The line ":files" asks for names of files, ":nospace"
// for no blank behind the word.
//
// What was typed comes in on stdin, because there may be a secret in it, and
// everybody can read the arguments of a process. It is the words behind
// "hfhook" up to the cursor, each followed by a NUL or with line breaks
// between them; bash, which tears words apart at "=" and ":", gives the line.

//go:embed completion
var completionScripts embed.FS

// shell is a shell that hfhook completes words in.
type shell struct {
	name   string
	script string // in completion/
	where  string // a line that puts it in place
}

var shells = []shell{
	{"bash", "hfhook.bash", `echo 'eval "$(hfhook completion bash)"' >> ~/.bashrc`},
	{"zsh", "hfhook.zsh", `hfhook completion zsh > "${fpath[1]}/_hfhook"`},
	{"fish", "hfhook.fish", `hfhook completion fish > ~/.config/fish/completions/hfhook.fish`},
	{"powershell", "hfhook.ps1", `'hfhook completion powershell | Out-String | iex' >> $PROFILE`},
}

func shellNames() (names []string) {
	for _, s := range shells {
		names = append(names, s.name)
	}
	return names
}

func completionCommand() *cli.Command {
	text := "The script completes commands, flags, their values, and the ids of deliveries.\n" +
		"One line puts it in place for new shells:\n"
	for _, s := range shells {
		text += fmt.Sprintf("\n  %-11s %s", s.name, s.where)
	}
	return plain(&cli.Command{
		Name:        "completion",
		Usage:       "print a script that completes words in your shell",
		UsageText:   "hfhook completion bash|zsh|fish|powershell",
		Description: text,
		Action: func(c *cli.Context) error {
			const hint = "for example hfhook completion bash; hfhook completion --help tells where it belongs"
			word := c.Args().First()
			i := slices.IndexFunc(shells, func(s shell) bool { return s.name == word })
			switch {
			case word == "":
				return usage("which shell: "+strings.Join(shellNames(), ", ")+"?", hint)
			case i < 0:
				return usage(fmt.Sprintf("%q is none of the shells %s", word, strings.Join(shellNames(), ", ")), hint)
			}
			script, err := completionScripts.ReadFile("completion/" + shells[i].script)
			if err != nil {
				return err
			}
			_, err = c.App.Writer.Write(script)
			return err
		},
	}, 1)
}

const (
	// completeTime bounds what somebody who pressed a key waits for.
	completeTime = time.Second
	maxLine      = 1 << 20
)

// completeCommand is what the scripts call. It says nothing about trouble:
// that would be written into the line that is being typed.
func completeCommand() *cli.Command {
	return &cli.Command{
		Name:            "__complete",
		Hidden:          true,
		HideHelp:        true,
		HideHelpCommand: true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			ctx, cancel := context.WithTimeout(c.Context, completeTime)
			defer cancel()
			// A file on a disk that does not answer is not waited for: the
			// process ends, and the goroutine with it.
			done := make(chan string, 1)
			go func() { done <- completeFor(ctx, c.App, c.Args().Slice(), os.Stdin) }()
			select {
			case text := <-done:
				_, err := io.WriteString(c.App.Writer, text)
				return err
			case <-ctx.Done():
				return nil
			}
		},
	}
}

// completeFor gives what a shell's script is to read; args are what it says
// about itself, its name first.
func completeFor(ctx context.Context, app *cli.App, args []string, typed io.Reader) string {
	text, err := io.ReadAll(io.LimitReader(typed, maxLine))
	if err != nil || len(args) == 0 {
		return ""
	}
	var b strings.Builder
	switch shell, args := args[0], args[1:]; shell {
	case "bash":
		bashAnswer(&b, ctx, app, args, string(text))
	case "zsh", "fish", "powershell":
		words := typedWords(text)
		o := complete(ctx, app, words)
		last := words[len(words)-1]
		if o.files {
			fmt.Fprintln(&b, ":files")
		}
		if shell == "zsh" {
			inLines(o.list, columnsOf(args))
		}
		for _, c := range o.list {
			// The others choose by themselves, as their users have set it up.
			if shell == "powershell" && !strings.HasPrefix(strings.ToLower(c.value), strings.ToLower(last)) {
				continue
			}
			writeCandidate(&b, c.value, c.about)
		}
	}
	return b.String()
}

// typedWords are the words on stdin, at least one.
func typedWords(text []byte) []string {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // PowerShell may begin with it
	if before, ok := bytes.CutSuffix(text, []byte{0}); ok {
		return strings.Split(string(before), "\x00")
	}
	all := strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	return strings.Split(all, "\n")
}

// writeCandidate writes one line. Nothing in it ends the line or the word, or
// could steer a terminal.
func writeCandidate(w io.Writer, value, about string) {
	value = payload.Printable(value)
	if about = payload.Printable(about); about != "" {
		value += "\t" + about
	}
	fmt.Fprintln(w, value)
}

// The kinds of completion in bash's COMP_TYPE that list the candidates and
// insert no more than what all have in common.
var bashLists = []string{"33", "63", "64"}

// bashAnswer is for bash, which shows what it would insert, and nothing
// besides. args are COMP_WORDBREAKS, COMP_TYPE and COLUMNS.
func bashAnswer(w io.Writer, ctx context.Context, app *cli.App, args []string, text string) {
	if len(args) != 3 {
		return
	}
	breaks, kind, width := args[0], args[1], columnsOf(args[2:])
	typed, err := parseBash(text, breaks)
	if errors.Is(err, errRedirected) {
		fmt.Fprintln(w, ":files")
		return
	}
	if err != nil {
		return
	}
	o := complete(ctx, app, typed.words)
	if o.files {
		fmt.Fprintln(w, ":files")
		return
	}
	word := typed.words[len(typed.words)-1]
	fitting := slices.DeleteFunc(o.list, func(c candidate) bool {
		return !strings.HasPrefix(c.value, word) || len(c.value) == typed.kept || !bashSafe(c.value)
	})
	for i := range fitting {
		fitting[i].value = fitting[i].value[typed.kept:]
	}
	if slices.ContainsFunc(fitting, func(c candidate) bool { return strings.ContainsRune(":/=", rune(c.value[len(c.value)-1])) }) {
		fmt.Fprintln(w, ":nospace") // more is to be typed
	}
	told := o.told && len(fitting) > 1 && slices.Contains(bashLists, kind)
	if told {
		inLines(fitting, width)
	}
	for _, c := range fitting {
		if told && c.about != "" {
			c.value = c.about
		}
		fmt.Fprintln(w, c.value)
	}
}

// inLines makes of what candidates are about the lines that show them, below
// each other.
func inLines(list []candidate, width int) {
	longest := 0
	for _, c := range list {
		longest = max(longest, columns(c.value))
	}
	for i, c := range list {
		if c.about != "" {
			line := pad(c.value, longest) + "  " + payload.Printable(c.about)
			list[i].about = runewidth.Truncate(line, width-1, "…")
		}
	}
}

// columnsOf reads the width of the terminal that a script gives last.
func columnsOf(args []string) int {
	if len(args) == 1 {
		if n, err := strconv.Atoi(args[0]); err == nil && n >= 20 {
			return n
		}
	}
	return 80
}

// bashSafe reports whether bash may insert a word as it is: it quotes nothing.
func bashSafe(word string) bool {
	return shellQuote(strings.ReplaceAll(word, "~", "-")) == strings.ReplaceAll(word, "~", "-") && !strings.HasPrefix(word, "~")
}
