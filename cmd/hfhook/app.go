package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// run is the program without its process: args[0] is its name.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	app := newApp(stdout, stderr)
	app.Metadata = map[string]any{commandLine: args}
	return app.RunContext(ctx, args)
}

// commandLine is the key of what was typed, in the app's metadata.
const commandLine = "command line"

func newApp(stdout, stderr io.Writer) *cli.App {
	// One --version for scripts; -v is left to --verbose.
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Usage: "print the version", DisableDefaultText: true}
	return &cli.App{
		Name:      "hfhook",
		Usage:     "receive, inspect and replay Hugging Face Hub webhooks on your machine",
		UsageText: "hfhook command [flags] [arguments]",
		Version:   version,
		Writer:    stdout,
		ErrWriter: stderr,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "no-color", Usage: "plain text, also on a terminal (NO_COLOR does the same)", EnvVars: []string{"HFHOOK_NO_COLOR"}, DisableDefaultText: true},
		},
		Commands: []*cli.Command{
			devCommand(),
			inspectCommand(),
			replayCommand(),
			secretCommand(),
			doctorCommand(),
		},
		Action: func(c *cli.Context) error {
			if word := c.Args().First(); word != "" && word != "help" {
				return unknownCommand(c, word)
			}
			return cli.ShowAppHelp(c)
		},
		OnUsageError: func(c *cli.Context, err error, _ bool) error {
			return usage(err.Error(), "hfhook --help lists commands and flags")
		},
		ExitErrHandler:         func(*cli.Context, error) {}, // report decides
		EnableBashCompletion:   true,
		HideHelpCommand:        true,
		UseShortOptionHandling: false,
		// Headers hold commas. Flags that take several words split them.
		DisableSliceFlagSeparator: true,
		CustomAppHelpTemplate:     appHelp,
	}
}

func unknownCommand(c *cli.Context, word string) error {
	hint := "hfhook --help lists the commands"
	// Its suggestion may also be nothing alike, or the help command that there is not.
	near := cli.SuggestCommand(c.App.Commands, word)
	for _, cmd := range c.App.Commands {
		if strings.Contains(near, fmt.Sprintf("%q", cmd.Name)) && word[0] == cmd.Name[0] {
			hint = fmt.Sprintf("did you mean %q? %s", cmd.Name, hint)
		}
	}
	return usage(fmt.Sprintf("there is no command %q", word), hint)
}

// command fills in what all commands share: usage errors that are ours,
// settings files, and a check for flags behind arguments, which urfave/cli
// takes for arguments without a word (its issues 976 and 1177).
func command(cmd *cli.Command, maxArgs int) *cli.Command {
	action := cmd.Action
	cmd.HideHelpCommand = true
	cmd.CustomHelpTemplate = commandHelp
	cmd.OnUsageError = func(c *cli.Context, err error, _ bool) error {
		hint := fmt.Sprintf("hfhook %s --help lists its flags", cmd.Name)
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			name = strings.TrimLeft(name, "-")
			if near := cli.SuggestFlag(cmd.Flags, name, true); near != "" {
				hint = fmt.Sprintf("did you mean %s? %s", near, hint)
			}
			return usage(fmt.Sprintf("%s has no flag --%s", cmd.Name, name), hint)
		}
		return usage(err.Error(), hint)
	}
	cmd.Action = func(c *cli.Context) error {
		args := c.Args().Slice()
		if err := checkOrder(cmd, c, args); err != nil {
			return err
		}
		if maxArgs >= 0 && len(args) > maxArgs {
			return usage(fmt.Sprintf("hfhook %s takes no argument %q", cmd.Name, args[maxArgs]),
				fmt.Sprintf("hfhook %s --help tells what it takes", cmd.Name))
		}
		if err := applySettings(c); err != nil {
			return err
		}
		return action(c)
	}
	return cmd
}

// checkOrder refuses a flag that stands behind an argument, and prints the line
// as it should be.
func checkOrder(cmd *cli.Command, c *cli.Context, args []string) error {
	first := slices.IndexFunc(args, isFlag)
	if first < 0 {
		return nil
	}
	typed, _ := c.App.Metadata[commandLine].([]string)
	typed = typed[min(1, len(typed)):]
	start := slices.Index(typed, cmd.Name) + 1
	line, words := append([]string{"hfhook"}, typed[:start]...), []string(nil)
	for i := start; i < len(typed); i++ {
		if !isFlag(typed[i]) {
			words = append(words, typed[i])
			continue
		}
		name, value, joined := strings.Cut(typed[i], "=")
		if !joined && takesValue(cmd, name) && i+1 < len(typed) {
			i++
			value = typed[i]
			line = append(line, name, hideSecret(cmd, name, value))
			continue
		}
		if joined {
			name += "=" + hideSecret(cmd, name, value)
		}
		line = append(line, name)
	}
	line = append(line, words...)
	for i := range line {
		line[i] = shellQuote(line[i])
	}
	name, _, _ := strings.Cut(args[first], "=")
	return usage(fmt.Sprintf("flag %s comes after an argument", name),
		"put flags before arguments: "+strings.Join(line, " "))
}

// hideSecret gives the value of a flag that may be printed.
func hideSecret(cmd *cli.Command, flag, value string) string {
	switch f := findFlag(cmd, flag); {
	case f == nil:
	case slices.Contains([]string{"secret", "tunnel-token", "tunnel-cmd"}, f.Names()[0]):
		return "..."
	case f.Names()[0] == "header":
		name, _, _ := strings.Cut(value, ":")
		return name + ": ..."
	}
	return value
}

// typed reports whether a flag stands on the command line, by its long name.
func typed(c *cli.Context, name string) bool {
	words, _ := c.App.Metadata[commandLine].([]string)
	return slices.ContainsFunc(words, func(word string) bool {
		flag, _, _ := strings.Cut(word, "=")
		return isFlag(flag) && strings.TrimLeft(flag, "-") == name
	})
}

func isFlag(s string) bool { return len(s) > 1 && s[0] == '-' }

func findFlag(cmd *cli.Command, arg string) cli.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	for _, f := range cmd.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(cmd *cli.Command, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	f, ok := findFlag(cmd, arg).(cli.DocGenerationFlag)
	return ok && f.TakesValue()
}

// conflicts refuses switches that exclude each other.
func conflicts(c *cli.Context, names ...string) error {
	var given []string
	for _, name := range names {
		if c.Bool(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return usage(strings.Join(given, " and ")+" exclude each other", "choose one of them")
	}
	return nil
}
