package main

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// The man page, in man(7). It is written from the app's commands and flags and
// the tables of the help topics, so that it says what the program does. (The
// page of urfave/cli's ToMan has flags without their placeholders and nothing
// but commands and flags.)

func manCommand() *cli.Command {
	return plain(&cli.Command{
		Name:      "man",
		Usage:     "print the man page",
		UsageText: "hfhook man > hfhook.1",
		Description: "Read it with man -l hfhook.1, or put it where man looks:\n\n" +
			"  hfhook man > ~/.local/share/man/man1/hfhook.1",
		Action: func(c *cli.Context) error {
			_, err := fmt.Fprint(c.App.Writer, manPage(c.App))
			return err
		},
	}, 0)
}

// manExamples are lines that a test compares with the commands and flags.
var manExamples = []struct{ line, about string }{
	{"hfhook dev --forward http://localhost:3000", "A public URL whose deliveries are shown, kept, and sent to a handler."},
	{"hfhook dev --forward http://localhost:3000 --watch model:you/bert", "The same, with the Hub pointed here until it ends."},
	{"hfhook inspect --since 2h --status failed", "What went wrong in the last two hours."},
	{"hfhook inspect --since 2h --status failed --json | jq -r .summary", "The same in a script, one line each."},
	{"hfhook inspect --body last > body.json", "The exact bytes of the newest delivery."},
	{"hfhook replay --to http://localhost:4000 12..20", "Nine deliveries to another handler."},
}

func manPage(app *cli.App) string {
	r := &roff{}
	fmt.Fprintf(r, ".TH HFHOOK 1 %s \"hfhook %s\" \"User Commands\"\n", manDate(), app.Version)
	r.macro("ad", "l") // names of variables are long, and not to be torn apart
	r.macro("nh")
	r.macro("SH", "NAME")
	r.text(app.Name + " - " + app.Usage)
	r.macro("SH", "SYNOPSIS")
	r.text(bold("hfhook") + " [" + italic("FLAGS") + "] " + italic("COMMAND") + " [" + italic("FLAGS") + "] [" + italic("ARGUMENTS") + "]")
	r.macro("SH", "DESCRIPTION")
	r.text("hfhook is the local development loop for webhooks of the Hugging Face Hub. It gives this machine a public URL, shows every delivery decoded, keeps it byte for byte, and sends it to a handler as often as debugging needs.")
	r.macro("PP")
	r.text("Flags stand before arguments. What is data goes to stdout, what is talk to stderr.")
	r.macro("SH", "FLAGS")
	r.flags(app.Flags)
	r.macro("SH", "COMMANDS")
	eachCommand(app.Commands, "", func(name string, cmd *cli.Command) { r.command(name, cmd) })
	r.macro("SH", "FILTERS")
	r.lines(filtersHelp)
	r.macro("SH", "EXIT STATUS")
	for _, e := range exitCodes {
		r.macro("TP")
		r.text(bold(fmt.Sprint(e.code)))
		r.text(sentence(e.text + "; " + e.notes))
	}
	r.macro("SH", "ENVIRONMENT")
	r.text("These set a flag, where it is not given:")
	for _, v := range flagVariables(app) {
		r.macro("TP")
		r.text(bold(v.name))
		r.text(sentence(v.about))
	}
	r.macro("PP")
	r.text("These are read besides:")
	for _, v := range ownVariables {
		r.macro("TP")
		r.text(bold(v.name))
		r.text(sentence(v.about))
	}
	r.macro("SH", "FILES")
	for _, f := range ownFiles {
		r.macro("TP")
		r.text(italic(f.name))
		r.text(sentence(f.about))
	}
	r.macro("SH", "EXAMPLES")
	for i, example := range manExamples {
		if i > 0 {
			r.macro("PP")
		}
		r.text(example.about)
		r.lines("  " + example.line)
	}
	r.macro("SH", "SEE ALSO")
	r.text(bold("hfhook help json") + " lists the records of " + bold("--json") + " with all their fields. " +
		bold("hfhook help") + " " + italic("TOPIC") + " tells about other topics.")
	r.macro("PP")
	r.text("https://huggingface.co/docs/hub/webhooks, https://github.com/hfhook/hfhook")
	return r.String()
}

// manDate is the day of what the program was built from, or where that is not
// known, the day on which the page was made.
func manDate() string {
	at := time.Now()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				at = t
			}
		}
	}
	return at.UTC().Format(time.DateOnly)
}

// sentence gives a text in lower case the look of a sentence.
func sentence(text string) string {
	text = strings.TrimSuffix(strings.TrimSuffix(text, " "), ";")
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return text + "."
}

func (r *roff) command(name string, cmd *cli.Command) {
	r.macro("SS", "hfhook "+name)
	r.text(sentence(cmd.Usage))
	line := cmd.UsageText
	if line == "" {
		line = "hfhook " + name + " [flags]"
	}
	r.macro("PP")
	r.text(bold(line))
	if cmd.Description != "" {
		r.macro("PP")
		r.lines(cmd.Description)
	}
	r.flags(slices.DeleteFunc(visibleFlags(cmd), func(f cli.Flag) bool { return f.Names()[0] == "help" }))
}

func (r *roff) flags(flags []cli.Flag) {
	for _, f := range flags {
		names, value, text := describeFlag(f)
		for i := range names {
			names[i] = bold(names[i])
		}
		line := strings.Join(names, ", ")
		if value != "" {
			line += " " + italic(value)
		}
		r.macro("TP")
		r.text(line)
		r.text(sentence(text))
	}
}
