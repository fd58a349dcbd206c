package main

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	cmdtarget "github.com/hfhook/hfhook/replay/command"
)

// maxRefused is how many connections a target may refuse in a row, before
// nobody is taken to listen there.
const maxRefused = 10

// ballastSize is how much is counted as heap that is none, as it is never
// touched: what little is held of many deliveries would else be looked through
// hundreds of times a second.
const ballastSize = 12 << 20

// replayRun is one hfhook replay: outgoing says what is sent, enough whether it
// is, came is told what became of it, and end says so.
type replayRun struct {
	c       *cli.Context
	choice  *choice
	targets *targetSet
	edits   *edits
	compare *comparison
	many    bool
	out     *screen
	talk    *screen
	table   answerTable
	bar     *progress
	ballast []byte // see ballastSize

	// Of outgoing, which runs beside came.
	left leftOut
	rest rest

	// Of output, which a command calls while it runs.
	only   *replay.Delivery // the one that is sent; nil with many
	headed bool             // its headline is there

	// Of came.
	tally   *summary
	trouble error

	// Of enough.
	refused map[string]int // in a row, by target
	stopped error          // why it was, before all were sent
	muted   atomic.Bool    // nobody can be told what comes back
}

func newReplayRun(c *cli.Context, choice *choice, targets *targetSet, edits *edits, compare *comparison, many bool) *replayRun {
	r := &replayRun{
		c: c, choice: choice, targets: targets, edits: edits, compare: compare, many: many,
		out:  newScreen(c.App.Writer, c.Bool("no-color")),
		talk: newScreen(c.App.ErrWriter, c.Bool("no-color")),
		bar:  newProgress(c.App.ErrWriter), tally: newSummary(), refused: map[string]int{},
	}
	r.table = answerTable{out: r.out, talk: r.talk}
	targets.output = r.output
	return r
}

// begin says what is to come.
func (r *replayRun) begin() {
	if r.many {
		r.ballast = make([]byte, ballastSize)
	}
	if !r.many || r.c.Bool("json") {
		return
	}
	if r.edits.any() {
		r.talk.line("%s %s", r.talk.dim(pad("edited", 8)), r.talk.cut(payload.Printable(r.edits.text()), 9))
	}
	r.table.header("ID")
}

// countTotal tells the bar how many there will be.
func (r *replayRun) countTotal() error {
	if !r.many || !r.bar.shows() {
		return nil
	}
	n, err := r.choice.count(r.c.Context, 0)
	r.bar.expect(n)
	return err
}

// outgoing gives what is to be sent: each delivery to each of its targets.
func (r *replayRun) outgoing() iter.Seq2[replay.Outgoing, error] {
	return func(yield func(replay.Outgoing, error) bool) {
		for d, err := range r.choice.deliveries(r.c.Context) {
			if err != nil {
				yield(replay.Outgoing{}, err)
				return
			}
			r.rest.given = d.ID
			targets, sent, err := r.prepare(d)
			if err != nil {
				r.left.add(d, err)
				r.bar.expect(-1)
				continue
			}
			r.bar.expect(len(targets) - 1)
			for _, t := range targets {
				if !yield(replay.Outgoing{Delivery: d, Target: t, Sent: sent}, nil) {
					return
				}
			}
		}
		r.rest.all = true
	}
}

// prepare says where d is to be sent, and what in place of it.
func (r *replayRun) prepare(d *replay.Delivery) (targets []target, sent *replay.Sent, err error) {
	targets, err = r.targets.of(d)
	if err == nil {
		sent, err = r.edits.apply(d)
	}
	if err == nil {
		targets, err = r.compare.with(d, targets)
	}
	if !r.many {
		r.only = d
	}
	return targets, sent, err
}

// output shows a line of a command that runs.
func (r *replayRun) output(l cmdtarget.Line) {
	r.bar.above(func() {
		switch {
		case r.c.Bool("json"):
			_ = writeRecord(r.out, recordOutput(l)) // the screen knows
			return
		case r.only != nil && !r.headed:
			replayHead(r.out, r.only)
			r.headed = true
		}
		outputLine(r.out, l)
	})
}

// came notes an attempt that came back, and shows it.
func (r *replayRun) came(o replay.Outcome) {
	if o.Attempt == nil {
		r.rest.unsent = append(r.rest.unsent, o.Delivery.ID)
		return
	}
	a := o.Attempt
	r.rest.sent = max(r.rest.sent, o.Delivery.ID)
	r.tally.add(a)
	r.bar.step(!a.OK())
	r.bar.above(func() {
		r.show(o, a)
		r.showCompared(o.Delivery, a)
	})
	if r.trouble != nil || r.out.trouble.err != nil {
		r.muted.Store(true)
	}
}

