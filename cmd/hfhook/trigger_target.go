package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"

	"github.com/urfave/cli/v2"

	cmdtarget "github.com/hfhook/hfhook/replay/command"
)

const defaultPath = "/webhooks/dev"

// destination is where hfhook trigger sends to.
type destination struct {
	target target
	dev    bool // a running hfhook dev
	local  bool // to which no public URL leads

	command bool
}

// checkDestination refuses flags for more than one.
func checkDestination(c *cli.Context) error {
	lines := c.StringSlice("exec")
	switch local, to := c.Bool("local"), c.String("to") != ""; {
	case to && local:
		return usage("--to and --local exclude each other", "choose one of them")
	case len(lines) > 0 && to:
		return usage("--to and --exec exclude each other", "choose one of them")
	case len(lines) > 0 && local:
		return usage("--local and --exec exclude each other", "choose one of them")
	case len(lines) > 1:
		return usage("--exec is given more than once", "trigger runs one command; the same --seed gives another one the same deliveries")
	}
	return nil
}

// destinationOf makes the target of --exec or --to, else that of the running
// hfhook dev: its public URL, so that a delivery goes the whole way. output is
// told what a command prints.
func destinationOf(c *cli.Context, secret string, output func(cmdtarget.Line)) (to destination, err error) {
	commands, err := execTargets(c, secret, output)
	if err != nil {
		return to, err
	}
	if len(commands) > 0 {
		to.target, to.command = commands[0], true
		return to, nil
	}
	if address := c.String("to"); address != "" {
		to.target, err = newTarget(c, address, secret)
		return to, err
	}
	p, err := findDev(c)
	if err != nil {
		return to, err
	}
	address := p.Public
	if address == "" || c.Bool("local") {
		address, to.local = p.Local, p.Public == ""
	}
	path := p.Path
	if typed(c, "path") { // what a file or a variable says, dev knows better
		path = c.String("path")
	}
	base, err := url.Parse(address)
	if err != nil {
		return to, fmt.Errorf("find the running hfhook dev: %w", err)
	}
	to.dev = true
	to.target, err = newTarget(c, base.JoinPath(path).String(), secret)
	return to, err
}

// findDev finds the hfhook dev that runs on the store of c.
func findDev(c *cli.Context) (presence, error) {
	store, err := storePath(c)
	if err == nil {
		store, err = filepath.Abs(store)
	}
	if err != nil {
		return presence{}, err
	}
	p, err := readPresence(store)
	switch {
	case err == nil:
		return p, nil
	case errors.Is(err, fs.ErrNotExist):
		return p, failed(errors.New("no hfhook dev is running"),
			"start one, or name a handler with --to URL; one with a store of its own is found by --store FILE")
	}
	return p, failed(err, "name where to send to with --to URL")
}
