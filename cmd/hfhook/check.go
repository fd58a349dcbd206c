package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/receiver/check"
	"github.com/hfhook/hfhook/replay"
)

func checkCommand() *cli.Command {
	requests := 0
	for _, c := range check.Cases() {
		requests += c.Requests
	}
	return command(&cli.Command{
		Name:      "check",
		Usage:     "give a handler a verdict: does it take all that the Hub sends?",
		UsageText: "hfhook check [flags] URL",
		Description: fmt.Sprintf("Sends a handler what the Hub sends, what it may send one day, and what happens\n"+
			"to requests on their way, and tells what is expected and what came.\n"+
			"These are about %d requests, some of them broken and one of 8 MB. Those that are\n"+
			"whole look real, and the handler acts on them: they are about\n"+
			"%s, which exists nowhere. Ends with exit code 4 when a\n"+
			"case fails.", requests, check.DefaultRepo),
		Flags: slices.Concat([]cli.Flag{
			&cli.StringSliceFlag{Name: "only", Usage: "run this `CASE` only, besides those about the first delivery; may be repeated"},
			&cli.StringSliceFlag{Name: "skip", Usage: "leave out this `CASE`; may be repeated"},
			&cli.BoolFlag{Name: "list", Usage: "list the cases and send nothing", DisableDefaultText: true},
			&cli.StringFlag{Name: "repo", Usage: "let deliveries be about the repo `NAME`", Value: check.DefaultRepo},
			&cli.DurationFlag{Name: "patience", Usage: "fail answers that take longer than this `TIME`; how long the Hub waits is not published", Value: check.DefaultPatience},
			&cli.StringFlag{Name: "effects", Usage: "GET this `URL` to see what deliveries have done, such as a count: to be sure whether the handler is idempotent"},
			&cli.StringFlag{Name: "junit", Usage: "write a JUnit report to `FILE`; - is stdout", TakesFile: true},
		}, secretFlags(), checkTargetFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line", EnvVars: []string{"HFHOOK_JSON"}, DisableDefaultText: true},
		}),
		Action: func(c *cli.Context) error {
			outliveReader()
			if c.Bool("list") {
				return listCases(c)
			}
			k, err := newChecking(c)
			if err != nil {
				return err
			}
			return k.run(c.Context)
		},
	}, 1)
}

// checkTargetFlags are those of targets, of which the time is --patience.
func checkTargetFlags() []cli.Flag {
	return slices.DeleteFunc(targetFlags(), func(f cli.Flag) bool { return f.Names()[0] == "target-timeout" })
}

// checking is one run of hfhook check.
type checking struct {
	c       *cli.Context
	out     *screen // for people or JSON lines
	options check.Options
	url     string // that may be printed
	secret  secret
	junit   io.Writer          // of the report; nil: none
	file    *os.File           // that it is written to; nil: none, or stdout
	effects *replay.HTTPTarget // nil: nobody shows them
	skipped []check.Result     // the last ones, for the same reason, which are not told yet
}

// newChecking refuses wrong usage before anything is sent.
func newChecking(c *cli.Context) (*checking, error) {
	switch {
	case c.NArg() == 0:
		return nil, usage("which handler is to be checked?", "hfhook check http://localhost:3000/webhooks/my_bot")
	case c.Bool("json") && c.String("junit") == "-":
		return nil, usage("--json and --junit - both write to stdout", "give the report a file: --junit report.xml")
	case c.Duration("patience") <= 0:
		return nil, usage(fmt.Sprintf("--patience %v is no time to wait", c.Duration("patience")), "for example --patience 5s")
	}
	if err := checkCases(slices.Concat(words[string](c, "only"), words[string](c, "skip"))); err != nil {
		return nil, err
	}
	key, err := findSecret(c, false)
	if err != nil {
		return nil, err
	}
	target, err := newTarget(c, c.Args().First(), key.value)
	if err != nil {
		return nil, err
	}
	how, err := targetOptions(c, c.Args().First(), key.value)
	if err != nil {
		return nil, err
	}
	k := &checking{c: c, url: target.Name(), secret: key, out: newScreen(c.App.Writer, c.Bool("no-color"))}
	k.options = check.Options{
		URL: c.Args().First(), Secret: key.value, Repo: c.String("repo"), Patience: c.Duration("patience"),
		Only: words[string](c, "only"), Skip: words[string](c, "skip"), Target: how, Progress: k.tell,
	}
	if address := c.String("effects"); address != "" {
		if k.effects, err = newEffects(c, address, key.value); err != nil {
			return nil, err
		}
		k.options.Effects = k.readEffects
	}
	return k, k.openJUnit()
}

