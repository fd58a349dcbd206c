package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

func inspectCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "inspect",
		Usage:     "list the deliveries that are kept, or show one",
		UsageText: "hfhook inspect [flags] [ID...]",
		Description: "Without an ID: a table, newest last. With one: everything that is known of it.\n" +
			"An ID is a number, last, last~2, a range such as 12..20, or a Webhook-Id.\n" +
			"Filters and --limit choose among them.",
		Flags: slices.Concat([]cli.Flag{storeFlag()}, filterFlagList(), []cli.Flag{
			&cli.IntFlag{Name: "limit", Aliases: []string{"n"}, Usage: "show the newest `N`; 0 shows all, as IDs do", Value: 50},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what comes", DisableDefaultText: true},
			&cli.BoolFlag{Name: "body", Usage: "write the exact bytes of the body", DisableDefaultText: true},
			&cli.BoolFlag{Name: "curl", Usage: "print a command that sends it again", DisableDefaultText: true},
			&cli.StringFlag{Name: "to", Usage: "the `URL` in that command", DefaultText: "where it was sent live"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line", EnvVars: []string{"HFHOOK_JSON"}, DisableDefaultText: true},
		}),
		Action: inspect,
	}, -1)
}

func inspect(c *cli.Context) error {
	// Settings may ask for --json too: --body and --curl are stronger.
	if err := conflicts(c, "body", "curl"); err != nil {
		return err
	}
	ids := c.Args().Slice()
	filter, err := filterOf(c, time.Now())
	switch {
	case err != nil:
		return err
	case len(ids) == 0 && (c.Bool("body") || c.Bool("curl")):
		return usage("--body and --curl need an ID", "hfhook inspect --body last")
	case len(ids) > 0 && c.Bool("follow"):
		return usage("--follow takes no ID", "leave the ID out, or --follow")
	case c.Int("limit") < 0:
		return usage("--limit is below 0", "0 shows all")
	}
	filter.Limit, filter.Newest = c.Int("limit"), true
	store, err := openStore(c, reading)
	if err != nil {
		return err
	}
	defer store.Close()

	out := newScreen(c.App.Writer, c.Bool("no-color"))
	if len(ids) == 0 {
		err = inspectMany(c, store, filter, out)
	} else {
		err = inspectNamed(c, store, filter, out)
	}
	if err == nil {
		err = out.trouble.err
	}
	return err
}

// inspectNamed shows the deliveries that the arguments name.
func inspectNamed(c *cli.Context, store *sqlite.Store, filter replay.Filter, out *screen) error {
	if !c.IsSet("limit") {
		filter.Limit = 0
	}
	choice, err := chooseNamed(c.Context, store, c.Args().Slice(), filter, filter)
	if err != nil {
		return err
	}
	n := 0
	for d, err := range choice.deliveries(c.Context) {
		if err == nil {
			err = inspectOne(c, d, out)
		}
		if err != nil {
			return err
		}
		n++
	}
	if n == 0 && !c.Bool("json") {
		fmt.Fprintln(c.App.ErrWriter, "nothing is kept that matches")
	}
	return nil
}

