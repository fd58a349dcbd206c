package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
)

// targetSet makes each target once.
type targetSet struct {
	c      *cli.Context
	secret string
	to     string // every delivery goes there; empty: where it was sent before
	failed bool   // of those, to where it failed
	made   map[string]target
}

func newTargets(c *cli.Context, secret string) *targetSet {
	return &targetSet{c, secret, c.String("to"), c.Bool("failed"), map[string]target{}}
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
}

// of gives the targets that d is to be sent to.
func (s *targetSet) of(d *replay.Delivery) ([]target, error) {
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
		names = d.FailedAt()
	}
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
