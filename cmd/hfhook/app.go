package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/hub"
)

// run is the program without its process: args[0] is its name.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	app := newApp(stdout, stderr)
	app.Metadata = map[string]any{commandLine: args}
	unsetEmpty(flagVariables(app))
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
			cli.HelpFlag, // urfave/cli leaves it out where there is a help command
			&cli.BoolFlag{Name: "no-color", Usage: "plain text, also on a terminal (NO_COLOR does the same)", EnvVars: []string{"HFHOOK_NO_COLOR"}, DisableDefaultText: true},
		},
		Commands: []*cli.Command{
			devCommand(),
			inspectCommand(),
			replayCommand(),
			triggerCommand(),
			checkCommand(),
			exportCommand(),
			importCommand(),
			secretCommand(),
			webhooksCommand(),
			doctorCommand(),
			completionCommand(),
			manCommand(),
			helpCommand(),
			completeCommand(),
		},
		Action: func(c *cli.Context) error {
			if word := c.Args().First(); word != "" {
				return unknownCommand("hfhook", c.App.Commands, word)
			}
			return cli.ShowAppHelp(c)
		},
		OnUsageError: func(c *cli.Context, err error, _ bool) error {
			return usage(err.Error(), "hfhook --help lists commands and flags")
		},
		ExitErrHandler:         func(*cli.Context, error) {}, // report decides
		HideHelpCommand:        true,
		UseShortOptionHandling: false,
		// Headers hold commas. Flags that take several words split them.
		DisableSliceFlagSeparator: true,
		CustomAppHelpTemplate:     appHelp(),
	}
}

// unknownCommand is about a word that is none of the commands of program, which
// is hfhook or a command of it that has subcommands.
func unknownCommand(program string, commands []*cli.Command, word string) error {
	hint := suggest(commands, word) + program + " --help lists the commands"
	return usage(fmt.Sprintf("there is no command %q", strings.TrimPrefix(program+" "+word, "hfhook ")), hint)
}

// suggest asks whether one of the commands was meant; empty when none looks so.
func suggest(commands []*cli.Command, word string) string {
	// Its suggestion may also be nothing alike, or an alias of the help command.
	near := cli.SuggestCommand(commands, word)
	for _, cmd := range commands {
		if strings.Contains(near, fmt.Sprintf("%q", cmd.Name)) && word != "" && word[0] == cmd.Name[0] {
			return fmt.Sprintf("did you mean %q? ", cmd.Name)
		}
	}
	return ""
}

// command is plain, with settings files.
func command(cmd *cli.Command, maxArgs int) *cli.Command {
	action := cmd.Action
	cmd.Action = func(c *cli.Context) error {
		if err := applySettings(c); err != nil {
			return err
		}
		return action(c)
	}
	return plain(cmd, maxArgs)
}

// plain fills in what all commands share: usage errors that are ours, and a
// check for flags behind arguments, which urfave/cli takes for arguments
// without a word (its issues 976 and 1177).
func plain(cmd *cli.Command, maxArgs int) *cli.Command {
	action := cmd.Action
	cmd.HideHelpCommand = true
	cmd.CustomHelpTemplate = commandHelp
	cmd.OnUsageError = usageError
	cmd.Action = func(c *cli.Context) error {
		args := c.Args().Slice()
		if maxArgs == 0 && len(args) > 0 && args[0] == "if" { // else it is an argument too many, or the flags behind it are
			return usage(`"if" stands by itself`, quoteHint)
		}
		if err := checkOrder(c, args); err != nil {
			return err
		}
		if maxArgs >= 0 && len(args) > maxArgs {
			return usage(fmt.Sprintf("hfhook %s takes no argument %q", commandName(c), args[maxArgs]),
				fmt.Sprintf("hfhook %s --help tells what it takes", commandName(c)))
		}
		return action(c)
	}
	return cmd
}

// group fills in what is shared by commands that have subcommands and do
// nothing by themselves.
func group(cmd *cli.Command) *cli.Command {
	cmd.HideHelpCommand = true
	cmd.CustomHelpTemplate = groupHelp
	cmd.OnUsageError = usageError
	cmd.Action = func(c *cli.Context) error {
		if word := c.Args().First(); word != "" && word != "help" {
			return unknownCommand("hfhook "+commandName(c), cmd.Subcommands, word)
		}
		return cli.ShowSubcommandHelp(c)
	}
	return cmd
}

