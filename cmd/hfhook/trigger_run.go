package main

import (
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	cmdtarget "github.com/hfhook/hfhook/replay/command"
)

// triggeredRecord is a delivery that was made up and sent.
type triggeredRecord struct {
	recordHead
	N          int64            `json:"n"` // counted from 1
	Event      string           `json:"event"`
	Scenario   string           `json:"scenario,omitempty"`
	Retry      bool             `json:"retry,omitempty"` // of an earlier step of the scenario
	Seed       uint64           `json:"seed"`
	WebhookID  string           `json:"webhookId"`
	RepoType   payload.RepoType `json:"repoType,omitempty"`
	Repo       string           `json:"repo,omitempty"`
	Summary    string           `json:"summary,omitempty"`
	Size       int64            `json:"size"`
	Target     string           `json:"target"`
	OK         bool             `json:"ok"`
	Status     int              `json:"status,omitempty"`
	Exit       *int             `json:"exit,omitempty"`
	DurationMS float64          `json:"durationMs"`
	Text       *string          `json:"text,omitempty"` // the answer's body when it is text
	Body       []byte           `json:"body,omitempty"` // in base64 when it is not
	BodyCut    bool             `json:"bodyCut,omitempty"`
	Failure    replay.Failure   `json:"failure,omitempty"`
	Error      string           `json:"error,omitempty"`
}

// triggerRun sends a course: outgoing says what is sent, enough whether it is,
// came is told what became of it, and end says so.
type triggerRun struct {
	c         *cli.Context
	course    *course
	to        destination
	total     int
	out, talk *screen
	table     answerTable
	bar       *progress

	made sync.Map // *made by its number, of what is under way

	headed bool // the headline of the only one is there: a command printed something

	// Of came.
	tally   *summary
	trouble error

	// Of enough.
	refused int // in a row
	stopped error
	muted   atomic.Bool // nobody can be told what comes back
}

func newTriggerRun(c *cli.Context, course *course, to destination) *triggerRun {
	r := &triggerRun{
		c: c, course: course, to: to, total: course.total(),
		out:  newScreen(c.App.Writer, c.Bool("no-color")),
		talk: newScreen(c.App.ErrWriter, c.Bool("no-color")),
		bar:  newProgress(c.App.ErrWriter), tally: newSummary(),
	}
	r.table = answerTable{out: r.out, talk: r.talk}
	r.bar.expect(r.total)
	if c.Bool("json") {
		return r
	}
	text := fmt.Sprintf("to %s, seed %d", payload.Printable(to.target.Name()), course.seed)
	if to.local {
		text += "; no public URL leads to hfhook dev"
	}
	r.talk.line("%s", r.talk.dim(text))
	if r.total > 1 {
		r.table.header("N")
	}
	return r
}

// outgoing makes what is sent.
func (r *triggerRun) outgoing() iter.Seq2[replay.Outgoing, error] {
	return func(yield func(replay.Outgoing, error) bool) {
		due := time.Now()
		for m, err := range r.course.all() {
			if err != nil {
				yield(replay.Outgoing{}, err)
				return
			}
			due = due.Add(m.delay)
			r.made.Store(m.n, m)
			if !yield(replay.Outgoing{Delivery: r.course.delivery(m, due), Target: r.to.target}, nil) {
				return
			}
		}
	}
}

// enough tells whether no more is to be sent after a.
func (r *triggerRun) enough(a *replay.Attempt) bool {
	if a.Failure == replay.FailRefused || a.Failure == replay.FailDNS {
		r.refused++
	} else {
		r.refused = 0
	}
	if r.stopped == nil && r.refused >= maxRefused && !r.c.Bool("keep-going") {
		r.stopped = fmt.Errorf("stopped: %s takes no connections, %d were refused in a row", a.Target, r.refused)
	}
	return r.stopped != nil || r.muted.Load()
}

// came notes an attempt that came back, and shows it.
func (r *triggerRun) came(o replay.Outcome) {
	v, _ := r.made.LoadAndDelete(o.Delivery.ID)
	if o.Attempt == nil {
		return
	}
	r.tally.add(o.Attempt)
	r.bar.step(!o.Attempt.OK())
	r.bar.above(func() { r.show(v.(*made), o.Delivery, o.Attempt) })
	if r.trouble != nil || r.out.trouble.err != nil {
		r.muted.Store(true)
	}
}

