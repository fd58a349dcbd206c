package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/payload"
)

// settingFlags name what a webhook is made of, as hf webhooks has it.
func settingFlags(create bool) []cli.Flag {
	watch, domain := "watch `TYPE:NAME` instead", "only these `EVENTS` from now on"
	if create {
		watch, domain = "watch `TYPE:NAME`", "only these `EVENTS` instead of all"
	}
	return []cli.Flag{
		&cli.StringFlag{Name: "url", Usage: "send deliveries to `URL`"},
		&cli.StringFlag{Name: "job-id", Usage: "start a copy of the Job `ID` instead"},
		&cli.StringSliceFlag{Name: "watch", Usage: watch + ": model, dataset, space, bucket, kernel, user or org; may be repeated"},
		&cli.StringSliceFlag{Name: "domain", Usage: domain + ": repo or discussion; may be repeated"},
	}
}

func webhooksCreateCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "create",
		Usage:     "make one",
		UsageText: "hfhook webhooks create [flags] --url URL --watch TYPE:NAME",
		Description: "Prints the id of the new webhook. It gets the events of repos and of discussions, and\n" +
			"the secret that hfhook dev uses, unless flags say otherwise.",
		Flags:  slices.Concat(settingFlags(true), hubSecretFlags(true), hubFlags()),
		Action: createWebhook,
	}, 0)
}

func webhooksUpdateCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "update",
		Usage:     "change what is named, and nothing else",
		UsageText: "hfhook webhooks update [flags] ID",
		Description: "The Hub replaces a whole setting at once, and does not show its secret. So a webhook that\n" +
			"has one is changed only when a flag says what becomes of it.",
		Flags: slices.Concat(settingFlags(false), hubSecretFlags(false), hubFlags()),
		Action: func(c *cli.Context) error {
			if err := atLeast(c, 1, "which webhook?", "--url https://hooks.example.com ID"); err != nil {
				return err
			}
			return changeWebhook(c, c.Args().Get(0), c.String("url"))
		},
	}, 1)
}

func webhooksSetURLCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "set-url",
		Usage:     "send deliveries to another URL",
		UsageText: "hfhook webhooks set-url [flags] ID URL",
		Description: "The same as hfhook webhooks update --url URL ID: everything else stays, and of the secret\n" +
			"a flag says what becomes of it.",
		Flags: slices.Concat(hubSecretFlags(false), hubFlags()),
		Action: func(c *cli.Context) error {
			id, url := c.Args().Get(0), c.Args().Get(1)
			if err := atLeast(c, 2, "which webhook, and which URL?", "ID https://hooks.example.com"); err != nil {
				return err
			}
			if strings.Contains(id, "://") {
				return usage("the URL comes after the id", "hfhook webhooks set-url ID URL")
			}
			return changeWebhook(c, id, url)
		},
	}, 2)
}

// knownTypes are what can be watched, as far as hfhook knows.
var knownTypes = []hub.WatchedType{hub.Model, hub.Dataset, hub.Space, hub.Bucket, hub.Kernel, hub.User, hub.Org}

// watchedOf reads --watch.
func watchedOf(c *cli.Context) ([]hub.Watched, error) {
	var all []hub.Watched
	for _, word := range words[string](c, "watch") {
		kind, name, _ := strings.Cut(word, ":")
		if kind, name = strings.TrimSpace(kind), strings.TrimSpace(name); kind == "" || name == "" {
			return nil, usage(fmt.Sprintf("--watch %s is not TYPE:NAME", word), "for example --watch model:acme/bert or --watch org:acme")
		}
		watched := hub.Watched{Type: hub.WatchedType(kind), Name: name}
		if !slices.Contains(all, watched) {
			all = append(all, watched)
		}
	}
	return all, nil
}

// targetOf reads --url and --job-id; url may come from an argument.
func targetOf(c *cli.Context, url string) (string, string, error) {
	job := c.String("job-id")
	switch {
	case c.IsSet("url") && url == "", c.IsSet("job-id") && job == "":
		return "", "", usage("the target is empty", "for example --url https://hooks.example.com")
	case url != "" && job != "":
		return "", "", usage("--url and --job-id exclude each other", "choose one of them")
	}
	return url, job, nil
}

