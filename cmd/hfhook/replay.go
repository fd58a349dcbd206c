package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
)

func replayCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "replay",
		Usage:     "send kept deliveries again",
		UsageText: "hfhook replay [flags] ID...",
		Description: "Sends the same bytes to the target that a delivery had when it arrived, or to --to URL,\n" +
			"and prints what came back. Ends with exit code 4 when an answer is outside 2xx.\n" +
			"An ID is a number, last, last~2, a range such as 12..20, or a Webhook-Id.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "send to `URL`; one without a path keeps the path that came in", DefaultText: "where it was sent live", EnvVars: []string{"HFHOOK_TO"}},
			storeFlag(),
		}, secretFlags(), targetFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line", EnvVars: []string{"HFHOOK_JSON"}, DisableDefaultText: true},
		}),
		Action: replayDeliveries,
	}, -1)
}

func replayDeliveries(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage("which delivery is to be sent again?", "hfhook replay last, or see hfhook inspect for the ids")
	}
	key, err := findSecret(c, false)
	if err != nil {
		return err
	}
	targets := map[string]target{}
	targetAt := func(address string) (target, error) {
		if t := targets[address]; t != nil {
			return t, nil
		}
		t, err := newTarget(c, address, key.value)
		if err == nil {
			targets[address] = t
		}
		return t, err
	}
	defer func() {
		for _, t := range targets {
			t.Close()
		}
	}()
	if to := c.String("to"); to != "" {
		if _, err := targetAt(to); err != nil {
			return err
		}
	}
	store, err := openStore(c, reading)
	if err != nil {
		return err
	}
	defer store.Close()

	out := newScreen(c.App.Writer, c.Bool("no-color"))
	var sent, unanswered, outside int
	err = eachNamed(c, store, func(d *replay.Delivery) error {
		addresses, err := addressesOf(c, d)
		if err != nil {
			return err
		}
		for _, address := range addresses {
			t, err := targetAt(address)
			if err != nil {
				return err
			}
			attempt, err := replay.Resend(c.Context, store, t, d)
			if err != nil {
				return err
			}
			sent++
			switch {
			case attempt.OK():
			case attempt.Status == 0:
				unanswered++
			default:
				outside++
			}
			if err := showReplay(c, out, d, attempt); err != nil {
				return err
			}
			if c.Context.Err() != nil { // not done, and no success for a script
				return failed(fmt.Errorf("interrupted in delivery %d", d.ID), "")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case out.trouble.err != nil:
		return out.trouble.err
	case outside > 0:
		return &problem{exitAnswer, "", fmt.Errorf("%d of %d answers are outside 2xx", outside, sent)}
	case unanswered > 0:
		return failed(fmt.Errorf("%d of %d deliveries got no answer", unanswered, sent), "is the handler running?")
	}
	return nil
}

// addressesOf says where d is to be sent: --to, else where it was sent live.
func addressesOf(c *cli.Context, d *replay.Delivery) ([]string, error) {
	if to := c.String("to"); to != "" {
		return []string{to}, nil
	}
	names := liveTargets(d)
	if len(names) == 0 {
		return nil, failed(fmt.Errorf("delivery %d was not sent anywhere when it arrived", d.ID),
			fmt.Sprintf("say where to: hfhook replay --to http://localhost:3000 %d", d.ID))
	}
	if i := slices.IndexFunc(names, func(name string) bool { return strings.Contains(name, replay.Redacted) }); i >= 0 {
		return nil, failed(fmt.Errorf("the target of delivery %d had a secret in its URL, which is not kept: %s", d.ID, names[i]),
			fmt.Sprintf("say it again: hfhook replay --to URL %d", d.ID))
	}
	return names, nil
}

func showReplay(c *cli.Context, s *screen, d *replay.Delivery, a *replay.Attempt) error {
	if c.Bool("json") {
		return writeRecord(s, recordAttempt(a))
	}
	replayBlock(s, d, a)
	return nil
}

func replayBlock(s *screen, d *replay.Delivery, a *replay.Attempt) {
	s.line("%s  %s", s.key(fmt.Sprintf("#%d", d.ID)), s.bold(s.cut(headline(d), 12)))
	attemptLine(s, a)
	if a.OK() && len(a.Body) > 0 && isText(a.Body) {
		field{cont: true, text: firstLines(string(a.Body), maxAnswer)}.print(s)
	}
}