// output shows a line of a command that runs.
func (r *triggerRun) output(l cmdtarget.Line) {
	r.bar.above(func() {
		if r.c.Bool("json") {
			_ = writeRecord(r.out, recordOutput(l)) // the screen knows
			return
		}
		if v, ok := r.made.Load(l.DeliveryID); ok && r.total == 1 && !r.headed {
			m := v.(*made)
			r.head(m, r.course.delivery(m, time.Now()))
			r.headed = true
		}
		outputLine(r.out, l)
	})
}

func (r *triggerRun) head(m *made, d *replay.Delivery) {
	r.out.line("%s  %s", r.out.key(m.event), r.out.bold(r.out.cut(headline(d), columns(m.event)+2)))
}

// show prints what came back: a record, a line, or for one delivery all of it.
func (r *triggerRun) show(m *made, d *replay.Delivery, a *replay.Attempt) {
	switch {
	case r.c.Bool("json"):
		if err := writeRecord(r.out, r.record(m, d, a)); err != nil && r.trouble == nil {
			r.trouble = err
		}
	case r.headed:
		answerHead(r.out, "", a)
	case r.total == 1:
		r.head(m, d)
		answerLines(r.out, "", a)
		showSaid(r.out, a)
	case m.retry:
		r.table.add(fmt.Sprint(m.n), m.event+", a retry  "+headline(d), a)
	default:
		r.table.add(fmt.Sprint(m.n), m.event+"  "+headline(d), a)
	}
}

func (r *triggerRun) record(m *made, d *replay.Delivery, a *replay.Attempt) triggeredRecord {
	answer := recordAttempt(a)
	return triggeredRecord{
		recordHead: head("triggered", a.Started.Add(a.Duration)),
		N:          m.n, Event: m.event, Scenario: m.scenario, Retry: m.retry, Seed: r.course.seed, WebhookID: m.webhookID,
		RepoType: d.RepoType, Repo: d.Repo, Summary: d.Summary, Size: d.BodySize,
		Target: a.Target, OK: answer.OK, Status: answer.Status, Exit: answer.Exit, DurationMS: answer.DurationMS,
		Text: answer.Text, Body: answer.Body, BodyCut: answer.BodyCut, Failure: answer.Failure, Error: answer.Error,
	}
}

// end says how it went. err is what SendBatch returned.
func (r *triggerRun) end(err error) error {
	r.bar.end()
	if r.c.Bool("json") {
		if err := writeRecord(r.out, r.tally.record(r.total-r.tally.sent)); err != nil && r.trouble == nil {
			r.trouble = err
		}
	} else if r.total > 1 {
		r.tally.print(r.talk)
	}
	t := r.tally
	switch {
	case r.out.trouble.err != nil:
		return r.out.trouble.err
	case r.trouble != nil:
		return r.trouble
	case r.c.Context.Err() != nil: // not done, and no success for a script
		return failed(fmt.Errorf("interrupted: %d of %d were sent", t.sent-t.byStatus[string(replay.FailCancelled)], r.total), "")
	case err != nil:
		return err
	case r.stopped != nil && t.outside == 0:
		return failed(r.stopped, r.silence())
	case t.outside > 0 && r.to.command:
		return &problem{exitAnswer, "", fmt.Errorf("%d of %d runs did not end with exit code 0", t.failed(), t.sent)}
	case t.unanswered > 0 && r.to.command:
		return failed(fmt.Errorf("%d of %d runs did not end by themselves", t.unanswered, t.sent), "")
	case t.outside > 0:
		return &problem{exitAnswer, r.refusal(), errors.Join(fmt.Errorf("%d of %d answers are outside 2xx", t.failed(), t.sent), r.stopped)}
	case t.unanswered > 0:
		return failed(fmt.Errorf("%d of %d deliveries got no answer", t.unanswered, t.sent), r.silence())
	}
	return nil
}

// silence says what to do about a target that does not answer.
func (r *triggerRun) silence() string {
	if r.to.dev {
		return "hfhook doctor finds out what is in the way; --local leaves the tunnel out"
	}
	return "is the handler running?"
}

// refusal says what to do about answers outside 2xx, where that is known.
func (r *triggerRun) refusal() string {
	if r.to.dev && r.tally.byStatus["401"]+r.tally.byStatus["403"] > 0 {
		return "the running hfhook dev has another secret: pass it in WEBHOOK_SECRET"
	}
	return ""
}
