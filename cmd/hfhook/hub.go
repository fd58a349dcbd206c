package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/hub"
)

// newHubClient makes the client of a command that talks to the Hub: all of them
// come through here. What the Hub warns of is shown as the command shows
// warnings.
func newHubClient(c *cli.Context) (*hub.Client, error) {
	endpoint, _ := hub.FindEndpoint(os.Getenv)
	token, err := hubToken()
	if err != nil {
		return nil, &problem{exitHub, tokenFileHint, err}
	}
	warner := newWarner(c)
	return hub.New(hub.Options{
		Endpoint: endpoint,
		Token:    token,
		Version:  version,
		Timeout:  hubTimeout(c),
		Offline:  hub.FindOffline(os.Getenv) != "",
		Log: slog.New(&logHandler{level: slog.LevelWarn, say: func(_ slog.Level, text string) {
			warner.warning(text, "")
		}}),
	})
}

// hubTimeout is what the commands with hubFlags say; 0, the default, for others,
// whose --timeout is about something else.
func hubTimeout(c *cli.Context) time.Duration {
	if strings.HasPrefix(commandName(c), "webhooks ") {
		return c.Duration("timeout")
	}
	return 0
}

const tokenFileHint = "make the file readable, or set HF_TOKEN"

// hubToken finds the user's token; the error is for the hint above.
func hubToken() (hub.Token, error) {
	home, _ := os.UserHomeDir() // without one, a variable may still name the token
	token, err := hub.FindToken(os.Getenv, home)
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("cannot read the token in %s: %w", e.Path, e.Err)
	}
	return token, err
}

// warner tells about what is wrong, and not wrong enough to stop.
type warner interface{ warning(message, hint string) }

// newWarner gives the one that fits to what else the command prints.
func newWarner(c *cli.Context) warner {
	noColor := c.Bool("no-color")
	if c.Bool("json") {
		return &machine{out: newScreen(c.App.Writer, noColor)}
	}
	return &human{talk: newScreen(c.App.ErrWriter, noColor)}
}

// hubFlags are those of the commands that talk to the Hub.
func hubFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "timeout", Usage: "give the Hub this `TIME` for each call", Value: 30 * time.Second, EnvVars: []string{"HFHOOK_TIMEOUT"},
			Action: func(_ *cli.Context, d time.Duration) error {
				if d <= 0 {
					return usage(fmt.Sprintf("--timeout %s is no time", d), "for example --timeout 30s")
				}
				return nil
			}},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line", EnvVars: []string{"HFHOOK_JSON"}, DisableDefaultText: true},
	}
}
