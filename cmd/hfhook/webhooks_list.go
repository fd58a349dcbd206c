package main

import (
	"cmp"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/payload"
)

func webhooksListCommand() *cli.Command {
	return command(&cli.Command{
		Name:   "list",
		Usage:  "list all of them",
		Flags:  hubFlags(),
		Action: listWebhooks,
	}, 0)
}

func webhooksShowCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "show",
		Usage:     "show everything about one",
		UsageText: "hfhook webhooks show [flags] ID...",
		Description: "A secret is not shown, and the Hub does not tell it either. Values of a Job's variables\n" +
			"are left out, because they may be secrets.",
		Flags:  hubFlags(),
		Action: showWebhooks,
	}, -1)
}

func listWebhooks(c *cli.Context) error {
	return withWebhooks(c, func(w *webhooks) error {
		all, err := w.List(c.Context)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			for _, h := range all {
				if err := writeRecord(w.out, w.record(h)); err != nil {
					return err
				}
			}
			return nil
		}
		if len(all) == 0 {
			w.say("there are no webhooks; hfhook webhooks create makes one")
			return nil
		}
		webhookTable(w.out, all)
		return nil
	})
}

const (
	stateWidth = len("suspended")
	wideTable  = 110 // columns of a terminal that has room for the time of the last trigger
	minTarget  = 16
)

func webhookTable(s *screen, all []*hub.Webhook) {
	idWidth, targetWidth := len("ID"), len("TARGET")
	for _, h := range all {
		idWidth = max(idWidth, columns(payload.Printable(h.ID)))
		targetWidth = max(targetWidth, columns(h.Target()))
	}
	row := func(id, state, last, target, watches string, key, stateKey paint) {
		state = s.cut(state, s.width-stateWidth)
		id, state, last = pad(id, idWidth+2), pad(state, stateWidth+2), pad(last, len(minuteLayout)+2)
		if s.width > 0 && s.width < wideTable {
			last = ""
		}
		used, room := columns(id+state+last), targetWidth
		if s.width > 0 {
			room = min(targetWidth, max((s.width-used)/2, minTarget))
		}
		target = pad(s.cut(target, s.width-room), room+2)
		s.line("%s%s%s%s", key(id), stateKey(state), s.dim(last), s.cut(target+watches, used))
	}
	row("ID", "STATE", "LAST", "TARGET", "WATCHES", s.dim, s.dim)
	for _, h := range all {
		state, _, _ := strings.Cut(string(h.State), "-") // suspended-after-failure
		last := "-"
		if !h.LastTriggerAt.IsZero() {
			last = h.LastTriggerAt.Local().Format(minuteLayout)
		}
		row(payload.Printable(h.ID), state, last, h.Target(), strings.Join(watchedText(h), " "), s.key, statePaint(s, h))
	}
}

const minuteLayout = "2006-01-02 15:04"

// statePaint is the colour of a webhook's state.
func statePaint(s *screen, h *hub.Webhook) paint {
	switch h.State {
	case hub.Enabled:
		return s.good
	case hub.Disabled:
		return s.warn
	}
	return s.bad
}

func showWebhooks(c *cli.Context) error {
	ids, err := webhookIDs(c)
	if err != nil {
		return err
	}
	kept, err := keptLedgers(c)
	if err != nil {
		return err
	}
	return withWebhooks(c, func(w *webhooks) error {
		for i, id := range ids {
			h, err := w.Get(c.Context, id)
			switch {
			case err != nil:
				return err
			case c.Bool("json"):
				err := writeRecord(w.out, w.record(h))
				if l := kept[h.ID]; l != nil {
					err = cmp.Or(err, writeRecord(w.out, recordLedger(h.ID, l, time.Now())))
				}
				if err != nil {
					return err
				}
				continue
			case i > 0:
				w.out.line("")
			}
			w.out.line("%s %s", w.out.dim(pad("id", 9)), w.out.key(payload.Printable(h.ID)))
			w.showFacts(w.out, h, "")
			if l := kept[h.ID]; l != nil {
				l.show(w.out)
			}
		}
		return nil
	})
}
