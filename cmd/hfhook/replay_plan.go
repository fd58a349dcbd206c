package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// plannedRecord is a delivery that would be sent, in --json.
type plannedRecord struct {
	recordHead
	Delivery  int64    `json:"delivery"`
	WebhookID string   `json:"webhookId,omitempty"`
	Targets   []string `json:"targets"` // none: it would not be sent
	Reason    string   `json:"reason,omitempty"`
	Summary   string   `json:"summary,omitempty"`
	Size      int64    `json:"size"`             // of what is kept
	Edited    bool     `json:"edited,omitempty"` // something else would be sent
}

// plan prints what would be sent where. The error is the one that sending would
// have for want of a target, or for an edit that cannot be made. No editor is
// opened.
func (r *replayRun) plan() error {
	c, out := r.c, r.out
	r.edits.edit = false
	var left leftOut
	n := 0
	for d, err := range r.choice.deliveries(c.Context) {
		if err != nil {
			return err
		}
		var names []string
		all, sent, why := r.prepare(d)
		for _, t := range all {
			names = append(names, t.Name())
		}
		if why != nil {
			left.add(d, why)
		} else {
			n++
		}
		if err := showPlanned(c, out, d, names, sent != nil, why); err != nil {
			return err
		}
		if out.trouble.err != nil {
			return out.trouble.err
		}
	}
	if n+left.n == 0 {
		text, err := r.choice.nothing(c.Context)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.ErrWriter, text)
		return nil
	}
	fmt.Fprintf(c.App.ErrWriter, "%s would be sent; nothing was\n", deliveriesText(n))
	return left.err()
}

func showPlanned(c *cli.Context, s *screen, d *replay.Delivery, targets []string, edited bool, why error) error {
	if c.Bool("json") {
		r := plannedRecord{
			recordHead: head("planned", time.Now()),
			Delivery:   d.ID, WebhookID: d.WebhookID, Targets: append([]string{}, targets...), Summary: d.Summary, Size: d.BodySize, Edited: edited,
		}
		if why != nil {
			r.Reason = why.Error()
		}
		return writeRecord(s, r)
	}
	id, when := pad(fmt.Sprint(d.ID), idWidth), d.Received().Local().Format(whenLayout(s))+"  "
	where, paint := payload.Printable(strings.Join(targets, ", ")), s.good
	switch {
	case why != nil:
		where, paint = "nowhere", s.bad
	case edited:
		where += ", edited"
	}
	before := columns(id + when + where + "  ")
	s.line("%s%s%s  %s", s.key(id), s.dim(when), paint(where), s.cut(headline(d), before))
	return nil
}

func deliveriesText(n int) string {
	return fmt.Sprintf("%d %s", n, plural(n, "delivery", "deliveries"))
}