func checkCases(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(check.Cases(), func(c check.Case) bool { return c.Name == name }) {
			return usage((&check.UnknownCaseError{Name: name}).Error(), "hfhook check --list lists them")
		}
	}
	return nil
}

// newEffects makes the target that shows what deliveries have done. It gets
// no secret and none of the headers that are for the handler.
func newEffects(c *cli.Context, address, secret string) (*replay.HTTPTarget, error) {
	o, err := targetOptions(c, address, secret)
	if err != nil {
		return nil, err
	}
	o.Header, o.Host, o.Timeout = nil, "", c.Duration("patience")
	target, err := replay.NewHTTPTarget(address, o)
	if err != nil {
		return nil, usage("--effects: "+err.Error(), "for example --effects http://localhost:3000/count")
	}
	return target, nil
}

func (k *checking) readEffects(ctx context.Context) (string, error) {
	a := k.effects.Send(ctx, &replay.Delivery{Method: "GET", Path: "/"})
	switch {
	case a.Failure != "":
		return "", errors.New(a.Error)
	case !a.OK():
		return "", fmt.Errorf("GET is answered with %d", a.Status)
	case a.BodyCut:
		return "", errors.New("they are longer than " + bytesText(replay.MaxAnswer))
	}
	return string(a.Body), nil
}

// openJUnit opens the report first, so that a wrong name is found before
// anything is sent. With the report on stdout, the talk is on stderr.
func (k *checking) openJUnit() (err error) {
	switch name := k.c.String("junit"); name {
	case "":
	case "-":
		k.junit = k.out
		k.out = newScreen(k.c.App.ErrWriter, k.c.Bool("no-color"))
	default:
		if k.file, err = os.Create(name); err != nil {
			return failed(fmt.Errorf("write the JUnit report: %w", err), "")
		}
		k.junit = k.file
	}
	return nil
}

func (k *checking) run(ctx context.Context) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	k.out.trouble.broken = giveUp
	if k.effects != nil {
		defer k.effects.Close()
	}
	report, err := check.Run(ctx, k.options)
	if report == nil {
		report = &check.Report{
			URL: k.url, Idempotent: check.Unknown, IdempotentWhy: "it was not looked at", Patience: k.options.Patience, Stopped: err.Error(),
			Results: []check.Result{{Name: "answer", Verdict: check.Skipped, Why: err.Error()}},
		}
	} else {
		k.conclude(report)
	}
	return errors.Join(k.verdict(report, err), k.writeJUnit(report))
}

// verdict gives what the program ends with.
func (k *checking) verdict(report *check.Report, err error) error {
	const nobody = "is the handler running?"
	failures := report.Count(check.Fail)
	switch {
	case k.out.trouble.err != nil:
		return k.out.trouble.err
	case errors.Is(err, check.ErrNobody):
		return failed(err, nobody+" Certificates of your own need --target-ca")
	case err != nil && k.c.Context.Err() != nil:
		return failed(errors.New("interrupted before everything was checked"), "")
	case err != nil:
		return err
	case failures > 0:
		return &problem{exitAnswer, "to the Hub, every answer outside 2xx is a failed delivery: it is sent again, and a webhook that keeps failing is suspended",
			fmt.Errorf("%d %s", failures, plural(failures, "case failed", "cases failed"))}
	case report.Stopped != "":
		return failed(errors.New(report.Stopped), nobody)
	}
	return nil
}

