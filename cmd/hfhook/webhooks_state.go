package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/payload"
)

func webhooksEnableCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "enable",
		Usage:     "have it fire again, also after the Hub suspended it",
		UsageText: "hfhook webhooks enable [flags] ID...",
		Flags:     hubFlags(),
		Action:    func(c *cli.Context) error { return switchWebhooks(c, (*hub.Client).Enable) },
	}, -1)
}

func webhooksDisableCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "disable",
		Usage:     "have it fire no more, until it is enabled",
		UsageText: "hfhook webhooks disable [flags] ID...",
		Flags:     hubFlags(),
		Action:    func(c *cli.Context) error { return switchWebhooks(c, (*hub.Client).Disable) },
	}, -1)
}

func webhooksDeleteCommand() *cli.Command {
	return command(&cli.Command{
		Name:        "delete",
		Usage:       "take it away for good",
		UsageText:   "hfhook webhooks delete [flags] ID...",
		Description: "Shows what is to be deleted and asks, unless --yes is passed.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask", DisableDefaultText: true},
		}, hubFlags()...),
		Action: deleteWebhooks,
	}, -1)
}

// eachWebhook calls f with each id. One that does not exist does not stop the
// others; anything else would most likely stop them too.
func eachWebhook(ids []string, f func(id string) error) error {
	var errs []error
	for _, id := range ids {
		if err := f(id); err != nil {
			errs = append(errs, err)
			if !errors.Is(err, hub.ErrNotFound) {
				break
			}
		}
	}
	return errors.Join(errs...)
}

func switchWebhooks(c *cli.Context, turn func(*hub.Client, context.Context, string) (*hub.Webhook, error)) error {
	ids, err := webhookIDs(c)
	if err != nil {
		return err
	}
	return withWebhooks(c, func(w *webhooks) error {
		return eachWebhook(ids, func(id string) error {
			h, err := turn(w.Client, c.Context, id)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return writeRecord(w.out, w.record(h))
			}
			text, _ := stateInWords(h)
			w.say("webhook %s is %s", payload.Printable(h.ID), text)
			return nil
		})
	})
}

// deletedRecord is a webhook that is no more, in --json.
type deletedRecord struct {
	recordHead
	ID string `json:"id"`
}

func deleteWebhooks(c *cli.Context) error {
	ids, err := webhookIDs(c)
	switch {
	case err != nil:
		return err
	case !c.Bool("yes") && !canAsk(c):
		return usage("there is nobody to ask: this is no terminal", "pass --yes to delete without a question")
	}
	return withWebhooks(c, func(w *webhooks) error {
		if !c.Bool("yes") {
			if err := w.confirmDelete(ids); err != nil {
				return err
			}
		}
		return eachWebhook(ids, func(id string) error {
			if err := w.Delete(c.Context, id); err != nil {
				return err
			}
			if c.Bool("json") {
				return writeRecord(w.out, deletedRecord{head("deleted", time.Now()), id})
			}
			w.say("webhook %s is deleted", payload.Printable(id))
			return nil
		})
	})
}

// confirmDelete shows what is to be deleted, and asks. Only a yes gives no
// error.
func (w *webhooks) confirmDelete(ids []string) error {
	for _, id := range ids {
		h, err := w.Get(w.c.Context, id)
		if err != nil {
			return err
		}
		w.talk.line("%s %s", w.talk.dim(pad("id", 9)), w.talk.key(payload.Printable(h.ID)))
		w.showFacts(w.talk, h, "")
		w.talk.line("")
	}
	yes, err := confirm(w.c, fmt.Sprintf("Delete %s?", plural(len(ids), "this webhook", fmt.Sprintf("these %d webhooks", len(ids)))))
	if err == nil && !yes {
		return failed(errors.New("nothing was deleted"), "")
	}
	return err
}