// enough tells whether no more is to be sent after a.
func (r *replayRun) enough(a *replay.Attempt) bool {
	if a.Failure == replay.FailRefused || a.Failure == replay.FailDNS {
		r.refused[a.Target]++
	} else {
		r.refused[a.Target] = 0
	}
	switch n := r.refused[a.Target]; {
	case r.stopped != nil || r.muted.Load() || r.c.Context.Err() != nil:
		return true
	case !a.OK() && r.c.Bool("stop-on-failure"):
		r.stopped = fmt.Errorf("stopped at the first failure, delivery %d", a.DeliveryID)
	case n >= maxRefused && !r.c.Bool("keep-going"):
		r.stopped = fmt.Errorf("stopped: %s takes no connections, %d were refused in a row; is the handler running?", a.Target, n)
	}
	return r.stopped != nil
}

// show prints what came back: a record, a line, or for one delivery all of it.
func (r *replayRun) show(o replay.Outcome, a *replay.Attempt) {
	d := o.Delivery
	switch {
	case r.c.Bool("json"):
		if err := writeRecord(r.out, recordAttempt(a)); err != nil && r.trouble == nil {
			r.trouble = err
		}
	case !r.many && r.headed:
		attemptHead(r.out, a)
		r.headed = false
	case !r.many:
		replayBlock(r.out, d, a)
		if o.Sent != nil {
			field{name: "edited", text: []string{payload.Printable(r.edits.text())}}.print(r.out)
		}
	default:
		r.table.add(fmt.Sprint(d.ID), headline(d), a)
	}
}

// showCompared prints what a differs in from another answer.
func (r *replayRun) showCompared(d *replay.Delivery, a *replay.Attempt) {
	if r.compare.kind == withNothing {
		return
	}
	for _, one := range r.compare.note(d, a) {
		if !r.c.Bool("json") {
			r.compare.show(r.out, one, r.many)
		} else if err := writeRecord(r.out, r.compare.record(one)); err != nil && r.trouble == nil {
			r.trouble = err
		}
	}
}

func replayHead(s *screen, d *replay.Delivery) {
	s.line("%s  %s", s.key(fmt.Sprintf("#%d", d.ID)), s.bold(s.cut(headline(d), 12)))
}

func replayBlock(s *screen, d *replay.Delivery, a *replay.Attempt) {
	replayHead(s, d)
	attemptLine(s, a)
	showSaid(s, a)
}

// end says how it went. err is what SendBatch returned.
func (r *replayRun) end(err error) error {
	r.bar.end()
	r.ballast = nil
	notSent := r.left.n + len(r.rest.unsent)
	interrupted := r.c.Context.Err() != nil
	if r.c.Bool("json") {
		if err := writeRecord(r.out, r.tally.record(notSent)); err != nil && r.trouble == nil {
			r.trouble = err
		}
	} else if r.many {
		r.tally.print(r.talk)
		r.compare.print(r.talk)
	}
	switch {
	case r.out.trouble.err != nil:
		return r.out.trouble.err
	case r.trouble != nil:
		return r.trouble
	case interrupted && !r.many:
		return failed(fmt.Errorf("interrupted in delivery %d", r.rest.given), "")
	case interrupted: // not done, and no success for a script
		cut := r.tally.byStatus[string(replay.FailCancelled)]
		return failed(fmt.Errorf("interrupted: %d were sent, %d cut short", r.tally.sent-cut, cut), r.hint())
	case err != nil:
		return err
	case r.tally.sent+r.left.n == 0:
		text, err := r.choice.nothing(r.c.Context)
		if err == nil {
			r.talk.line("%s", text)
		}
		return err
	}
	return r.verdict()
}

// verdict is the error for what did not go well.
func (r *replayRun) verdict() error {
	var err error
	t := r.tally
	differs := r.compare.result()
	if r.compare.update && differs == nil {
		r.talk.line("%s has %d expected answers now", payload.Printable(r.compare.file), r.compare.golden.Len())
	}
	switch {
	case r.stopped == nil && r.compare.judges(): // what is expected is no failure
	case r.stopped != nil && t.outside > 0:
		err = &problem{exitAnswer, r.hint(), r.stopped}
	case r.stopped != nil:
		err = failed(r.stopped, r.hint())
	case t.outside > 0 && len(r.targets.commands) > 0:
		err = &problem{exitAnswer, r.hint(), fmt.Errorf("%d of %d runs did not end with exit code 0", t.failed(), t.sent)}
	case t.outside > 0:
		err = &problem{exitAnswer, r.hint(), fmt.Errorf("%d of %d answers are outside 2xx", t.failed(), t.sent)}
	case t.unanswered > 0 && len(r.targets.commands) > 0:
		err = failed(fmt.Errorf("%d of %d runs did not end by themselves", t.unanswered, t.sent), r.hint())
	case t.unanswered > 0:
		err = failed(fmt.Errorf("%d of %d deliveries got no answer", t.unanswered, t.sent), cmp.Or(r.hint(), "is the handler running?"))
	}
	return errors.Join(differs, err, r.left.err())
}

// hint says how to go on.
func (r *replayRun) hint() string {
	var hints []string
	if words := r.rest.words(r.choice); len(words) > 0 && (r.stopped != nil || r.c.Context.Err() != nil) {
		hints = append(hints, "the same flags with "+strings.Join(words, " ")+" send the rest")
	}
	if r.many && r.tally.failed() > 0 {
		hints = append(hints, "hfhook replay --failed sends again what failed")
	}
	return strings.Join(hints, "; ")
}
