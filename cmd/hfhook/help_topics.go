package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/cmd/hfhook/internal/licences"
)

// topic is something that hfhook help tells besides its commands.
type topic struct {
	name, about string
	text        func(*cli.App) string // lines that fit 80 columns
}

func topics() []topic {
	plainly := func(f func() string) func(*cli.App) string {
		return func(*cli.App) string { return f() }
	}
	return []topic{
		{"exit-codes", "what the program ends with", plainly(exitCodesHelp)},
		{"json", "the records of --json, with all fields", plainly(jsonHelp)},
		{"filters", "how deliveries are chosen", func(*cli.App) string { return filtersHelp }},
		{"settings", "files that hfhook reads and keeps", plainly(settingsHelp)},
		{"environment", "variables that hfhook reads", environmentHelp},
		{"licences", "what hfhook is made of, and the licences of it all", plainly(func() string { return licences.Text })},
	}
}

func helpCommand() *cli.Command {
	text := "Without anything, what hfhook --help tells. Topics are:\n"
	for _, t := range topics() {
		text += fmt.Sprintf("\n  %-12s %s", t.name, t.about)
	}
	return plain(&cli.Command{
		Name:        "help",
		Usage:       "tell about a command or a topic",
		UsageText:   "hfhook help [COMMAND|TOPIC]",
		Description: text,
		Action:      help,
	}, -1)
}

func help(c *cli.Context) error {
	words := c.Args().Slice()
	all := topics()
	if i := slices.IndexFunc(all, func(t topic) bool { return len(words) > 0 && t.name == words[0] }); i >= 0 {
		if len(words) > 1 {
			return usage(fmt.Sprintf("hfhook help %s takes no argument %q", words[0], words[1]), "hfhook help lists commands and topics")
		}
		_, err := io.WriteString(c.App.Writer, all[i].text(c.App))
		return err
	}
	commands := c.App.Commands
	for i, word := range words {
		at := slices.IndexFunc(commands, func(cmd *cli.Command) bool { return cmd.HasName(word) && !cmd.Hidden })
		switch {
		case at < 0 && i > 0:
			return unknownCommand("hfhook "+strings.Join(words[:i], " "), commands, word)
		case at < 0:
			for _, t := range all {
				commands = append(slices.Clone(commands), &cli.Command{Name: t.name})
			}
			return usage(fmt.Sprintf("there is no command or topic %q", word), suggest(commands, word)+"hfhook help lists them")
		}
		commands = commands[at].Subcommands
	}
	return run(c.Context, slices.Concat([]string{c.App.Name}, words, []string{"--help"}), c.App.Writer, c.App.ErrWriter)
}

// helpWords completes what hfhook help takes.
func helpWords(_ context.Context, l *typing) (o offer) {
	commands := l.app.Commands
	for _, word := range l.args {
		i := slices.IndexFunc(commands, func(cmd *cli.Command) bool { return cmd.HasName(word) })
		if i < 0 {
			return o
		}
		commands = commands[i].Subcommands
	}
	for _, cmd := range commands {
		if !cmd.Hidden {
			o.list = append(o.list, candidate{cmd.Name, inShort(cmd.Usage)})
		}
	}
	if len(l.args) == 0 {
		for _, t := range topics() {
			o.list = append(o.list, candidate{t.name, t.about})
		}
	}
	return o
}
