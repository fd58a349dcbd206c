package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"
)

// Completion: what may stand where the cursor is. Everything is derived from
// the commands and flags of the app; complete_values.go adds what values and
// arguments may be, and complete_shells.go speaks with the shells.

// candidate is a word that may be typed.
type candidate struct {
	value string
	about string // in words; may be empty
}

// offer is what may stand where the cursor is.
type offer struct {
	list  []candidate // in the order in which they are to be shown
	files bool        // or the name of a file
	told  bool        // what a candidate is about is needed to choose one
}

// candidates finds what may be typed for a flag or an argument. It has little
// time, which ends with ctx, and keeps quiet about whatever is wrong.
type candidates func(ctx context.Context, l *typing) offer

// typing is a command line that is being typed, up to the cursor.
type typing struct {
	app   *cli.App
	cmd   *cli.Command // the app's root, when there is no command yet
	name  string       // how the command is called behind "hfhook": "webhooks list"; "" for the root
	args  []string     // before the cursor
	given []givenFlag  // before the cursor
	word  string       // that is being typed; of --flag=value only the value
}

type givenFlag struct {
	cli.Flag
	value string
}

// complete answers for words, the words behind "hfhook" up to the cursor. The
// last of them is the one that is being typed, and may be empty.
func complete(ctx context.Context, app *cli.App, words []string) offer {
	l := &typing{app: app, cmd: &cli.Command{Flags: app.Flags, Subcommands: app.Commands}}
	words, l.word = words[:len(words)-1], words[len(words)-1]
	var waiting cli.Flag // for its value
	dashes := false      // what follows is an argument, whatever it looks like
	for _, word := range words {
		switch sub := l.cmd.Command(word); {
		case waiting != nil:
			l.given = append(l.given, givenFlag{waiting, word})
			waiting = nil
		case dashes:
			l.args = append(l.args, word)
		case word == "--":
			dashes = true
		case isFlag(word):
			flag := findFlag(l.cmd, word)
			if takesValue(l.cmd, word) {
				waiting = flag
			} else if flag != nil {
				_, value, _ := strings.Cut(word, "=")
				l.given = append(l.given, givenFlag{flag, value})
			}
		case sub != nil && len(l.args) == 0:
			l.cmd, l.name, l.given = sub, strings.TrimSpace(l.name+" "+sub.Name), nil
		default:
			l.args = append(l.args, word)
		}
	}
	switch name, value, joined := strings.Cut(l.word, "="); {
	case waiting != nil:
		return l.valueOf(ctx, waiting)
	case !dashes && joined && isFlag(name):
		flag := findFlag(l.cmd, name)
		if flag == nil || !takesValue(l.cmd, name) {
			return offer{}
		}
		l.word = value
		o := l.valueOf(ctx, flag)
		for i := range o.list {
			o.list[i].value = name + "=" + o.list[i].value
		}
		return o
	case !dashes && strings.HasPrefix(l.word, "-"):
		return l.flags()
	case len(l.cmd.Subcommands) > 0:
		return l.commands()
	}
	if find := completions()[l.name]; find != nil {
		return find(ctx, l)
	}
	if l.word == "" && !dashes {
		return l.flags() // there is nothing else to say
	}
	return offer{}
}

func (l *typing) valueOf(ctx context.Context, flag cli.Flag) offer {
	name, table := flag.Names()[0], completions()
	if find := table[strings.TrimSpace(l.name+" --"+name)]; find != nil {
		return find(ctx, l)
	}
	if find := table["--"+name]; find != nil {
		return find(ctx, l)
	}
	if takesFile(flag) {
		return files(ctx, l)
	}
	// The place of the value may say all that it can be: `store|handler`.
	if _, text, ok := strings.Cut(usageOf(flag), "`"); ok {
		text, _, _ = strings.Cut(text, "`")
		if all := strings.Split(text, "|"); len(all) > 1 && text == strings.ToLower(text) {
			return oneOfThese(all...)(ctx, l)
		}
	}
	return offer{}
}

func takesFile(flag cli.Flag) bool {
	switch f := flag.(type) {
	case *cli.StringFlag:
		return f.TakesFile
	case *cli.StringSliceFlag:
		return f.TakesFile
	case *cli.PathFlag:
		return f.TakesFile
	}
	return false
}

func usageOf(flag cli.Flag) string {
	if doc, ok := flag.(cli.DocGenerationFlag); ok {
		return doc.GetUsage()
	}
	return ""
}

// flags are those of the command that may still be given. Behind an argument
// hfhook takes none.
func (l *typing) flags() (o offer) {
	if len(l.args) > 0 {
		return o
	}
	for _, flag := range visibleFlags(l.cmd) {
		_, again := flag.(cli.DocGenerationSliceFlag)
		if !again && slices.ContainsFunc(l.given, func(g givenFlag) bool { return g.Names()[0] == flag.Names()[0] }) {
			continue
		}
		o.list = append(o.list, candidate{"--" + flag.Names()[0], inShort(usageOf(flag))})
	}
	return o
}

// visibleFlags are a command's flags as its help lists them.
func visibleFlags(cmd *cli.Command) []cli.Flag {
	all := slices.Clone(cmd.Flags)
	if findFlag(cmd, "help") == nil {
		all = append(all, cli.HelpFlag)
	}
	return slices.DeleteFunc(all, func(flag cli.Flag) bool {
		visible, ok := flag.(cli.VisibleFlag)
		return ok && !visible.IsVisible()
	})
}

func (l *typing) commands() (o offer) {
	if len(l.args) > 0 { // not one of them
		return o
	}
	for _, sub := range l.cmd.Subcommands {
		if !sub.Hidden {
			o.list = append(o.list, candidate{sub.Name, inShort(sub.Usage)})
		}
	}
	return o
}

// inShort is the part of a usage text that says what it is about.
func inShort(usage string) string {
	usage = strings.ReplaceAll(usage, "`", "")
	for _, end := range []string{"; ", ": ", ". "} {
		usage, _, _ = strings.Cut(usage, end)
	}
	return usage
}

// setting is what a flag of the command is set to: on the line, in the
// environment, or in a settings file.
func (l *typing) setting(name string) string {
	flag := findFlag(l.cmd, name)
	if flag == nil {
		return ""
	}
	for _, g := range slices.Backward(l.given) {
		if g.Names()[0] == name && g.value != "" {
			return withHome(g.value)
		}
	}
	if doc, ok := flag.(cli.DocGenerationFlag); ok {
		for _, variable := range doc.GetEnvVars() {
			if value := os.Getenv(variable); value != "" {
				return value
			}
		}
	}
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	files, _ := settingsFiles(folder)
	for _, file := range files {
		values, err := readSettings(file)
		if err != nil || filepath.Base(file) == settingsName && refusedInFolders(name, "") != "" {
			continue
		}
		if node := values[name]; node.Kind == yaml.ScalarNode && node.Value != "" {
			return node.Value
		}
	}
	return ""
}

// withHome does what a shell would have done with a ~ in front.
func withHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, rest)
}