func inspectMany(c *cli.Context, store replay.Store, filter replay.Filter, out *screen) error {
	asJSON := c.Bool("json")
	show := func(d *replay.Delivery) error {
		if asJSON {
			return writeRecord(out, recordWhole(d))
		}
		row(out, d)
		return nil
	}

	// Watching begins before listing, so that nothing falls between.
	var news func(func(replay.News, error) bool)
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	if c.Bool("follow") {
		news = store.Watch(ctx)
	}
	listed := int64(0)
	if news != nil && !asJSON {
		rowTitle(out)
	}
	for d, err := range store.List(c.Context, filter) {
		switch {
		case err != nil && news != nil && ctx.Err() != nil:
			return nil // as while it follows
		case err != nil:
			return err
		}
		if listed == 0 && news == nil && !asJSON {
			rowTitle(out)
		}
		for _, a := range d.Arrivals {
			listed = max(listed, a.ID)
		}
		if err := show(d); err != nil {
			return err
		}
	}
	if news == nil {
		if listed == 0 && !asJSON {
			fmt.Fprintln(c.App.ErrWriter, "nothing is kept that matches")
		}
		return nil
	}
	for n, err := range news {
		if err == nil {
			err = out.trouble.err
		}
		if err != nil {
			return err
		}
		switch d := n.Arrival; {
		case d == nil && n.Attempt != nil && !asJSON:
			if d, err := store.Get(ctx, n.Attempt.DeliveryID); err == nil && filter.Match(d) {
				attemptLine(out, n.Attempt)
			}
		case d == nil && n.Attempt != nil:
			if d, err := store.Get(ctx, n.Attempt.DeliveryID); err == nil && filter.Match(d) {
				if err := writeRecord(out, recordAttempt(n.Attempt)); err != nil {
					return err
				}
			}
		case d.Arrivals[len(d.Arrivals)-1].ID > listed && filter.Match(d):
			if err := show(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// The table's columns on a terminal; a narrow one shows no dates.
const (
	idWidth      = 6
	outcomeWidth = 13
	narrow       = 60
)

func whenLayout(s *screen) string {
	if s.width > 0 && s.width < narrow {
		return time.TimeOnly
	}
	return "Jan 02 15:04:05"
}

func rowTitle(s *screen) {
	when := pad("WHEN", len(whenLayout(s))+2)
	s.line("%s", s.dim(pad("ID", idWidth)+when+pad("OUTCOME", outcomeWidth)+"WHAT"))
}

// row is a delivery in a table: id, time, how its last attempt went, and what
// happened in words.
func row(s *screen, d *replay.Delivery) {
	outcome, paint := rowOutcome(s, d)
	what := headline(d)
	if n := len(d.Arrivals); n > 1 {
		what += fmt.Sprintf("  (arrived %d times)", n)
	}
	id, when := pad(fmt.Sprint(d.ID), idWidth), d.Received().Local().Format(whenLayout(s))+"  "
	outcome = pad(outcome, outcomeWidth)
	s.line("%s%s%s%s", s.key(id), s.dim(when), paint(outcome), s.cut(what, len(id)+len(when)+len(outcome)))
}

func rowOutcome(s *screen, d *replay.Delivery) (string, paint) {
	switch n := len(d.Attempts); {
	case d.Verdict != replay.Accepted:
		return string(d.Verdict), s.bad
	case len(d.Queued) > 0:
		return "waiting", s.warn
	case n == 0:
		return "kept", s.dim
	case d.Attempts[n-1].OK():
		return answerText(&d.Attempts[n-1]), s.good
	case d.Attempts[n-1].Failure != "":
		return string(d.Attempts[n-1].Failure), s.bad
	default:
		return answerText(&d.Attempts[n-1]), s.bad
	}
}

// answerText is the status of an answer, or the exit code of a command.
func answerText(a *replay.Attempt) string {
	if a.Exit != nil {
		return fmt.Sprintf("exit %d", *a.Exit)
	}
	return fmt.Sprintf("%d", a.Status)
}

func inspectOne(c *cli.Context, d *replay.Delivery, out *screen) error {
	switch {
	case c.Bool("body"):
		return writeBody(c, d, out)
	case c.Bool("curl"):
		line, err := curlFor(c, d)
		if err != nil {
			return err
		}
		out.line("%s", line)
		return nil
	case c.Bool("json"):
		return writeRecord(out, recordWhole(d))
	}
	showWhole(out, d)
	return nil
}

// writeBody writes the exact bytes; to a terminal only what is harmless.
func writeBody(c *cli.Context, d *replay.Delivery, out *screen) error {
	if !out.terminal {
		_, err := out.Write(d.Body)
		return err
	}
	text := payload.PrintableLines(string(d.Body))
	if text != string(d.Body) {
		fmt.Fprintln(c.App.ErrWriter, "hfhook: characters that could steer the terminal are shown escaped")
		fmt.Fprintln(c.App.ErrWriter, "hint: write the exact bytes to a file or a pipe: hfhook inspect --body", d.ID, "> body.json")
	}
	out.line("%s", strings.TrimSuffix(text, "\n"))
	return nil
}
