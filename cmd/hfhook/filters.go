package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// filterFlagList are the flags that choose deliveries.
func filterFlagList() []cli.Flag {
	flag := func(name, usage string) cli.Flag {
		return &cli.StringSliceFlag{Name: name, Usage: usage}
	}
	return []cli.Flag{
		&cli.StringFlag{Name: "since", Usage: "arrived at `TIME` or later: 2h, 15:04, 2006-01-02, 2006-01-02T15:04:05Z"},
		&cli.StringFlag{Name: "until", Usage: "arrived before `TIME`"},
		flag("endpoint", "came in at this `NAME` under /webhooks/, or this path"),
		flag("scope", "this `SCOPE` or a narrower one: repo, repo.content, discussion"),
		flag("action", "this `ACTION`: create, update, delete, move"),
		flag("repo", "a repo that matches `GLOB`: acme/*, */bert-?"),
		flag("type", "this repo `TYPE`: model, dataset, space, bucket, kernel"),
		flag("verdict", "this `VERDICT`: accepted, rejected, undecodable"),
		flag("status", "last attempt ended with `STATUS`: ok, failed, none, 404, 5xx"),
		&cli.StringFlag{Name: "text", Usage: "`TEXT` stands in the body"},
		&cli.StringFlag{Name: "webhook-id", Usage: "has this Webhook-Id `ID`"},
	}
}

// filterOf reads the flags of filterFlagList.
func filterOf(c *cli.Context, now time.Time) (replay.Filter, error) {
	f := replay.Filter{
		WebhookID: c.String("webhook-id"),
		Endpoints: endpoints(c),
		Scopes:    words[payload.Scope](c, "scope"),
		Actions:   words[payload.Action](c, "action"),
		Repos:     words[string](c, "repo"),
		RepoTypes: words[payload.RepoType](c, "type"),
		Verdicts:  words[replay.Verdict](c, "verdict"),
		Attempts:  words[replay.AttemptStatus](c, "status"),
		Text:      c.String("text"),
	}
	var err error
	if f.Since, err = parseTime(c.String("since"), now); err != nil {
		return f, usage(fmt.Sprintf("--since %s", err), timeHint)
	}
	if f.Until, err = parseTime(c.String("until"), now); err != nil {
		return f, usage(fmt.Sprintf("--until %s", err), timeHint)
	}
	if i := slices.IndexFunc(f.Verdicts, func(v replay.Verdict) bool {
		return v != replay.Accepted && v != replay.Rejected && v != replay.Undecodable
	}); i >= 0 {
		return f, usage(fmt.Sprintf("--verdict: there is no verdict %q", f.Verdicts[i]), "verdicts are accepted, rejected and undecodable")
	}
	if i := slices.IndexFunc(f.Attempts, func(s replay.AttemptStatus) bool { return !validStatus(string(s)) }); i >= 0 {
		return f, usage(fmt.Sprintf("--status: %q is no status", f.Attempts[i]), "use ok, failed, none, a number such as 404, or a class such as 5xx")
	}
	return f, nil
}

// endpoints reads --endpoint: a path under /webhooks/ is kept by its name.
func endpoints(c *cli.Context) []string {
	names := words[string](c, "endpoint")
	for i, name := range names {
		if rest, ok := strings.CutPrefix("/"+strings.Trim(name, "/"), "/webhooks/"); ok {
			names[i] = rest
		}
	}
	return names
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

func validStatus(s string) bool {
	if s == "ok" || s == "failed" || s == "none" {
		return true
	}
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return false
	}
	if s[1:] == "xx" {
		return true
	}
	_, err := strconv.Atoi(s)
	return err == nil
}

const timeHint = "write 90m or 2h (ago), 15:04 (today), 2006-01-02 or 2006-01-02T15:04:05Z"

// parseTime reads a time as people write it; a duration means that long ago.
func parseTime(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no time", s)
}