func createWebhook(c *cli.Context) error {
	watched, err := watchedOf(c)
	if err != nil {
		return err
	}
	url, job, err := targetOf(c, c.String("url"))
	switch {
	case err != nil:
		return err
	case url == "" && job == "":
		return usage("the webhook has no target", "pass --url URL, or --job-id ID")
	case len(watched) == 0:
		return usage("the webhook watches nothing", "for example --watch model:acme/bert or --watch org:acme")
	}
	domains := words[hub.Domain](c, "domain")
	if len(domains) == 0 {
		domains = []hub.Domain{hub.DomainRepo, hub.DomainDiscussion}
	}
	key, err := createdSecret(c)
	if err != nil {
		return err
	}
	return withWebhooks(c, func(w *webhooks) error {
		w.showNew(&key)
		h, err := w.Create(c.Context, hub.Settings{
			URL: url, JobSourceID: job, Watched: watched, Domains: domains, Secret: hub.Secret(key.value),
		})
		if err != nil {
			return maybeCreated(refusedWatch(err, watched))
		}
		if c.Bool("json") {
			r := w.record(h)
			r.SecretFrom = key.source
			return writeRecord(w.out, r)
		}
		w.out.line("%s", payload.Printable(h.ID))
		w.showFacts(w.talk, h, secretInWords(key))
		return nil
	})
}

// maybeCreated warns of a webhook that may be there although no answer says so:
// to try again may make a second one.
func maybeCreated(err error) error {
	e, ok := errors.AsType[*hub.Error](err)
	if !ok || e.Status != 0 && e.Status < 500 {
		return err
	}
	op, _ := errors.AsType[*net.OpError](e)
	broke := op != nil && (op.Op == "read" || op.Op == "write") || errors.Is(e, io.EOF) || errors.Is(e, io.ErrUnexpectedEOF)
	if e.Status == 0 && !broke && !errors.Is(e, context.DeadlineExceeded) && !errors.Is(e, context.Canceled) {
		return err
	}
	return &problem{hubCode(e), "it may be there all the same: look with hfhook webhooks list before you try again", err}
}

// refusedWatch tells of a type that hfhook does not know, where the Hub refuses
// and nothing else is known to help.
func refusedWatch(err error, watched []hub.Watched) error {
	e, ok := errors.AsType[*hub.Error](err)
	if !ok || e.Hint != "" || e.Status/100 != 4 {
		return err
	}
	i := slices.IndexFunc(watched, func(w hub.Watched) bool { return !slices.Contains(knownTypes, w.Type) })
	if i < 0 {
		return err
	}
	return &problem{exitHub, fmt.Sprintf("hfhook knows no type %q: model, dataset, space, bucket, kernel, user and org can be watched", watched[i].Type), err}
}

func changeWebhook(c *cli.Context, id, url string) error {
	watched, err := watchedOf(c)
	if err != nil {
		return err
	}
	url, job, err := targetOf(c, url)
	if err != nil {
		return err
	}
	key, err := chosenSecret(c)
	if err != nil {
		return err
	}
	change := hub.Change{URL: url, JobSourceID: job, Watched: watched, Domains: words[hub.Domain](c, "domain")}
	if url == "" && job == "" && watched == nil && change.Domains == nil && key == nil {
		return usage("nothing is to be changed", "pass --url, --job-id, --watch, --domain or a secret; see hfhook webhooks update --help")
	}
	had := false
	rule := secretRule(c, key)
	change.Secret = func(shown *hub.Webhook) (*hub.Secret, error) {
		had = shown.HasSecret
		return rule(shown)
	}
	return withWebhooks(c, func(w *webhooks) error {
		w.showNew(key)
		h, err := w.Update(c.Context, id, change)
		switch {
		case errors.Is(err, hub.ErrSecretUnknown):
			return &problem{exitUsage, "say what becomes of it: --kept-secret is the one of hfhook dev, --secret-file FILE, --secret-env NAME and --ask-secret give one, " +
				"--new-secret makes one, --no-secret takes it away, --leave-secret lets the Hub decide", err}
		case errors.Is(err, hub.ErrJobUnknown):
			return &problem{exitUsage, "name its target too: --job-id ID, or --url URL", err}
		case err != nil:
			return refusedWatch(err, watched)
		}
		if c.Bool("leave-secret") && had {
			w.tellLeft(h)
		}
		if c.Bool("json") {
			r := w.record(h)
			if key != nil {
				r.SecretFrom = key.source
			}
			return writeRecord(w.out, r)
		}
		w.say("webhook %s is changed", payload.Printable(h.ID))
		w.showFacts(w.talk, h, "")
		return nil
	})
}

// showNew shows a secret that was made now, before it is sent: should the
// answer get lost, the Hub may have it.
func (w *webhooks) showNew(s *secret) {
	if s != nil && s.source == secretNew {
		w.talk.line("%s %s%s", w.talk.dim(pad("secret", 9)), w.talk.bold(s.value), w.talk.dim("  new; it is shown this once"))
	}
}

// tellLeft says what the Hub made of an update that left out the secret.
func (w *webhooks) tellLeft(h *hub.Webhook) {
	if h.HasSecret {
		w.say("the Hub kept the secret")
		return
	}
	w.warning("the webhook has no secret any more: everybody who knows the URL can post",
		"hfhook webhooks update --kept-secret "+payload.Printable(h.ID)+" gives it the one of hfhook dev")
}