func (k *checking) writeJUnit(report *check.Report) error {
	if k.junit == nil {
		return nil
	}
	err := report.WriteJUnit(k.junit)
	if k.file != nil {
		err = cmp.Or(err, k.file.Close())
	}
	if err != nil {
		return failed(fmt.Errorf("write the JUnit report: %w", err), "")
	}
	return nil
}

// tell tells a result. Cases that are skipped for the same reason, one after
// the other, are told together.
func (k *checking) tell(r check.Result) {
	if k.c.Bool("json") {
		_ = writeRecord(k.out, recordCase(r))
		return
	}
	if len(k.skipped) > 0 && (r.Verdict != check.Skipped || r.Why != k.skipped[0].Why) {
		k.tellSkipped()
	}
	if r.Verdict == check.Skipped {
		k.skipped = append(k.skipped, r)
		return
	}
	s := k.out
	mark := map[check.Verdict]string{check.Pass: s.good("ok  "), check.Fail: s.bad("FAIL"), check.Warn: s.warn("warn")}[r.Verdict]
	s.line("%s  %s %s", mark, s.bold(pad(r.Name, caseWidth)), s.cut(r.Came, caseIndent))
	if r.Verdict == check.Pass {
		return
	}
	s.line("%s", wrap("expected "+r.Want+"; sent was "+r.About, caseIndent, 100))
	s.line("%s", wrap(r.Why, caseIndent, 100))
	if r.Name == "secret" && k.secret.source == secretKept {
		s.line("hint: what was sent is the secret of hfhook dev; WEBHOOK_SECRET takes another")
	}
}

func (k *checking) tellSkipped() {
	s := k.out
	name := k.skipped[0].Name
	if n := len(k.skipped); n > 1 {
		name = fmt.Sprintf("%d cases", n)
	}
	s.line("%s  %s %s", s.dim("skip"), s.bold(pad(name, caseWidth)), s.cut(k.skipped[0].Why, caseIndent))
	k.skipped = nil
}

const (
	caseWidth  = 15 // the longest name
	caseIndent = caseWidth + 7
)

// conclude ends the report.
func (k *checking) conclude(r *check.Report) {
	if k.c.Bool("json") {
		_ = writeRecord(k.out, recordVerdict(r))
		return
	}
	if len(k.skipped) > 0 {
		k.tellSkipped()
	}
	s := k.out
	s.line("\n%d ok, %d failed, %d %s, %d skipped; %d requests", r.Count(check.Pass), r.Count(check.Fail),
		r.Count(check.Warn), plural(r.Count(check.Warn), "warning", "warnings"), r.Count(check.Skipped), r.Requests)
	s.line("Idempotent: %s: %s", s.bold(string(r.Idempotent)), r.IdempotentWhy)
	looked := slices.ContainsFunc(r.Results, func(r check.Result) bool { return r.Name == "idempotent" && r.Requests > 0 })
	if looked && r.Idempotent == check.Unknown && k.options.Effects == nil {
		s.line("hint: --effects URL shows what deliveries have done")
	}
	if r.Slowest > 0 {
		slow := ""
		if r.Slowest > r.Patience/2 {
			slow = s.warn(": answer first, work afterwards")
		}
		s.line("Slowest answer: %s (%s), with %v of patience; how long the Hub waits is not published%s",
			durationText(r.Slowest), r.SlowestCase, r.Patience, slow)
	}
}

// listCases prints the cases.
func listCases(c *cli.Context) error {
	out := newScreen(c.App.Writer, c.Bool("no-color"))
	for _, k := range check.Cases() {
		if c.Bool("json") {
			_ = writeRecord(out, caseRecord{recordHead: head("case", time.Now()), Name: k.Name, About: k.About, Want: k.Want, Requests: k.Requests})
			continue
		}
		out.line("%s %s (expected: %s)", out.bold(pad(k.Name, caseWidth)), k.About, k.Want)
	}
	return out.trouble.err
}