// commandName is how c's command is called behind "hfhook": "webhooks update".
func commandName(c *cli.Context) string {
	return strings.TrimPrefix(c.Command.HelpName, c.App.HelpName+" ")
}

func usageError(c *cli.Context, err error, _ bool) error {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		return unknownFlag(c, name)
	}
	return usage(err.Error(), fmt.Sprintf("hfhook %s --help lists its flags", commandName(c)))
}

// sameFlags are names for the same, here and in other tools.
var sameFlags = [][]string{
	{"forward", "forward-to", "to", "target", "url"},
	{"listen", "port", "p", "addr", "address"},
	{"store", "db", "database"},
	{"limit", "count", "last"},
	{"output", "out", "file"},
	{"verbose", "debug"},
	{"yes", "force"},
}

// suggestFlag gives the flag that was meant; empty when none looks so.
func suggestFlag(flags []cli.Flag, name string) string {
	for _, same := range sameFlags {
		if !slices.Contains(same, name) {
			continue
		}
		for _, other := range same {
			if findFlag(&cli.Command{Flags: flags}, other) != nil {
				return "--" + other
			}
		}
	}
	near := cli.SuggestFlag(flags, name, true) // which may also be nothing alike
	if word := strings.TrimLeft(near, "-"); word == "" || name == "" || word[0] != name[0] {
		return ""
	}
	return near
}

func unknownFlag(c *cli.Context, flag string) error {
	name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
	hint := fmt.Sprintf("hfhook %s --help lists its flags", commandName(c))
	if near := suggestFlag(c.Command.VisibleFlags(), name); near != "" && len(c.Command.Subcommands) == 0 {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	if findFlag(&cli.Command{Flags: c.App.Flags}, name) != nil {
		hint = fmt.Sprintf("it comes first: hfhook --%s %s", name, commandName(c))
	}
	for _, sub := range c.Command.Subcommands {
		if findFlag(sub, name) != nil {
			hint = fmt.Sprintf("flags come after the whole command: hfhook %s %s --%s", commandName(c), sub.Name, name)
			break
		}
	}
	dashes := "--"
	if len(name) == 1 {
		dashes = "-"
	}
	return usage(fmt.Sprintf("%s has no flag %s%s", commandName(c), dashes, name), hint)
}

// checkOrder refuses a flag that stands behind an argument, and prints the line
// as it should be.
func checkOrder(c *cli.Context, args []string) error {
	first := slices.IndexFunc(args, isFlag)
	if first < 0 {
		return nil
	}
	cmd := c.Command
	typed, _ := c.App.Metadata[commandLine].([]string)
	typed = typed[min(1, len(typed)):]
	start := 0
	for word := range strings.FieldsSeq(commandName(c)) {
		start += slices.Index(typed[start:], word) + 1
	}
	line, words := append([]string{"hfhook"}, typed[:start]...), []string(nil)
	for i := start; i < len(typed); i++ {
		if !isFlag(typed[i]) {
			words = append(words, hideInURL(typed[i]))
			continue
		}
		name, value, joined := strings.Cut(typed[i], "=")
		if findFlag(cmd, name) == nil && typed[i] != "--" { // its value may be a secret
			return unknownFlag(c, name)
		}
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
	switch findFlag(cmd, flag).Names()[0] {
	case "secret", "tunnel-token", "tunnel-cmd", "exec":
		return "..."
	case "env":
		if name, _, isSet := strings.Cut(value, "="); isSet {
			return name + "=..."
		}
	case "header":
		name, _, _ := strings.Cut(value, ":")
		return name + ": ..."
	case "secret-env":
		if _, ok := os.LookupEnv(value); !ok { // perhaps the secret itself
			return "..."
		}
	}
	return hideInURL(value)
}

// hideInURL takes the secrets out of a URL.
func hideInURL(word string) string {
	if !strings.Contains(word, "://") {
		return word
	}
	return (&hub.Webhook{URL: word}).Target()
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
