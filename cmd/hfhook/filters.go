package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
)

// filterFlagList are the flags that choose deliveries: the keys of the filter
// language, and the language itself.
func filterFlagList() []cli.Flag {
	flag := func(name, usage string) cli.Flag {
		return &cli.StringSliceFlag{Name: name, Usage: usage}
	}
	return []cli.Flag{
		&cli.StringFlag{Name: "since", Usage: "arrived at `TIME` or later: 2h, 15:04, 2006-01-02, 2006-01-02T15:04:05Z"},
		&cli.StringFlag{Name: "until", Usage: "arrived before `TIME`"},
		flag("endpoint", "came in at this `NAME` under /webhooks/, or this path"),
		flag("scope", "this `SCOPE` or a narrower one: repo, repo.content, 'discussion*'"),
		flag("action", "this `ACTION`: create, update, delete, move"),
		flag("repo", "a repo that matches `GLOB`: acme/*, */bert-?"),
		flag("type", "this repo `TYPE`: model, dataset, space, bucket, kernel"),
		flag("ref", "about a ref that matches `GLOB`: refs/heads/main, 'refs/pr/*'"),
		flag("verdict", "this `VERDICT`: accepted, rejected, undecodable"),
		flag("status", "last attempt ended with `STATUS`: ok, failed, none, 404, 5xx"),
		&cli.StringFlag{Name: "text", Usage: "`TEXT` stands in the body"},
		&cli.StringFlag{Name: "webhook-id", Usage: "has this Webhook-Id `ID`"},
		flag("filter", "all of these `WORDS`, as in 'scope=discussion repo=acme/* action!=delete'; may be repeated"),
	}
}

// filterOf reads the flags of filterFlagList.
func filterOf(c *cli.Context, now time.Time) (replay.Filter, error) {
	var f replay.Filter
	for _, key := range replay.FilterKeys() {
		values := flagWords(c, key)
		if len(values) == 0 {
			continue
		}
		if err := f.Add(replay.Condition{Key: key, Values: values}, now); err != nil {
			return replay.Filter{}, flagProblem(err)
		}
	}
	for _, text := range c.StringSlice("filter") {
		g, err := parseFilter(text)
		if err != nil {
			return replay.Filter{}, err
		}
		f = f.And(g)
	}
	return f, nil
}

// flagWords reads the flag of a key, whether it takes one value or many.
func flagWords(c *cli.Context, name string) []string {
	if text, ok := c.Value(name).(string); ok && text != "" {
		return []string{text}
	}
	return words[string](c, name)
}

// words reads a flag that may be repeated or hold several words with commas.
func words[T ~string](c *cli.Context, name string) []T {
	var out []T
	for _, value := range c.StringSlice(name) {
		for word := range strings.SplitSeq(value, ",") {
			if word = strings.TrimSpace(word); word != "" {
				out = append(out, T(word))
			}
		}
	}
	return out
}

// flagProblem says which flag has a value that is none.
func flagProblem(err error) error {
	e, ok := errors.AsType[*replay.FilterError](err)
	if !ok {
		return err
	}
	if e.Key == "since" || e.Key == "until" {
		return usage(fmt.Sprintf("--%s %s", e.Key, e.Reason), e.Hint)
	}
	return usage(fmt.Sprintf("--%s: %s", e.Key, e.Reason), e.Hint)
}

// parseFilter reads the filter language. The error is one of usage.
func parseFilter(text string) (replay.Filter, error) {
	f, err := replay.ParseFilter(text, time.Now())
	if e, ok := errors.AsType[*replay.FilterError](err); ok {
		hint := "hfhook help filters tells all words"
		if e.Hint != "" {
			hint = e.Hint + "; " + hint
		}
		return f, usage(e.Error(), hint)
	}
	return f, err
}
