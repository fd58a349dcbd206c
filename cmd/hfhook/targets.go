package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
)

// targetFlags say how deliveries are sent; dev and replay share them.
func targetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "target-timeout", Usage: "give a target this `TIME` to answer", Value: 30 * time.Second, EnvVars: []string{"HFHOOK_TARGET_TIMEOUT"}},
		&cli.StringSliceFlag{Name: "header", Aliases: []string{"H"}, Usage: "send `'Name: value'` too, in place of the one that came"},
		&cli.StringFlag{Name: "target-host", Usage: "send this Host `NAME`", DefaultText: "the target's own"},
		&cli.StringFlag{Name: "target-ca", Usage: "trust the certificates in `FILE` for targets", TakesFile: true, EnvVars: []string{"HFHOOK_TARGET_CA"}},
		&cli.StringFlag{Name: "target-cert", Usage: "show targets the client certificate in `FILE`", TakesFile: true, EnvVars: []string{"HFHOOK_TARGET_CERT"}},
		&cli.StringFlag{Name: "target-key", Usage: "its private key in `FILE`", TakesFile: true, EnvVars: []string{"HFHOOK_TARGET_KEY"}},
		&cli.BoolFlag{Name: "target-insecure", Usage: "do not check the certificates of targets", EnvVars: []string{"HFHOOK_TARGET_INSECURE"}, DisableDefaultText: true},
	}
}

// target is a replay.Target that frees what it holds.
type target interface {
	replay.Target
	Close() error
}

// newTarget makes an HTTP target out of an address and the flags.
func newTarget(c *cli.Context, address, secret string) (target, error) {
	headers := http.Header{}
	for _, line := range c.StringSlice("header") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, usage(fmt.Sprintf("--header %q is no header", line), "write it as 'Name: value'")
		}
		headers.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if !strings.Contains(address, "://") {
		return nil, usage(fmt.Sprintf("%q is no URL", address), "write http:// in front: http://"+address)
	}
	var tls replay.TLSOptions
	if strings.HasPrefix(address, "https://") { // other targets have no use for them
		tls = replay.TLSOptions{
			CAFile:     c.String("target-ca"),
			CertFile:   c.String("target-cert"),
			KeyFile:    c.String("target-key"),
			SkipVerify: c.Bool("target-insecure"),
		}
	}
	made, err := replay.NewHTTPTarget(address, replay.HTTPOptions{
		Secret:  secret,
		Header:  headers,
		Host:    c.String("target-host"),
		Timeout: c.Duration("target-timeout"),
		TLS:     tls,
	})
	if err != nil {
		return nil, usage(err.Error(), "for example http://localhost:3000, or http://localhost:3000/hook to send every delivery there")
	}
	return made, nil
}

// liveTargets names where a delivery was or is to be sent when it arrived.
func liveTargets(d *replay.Delivery) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, a := range d.Attempts {
		if a.Kind == replay.Live {
			add(a.Target)
		}
	}
	for _, name := range d.Queued {
		add(name)
	}
	return names
}
