package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
	cmdtarget "github.com/hfhook/hfhook/replay/command"
)

// targetSet makes each target once.
type targetSet struct {
	c        *cli.Context
	secret   string
	to       string // every delivery goes there; empty: where it was sent before
	failed   bool   // of those, to where it failed
	made     map[string]target
	commands []target             // of --exec; with any, all is sent there
	output   func(cmdtarget.Line) // of theirs; set before anything is sent
}

func newTargets(c *cli.Context, secret string) *targetSet {
	return &targetSet{c: c, secret: secret, to: c.String("to"), failed: c.Bool("failed"), made: map[string]target{}}
}

// findCommands reads --exec, which is stronger than a variable for --to.
func (s *targetSet) findCommands() (err error) {
	if len(s.c.StringSlice("exec")) > 0 && typed(s.c, "to") {
		return usage("--to and --exec exclude each other", "choose one of them")
	}
	s.commands, err = execTargets(s.c, s.secret, func(l cmdtarget.Line) { s.output(l) })
	return err
}

func (s *targetSet) at(address string) (target, error) {
	if t := s.made[address]; t != nil {
		return t, nil
	}
	t, err := newTarget(s.c, address, s.secret)
	if err == nil {
		s.made[address] = t
	}
	return t, err
}

func (s *targetSet) close() {
	for _, t := range s.made {
		t.Close()
	}
	for _, t := range s.commands {
		t.Close()
	}
}

// of gives the targets that d is to be sent to.
func (s *targetSet) of(d *replay.Delivery) ([]target, error) {
	if len(s.commands) > 0 {
		return s.commands, nil
	}
	addresses, err := s.addresses(d)
	if err != nil {
		return nil, err
	}
	targets := make([]target, 0, len(addresses))
	for _, address := range addresses {
		t, err := s.at(address)
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// addresses says where d is to be sent: --to, with --failed where it failed,
// else where it was sent live.
func (s *targetSet) addresses(d *replay.Delivery) ([]string, error) {
	if s.to != "" {
		return []string{s.to}, nil
	}
	names := liveTargets(d)
	if s.failed {
		names = slices.DeleteFunc(d.FailedAt(), func(name string) bool { return !sentFromHere(d, name) })
	}
	if len(names) == 0 {
		return nil, failed(fmt.Errorf("delivery %d was not sent anywhere when it arrived", d.ID),
			fmt.Sprintf("say where to: hfhook replay --to http://localhost:3000 %d", d.ID))
	}
	for _, name := range names {
		if err := refuseTarget(s.c, d, name); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// refuseTarget tells why the secret, or a delivery, is not sent to a target
// because a store names it: what is there may come from somebody else.
func refuseTarget(c *cli.Context, d *replay.Delivery, name string) error {
	switch store := c.String("store"); {
	case isCommand(name):
		return failed(fmt.Errorf("delivery %d was for a command, and none is run because a store names it: %s", d.ID, name),
			fmt.Sprintf("say it again: hfhook replay --exec COMMAND %d, or --to URL", d.ID))
	case strings.Contains(name, replay.Redacted):
		return failed(fmt.Errorf("the target of delivery %d had a secret in its URL, which is not kept: %s", d.ID, name), "say it again: --to URL")
	case store != "" && isElsewhere(name):
		return failed(fmt.Errorf("the store %s may be somebody else's, and would have delivery %d and the secret sent to %s", store, d.ID, name), "say where to: --to URL")
	}
	return nil
}
