package main

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/edit"
	"github.com/hfhook/hfhook/payload/sample"
	"github.com/hfhook/hfhook/replay"
)

// course is all that one hfhook trigger makes, in order.
type course struct {
	parts []part
	count int
	seed  uint64
	repo  string
	edits edit.Edits

	webhookID string  // of each; empty: a new one
	speed     float64 // of scenarios; 0: there are none
	path      string  // that deliveries come in at
}

// made is a delivery that was made up.
type made struct {
	n         int64 // counted from 1
	event     string
	scenario  string // that it is a step of; may be empty
	retry     bool   // of an earlier step
	webhookID string
	body      []byte
	delay     time.Duration // after the one before
}

// newCourse reads the arguments and flags.
func newCourse(c *cli.Context) (*course, error) {
	p := &course{count: c.Int("count"), seed: seedOf(c), webhookID: c.String("webhook-id"), path: c.String("path")}
	types, err := typesOf(c)
	if err == nil {
		p.repo, err = repoOf(c)
	}
	if err == nil {
		p.parts, err = chooseParts(c, types)
	}
	switch {
	case err != nil:
		return nil, err
	case p.count < 1:
		return nil, usage(fmt.Sprintf("--count is %d", p.count), "it is 1 or more")
	case strings.TrimSpace(p.webhookID) != p.webhookID, payload.Printable(p.webhookID) != p.webhookID:
		return nil, usage(fmt.Sprintf("--webhook-id %q cannot be sent in a header", p.webhookID), "choose one of letters, digits and punctuation")
	}
	if p.parts[0].scenario {
		if p.speed, err = parseSpeed(c.String("speed")); err != nil {
			return nil, usage("--speed "+err.Error(), "write 1x, 10x or 0.5x")
		}
	}
	one, several, err := bodyEditsOf(c)
	if err != nil {
		return nil, err
	}
	if p.edits = one; len(p.parts) > 1 || p.parts[0].scenario {
		p.edits = several
	}
	// What cannot be made is known before anything is sent.
	for _, err := range p.all() {
		return p, err
	}
	return p, nil
}

// total counts the deliveries.
func (p *course) total() (n int) {
	for _, part := range p.parts {
		if !part.scenario {
			n++
			continue
		}
		steps, _ := sample.Scenario(part.name, sample.Options{Type: part.kind})
		n += len(steps)
	}
	return n * p.count
}

// all makes the deliveries, one at a time. The same course makes the same.
func (p *course) all() iter.Seq2[*made, error] {
	return func(yield func(*made, error) bool) {
		g, n := sample.NewGenerator(sample.Options{Repo: p.repo, Seed: p.seed}), int64(0)
		next := func(m *made) bool {
			n++
			m.n = n
			if p.webhookID != "" {
				m.webhookID = p.webhookID
			}
			var err error
			if len(p.edits) > 0 {
				m.body, err = p.edits.Apply(m.body)
			}
			return yield(m, editProblem(m.event+": ", err)) && err == nil
		}
		for range p.count {
			for _, part := range p.parts {
				if !p.make(g, part, next) {
					return
				}
			}
		}
	}
}

// make makes one part.
func (p *course) make(g *sample.Generator, part part, next func(*made) bool) bool {
	if !part.scenario {
		body, err := g.NextOf(part.name, part.kind)
		if err != nil {
			panic(err) // it was found before
		}
		return next(&made{event: part.name, webhookID: g.WebhookID(), body: body})
	}
	steps, err := g.ScenarioOf(part.name, part.kind)
	if err != nil {
		panic(err)
	}
	for _, s := range steps {
		if !next(&made{event: s.Event, scenario: part.name, retry: s.Retry, webhookID: s.WebhookID, body: s.Body, delay: s.Delay}) {
			return false
		}
	}
	return true
}

// print writes the bodies: one as it is, several on lines of their own.
func (p *course) print(c *cli.Context) error {
	out, several := newScreen(c.App.Writer, c.Bool("no-color")), p.total() > 1
	for m, err := range p.all() {
		if err != nil {
			return err
		}
		text := string(m.body)
		if out.terminal {
			text = payload.PrintableLines(text)
		}
		if several || out.terminal {
			text += "\n"
		}
		if _, err := io.WriteString(out, text); err != nil {
			return out.trouble.err
		}
		if c.Context.Err() != nil {
			return failed(fmt.Errorf("interrupted after %d", m.n), "")
		}
	}
	return nil
}

// delivery is m as the Hub would send it, as far as is known.
func (p *course) delivery(m *made, at time.Time) *replay.Delivery {
	d := &replay.Delivery{
		ID: m.n, WebhookID: m.webhookID, Method: http.MethodPost, Path: p.path,
		Header: http.Header{
			"Content-Type":         {"application/json"},
			"User-Agent":           {"hfhook/" + version},
			replay.HeaderWebhookID: {m.webhookID},
			replay.HeaderSecret:    {replay.Redacted}, // a target puts it in
		},
		Body: m.body, BodySize: int64(len(m.body)),
		Verdict: replay.Accepted, Arrivals: []replay.Arrival{{Time: at}},
	}
	if b, err := payload.Decode(m.body); err == nil { // after edits it may be anything
		d.Describe(b)
	}
	return d
}
