package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
)

func replayCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "replay",
		Usage:     "send kept deliveries again",
		UsageText: "hfhook replay [flags] [ID...]",
		Description: "Sends the same bytes to the target that a delivery had when it arrived, or to --to URL,\n" +
			"and prints what came back; with --exec COMMAND it runs that. Ends with exit code 4 when an\n" +
			"answer is outside 2xx or a command fails, and with 5 when an answer differs from what it is\n" +
			"compared with.\n" +
			"An ID is a number, last, last~2, a range such as 12..20, or a Webhook-Id. Filters choose\n" +
			"among them, or without an ID among all that is kept. What was rejected is left out, and not\n" +
			"counted by last, unless its number or --verdict rejected names it.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "send to `URL`; one without a path keeps the path that came in", DefaultText: "where it was sent live", EnvVars: []string{"HFHOOK_TO"}},
		}, execFlags(), []cli.Flag{
			storeFlag(),
		}, chooseFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "print what would be sent where, and send nothing", DisableDefaultText: true},
		}, paceFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "stop-on-failure", Usage: "end with the first that is not answered with 2xx", DisableDefaultText: true},
			&cli.BoolFlag{Name: "keep-going", Usage: fmt.Sprintf("go on where a target refused %d connections in a row", maxRefused), DisableDefaultText: true},
		}, editFlags(), compareFlags(), secretFlags(), targetFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line", EnvVars: []string{"HFHOOK_JSON"}, DisableDefaultText: true},
		}),
		Action: replayDeliveries,
	}, -1)
}

func replayDeliveries(c *cli.Context) error {
	options, err := paceOf(c)
	if err != nil {
		return err
	}
	if err := conflicts(c, "stop-on-failure", "keep-going"); err != nil {
		return err
	}
	if c.NArg() == 0 && !choosesByFlag(c) {
		return whichDelivery()
	}
	edits, err := editsOf(c)
	if err != nil {
		return err
	}
	compare, err := comparisonOf(c)
	if err != nil {
		return err
	}
	key, err := findSecret(c, false)
	if err != nil {
		return err
	}
	targets := newTargets(c, key.value)
	defer targets.close()
	if err := targets.findCommands(); err != nil {
		return err
	}
	var to target
	switch address := c.String("to"); {
	case len(targets.commands) == 1:
		to = targets.commands[0]
	case len(targets.commands) == 0 && address != "":
		if to, err = targets.at(address); err != nil {
			return err
		}
	}
	if compare.kind == withTarget {
		if compare.target, err = targets.at(compare.address); err != nil {
			return err
		}
	}
	store, err := openStore(c, reading)
	if err != nil {
		return err
	}
	defer store.Close()
	options.Store = store

	name := ""
	if to != nil {
		name = to.Name()
	}
	choice, err := choose(c, store, name)
	if err != nil {
		return err
	}
	n, err := choice.count(c.Context, 2)
	if err == nil {
		err = edits.expect(n)
	}
	if err != nil {
		return err
	}
	run := newReplayRun(c, choice, targets, edits, compare, n > 1)
	if c.Bool("dry-run") {
		return run.plan()
	}
	run.begin()
	options.Stop, options.Done = run.enough, run.came
	err = run.countTotal()
	if err == nil {
		err = replay.SendBatch(c.Context, run.outgoing(), options)
	}
	return run.end(err)
}

func whichDelivery() error {
	return usage("which delivery is to be sent again?", "hfhook replay last, hfhook replay --failed, or see hfhook inspect for the ids")
}
