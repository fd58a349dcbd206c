package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
)

// A session of hfhook dev in a script has a goal: so many deliveries, or certain
// ones, have arrived and been sent. Then it ends with exit code 0.

func goalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "only", Usage: "show and send on only what these `WORDS` choose, as in 'scope=discussion repo=acme/*'; everything is kept", EnvVars: []string{"HFHOOK_ONLY"}},
		&cli.IntFlag{Name: "exit-after", Usage: "end once `N` deliveries that --only shows have arrived and were sent", DefaultText: "Ctrl-C ends", EnvVars: []string{"HFHOOK_EXIT_AFTER"}},
		&cli.StringSliceFlag{Name: "wait-for", Usage: "end once a delivery that these `WORDS` choose has arrived and was sent; may be repeated, then one for each", EnvVars: []string{"HFHOOK_WAIT_FOR"}},
		&cli.DurationFlag{Name: "timeout", Usage: "end after `TIME`, with exit code 1 when --exit-after or --wait-for still waits", DefaultText: "none"},
		&cli.BoolFlag{Name: "fail-on-handler-error", Usage: "end with exit code 4 when a delivery could not be sent, or was answered outside 2xx", EnvVars: []string{"HFHOOK_FAIL_ON_HANDLER_ERROR"}, DisableDefaultText: true},
	}
}

// goal is what a session waits for, and how far it is. Its fields belong to
// show while that runs.
type goal struct {
	d       *dev
	after   int // deliveries; 0: as many as come
	waits   []*wait
	timeout time.Duration // 0: none
	strict  bool          // a handler's error is one of the session

	reached chan struct{}      // closed when all has arrived and was sent
	counted map[int64]struct{} // those that after counts
	unsent  map[int64]struct{} // those of counted and waits that still have to be sent
	failed  []failure          // one for each delivery, the first maxFailures
	more    bool               // there are more of them
}

// wait is one --wait-for.
type wait struct {
	filter replay.Filter
	words  string
	met    bool // a delivery that it chooses has arrived
}

// failure is an attempt that went wrong.
type failure struct {
	delivery int64
	text     string
}

// maxFailures bounds what is remembered of attempts that went wrong; of
// maxNamed of them a person is told.
const (
	maxFailures = 1000
	maxNamed    = 10
)

// newGoal reads the flags.
func newGoal(d *dev) (*goal, error) {
	c := d.c
	g := &goal{
		d: d, after: c.Int("exit-after"), timeout: c.Duration("timeout"), strict: c.Bool("fail-on-handler-error"),
		reached: make(chan struct{}), counted: map[int64]struct{}{}, unsent: map[int64]struct{}{},
	}
	switch {
	case g.after < 0 || g.after == 0 && typed(c, "exit-after"):
		return nil, usage(fmt.Sprintf("--exit-after %d is no number of deliveries", g.after), "for example --exit-after 1")
	case g.timeout < 0 || g.timeout == 0 && typed(c, "timeout"):
		return nil, usage(fmt.Sprintf("--timeout %s is no time to wait", g.timeout), "for example --timeout 30s")
	}
	for _, words := range c.StringSlice("wait-for") {
		f, err := arrivalFilter(words)
		switch {
		case err != nil:
			return nil, err
		case len(f.Conditions()) == 0:
			return nil, usage("--wait-for has no words", "for example --wait-for scope=discussion; --exit-after 1 waits for any delivery")
		}
		g.waits = append(g.waits, &wait{filter: f, words: f.String()})
	}
	return g, nil
}

// some reports whether the session waits for anything.
func (g *goal) some() bool { return g.after > 0 || len(g.waits) > 0 }

// limit ends the session when its time is over, until stop is called.
func (g *goal) limit(end context.CancelCauseFunc) (stop func() bool) {
	if g.timeout == 0 {
		return func() bool { return false }
	}
	return time.AfterFunc(g.timeout, func() { end(ending(fmt.Sprintf("the %s of --timeout are over", g.timeout))) }).Stop
}

// ending is the cause of a context that ends in order.
type ending string

func (e ending) Error() string { return string(e) }
func (e ending) Unwrap() error { return context.Canceled }

// arrived takes note of a delivery.
func (g *goal) arrived(ctx context.Context, d *replay.Delivery) {
	wanted := false
	if _, known := g.counted[d.ID]; !known && len(g.counted) < g.after && counts(g.d.only, d) {
		g.counted[d.ID] = struct{}{}
		wanted = true
	}
	for _, w := range g.waits {
		if !w.met && counts(&w.filter, d) {
			w.met, wanted = true, true
		}
	}
	if wanted {
		g.unsent[d.ID] = struct{}{}
		g.look(ctx, d.ID)
	}
}

// counts reports whether a delivery is what f asks for. One that was not let in,
// or not understood, is only for a filter that says so.
func counts(f *replay.Filter, d *replay.Delivery) bool {
	if d.Verdict != replay.Accepted && (f == nil || len(f.Verdicts) == 0) {
		return false
	}
	return f == nil || f.Match(d)
}

// attempted takes note of an attempt.
func (g *goal) attempted(ctx context.Context, a *replay.Attempt) {
	if a.Kind == replay.Live && !a.OK() {
		g.fail(a)
	}
	if _, ok := g.unsent[a.DeliveryID]; ok {
		g.look(ctx, a.DeliveryID)
	}
}

func (g *goal) fail(a *replay.Attempt) {
	switch {
	case slices.ContainsFunc(g.failed, func(f failure) bool { return f.delivery == a.DeliveryID }):
	case len(g.failed) == maxFailures:
		g.more = true
	default:
		g.failed = append(g.failed, failure{a.DeliveryID, fmt.Sprintf("#%d %s, %s", a.DeliveryID, outcome(a), g.d.routes.label(a.Target))})
	}
}

// look finds out whether a delivery has been sent everywhere, and whether that
// was the last one.
func (g *goal) look(ctx context.Context, id int64) {
	waits, err := g.waitsFor(ctx, id)
	if err != nil {
		g.d.reporter.warning(fmt.Sprintf("cannot read the store: %s", err), "")
	}
	if err != nil || len(waits) > 0 {
		return
	}
	delete(g.unsent, id)
	if len(g.unsent) > 0 || len(g.missing()) > 0 || g.isReached() {
		return
	}
	close(g.reached)
}

func (g *goal) isReached() bool {
	select {
	case <-g.reached:
		return true
	default:
		return false
	}
}

// waitsFor names the handlers of this session that a delivery still has to be
// sent to.
func (g *goal) waitsFor(ctx context.Context, id int64) (names []string, err error) {
	d, err := g.d.store.Get(ctx, id)
	switch {
	case errors.Is(err, replay.ErrNotFound): // nobody will send it any more
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, target := range g.d.targets {
		if name := target.Name(); slices.Contains(d.Queued, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// missing says what has not arrived.
func (g *goal) missing() (texts []string) {
	if n := len(g.counted); n < g.after {
		texts = append(texts, fmt.Sprintf("%d of %d deliveries arrived", n, g.after))
	}
	for _, w := range g.waits {
		if !w.met {
			texts = append(texts, "nothing arrived that is "+w.words)
		}
	}
	return texts
}

// reason says why the session ends.
func (g *goal) reason(ctx context.Context) string {
	if why := reason(ctx); why != "" || !g.isReached() {
		return why
	}
	return "what was waited for has arrived"
}

// state is for the record of the session's end.
func (g *goal) state() string {
	switch {
	case !g.some():
		return ""
	case g.isReached():
		return "reached"
	}
	return "missed"
}

// verdict adds to the error of the session what its goal has to say, after show
// has ended. ready: the session had begun.
func (g *goal) verdict(ctx context.Context, err error, ready bool) error {
	if err != nil && !ready {
		return err
	}
	_, timedOut := errors.AsType[ending](context.Cause(ctx))
	why := cmp.Or(reason(ctx), "ended")
	ctx = context.WithoutCancel(ctx)
	errs := []error{err}
	if g.strict {
		errs = append(errs, g.handlerErrors(ctx))
	}
	switch {
	case timedOut && !ready:
		errs = append(errs, failed(fmt.Errorf("not ready within %s", g.timeout), "hfhook doctor tells what is in the way"))
	case g.some() && !g.isReached():
		errs = append(errs, g.missed(ctx, why))
	}
	return errors.Join(errs...)
}

// missed says what the session has waited for in vain.
func (g *goal) missed(ctx context.Context, why string) error {
	texts, hint := g.missing(), "hfhook inspect lists what is kept"
	for i, id := range sortedIDs(g.unsent) {
		if i == maxNamed {
			texts = append(texts, fmt.Sprintf("and %d more deliveries wait", len(g.unsent)-i))
			break
		}
		names, _ := g.waitsFor(ctx, id)
		for _, name := range names {
			texts = append(texts, fmt.Sprintf("delivery %d still waits for %s", id, g.d.routes.label(name)))
			hint = "is the handler running?"
		}
	}
	return failed(fmt.Errorf("%s: %s", why, strings.Join(texts, "; ")), hint)
}

// handlerErrors says which deliveries the handlers did not take; nil: they took
// all.
func (g *goal) handlerErrors(ctx context.Context) error {
	texts, hint := []string(nil), "is the handler running?"
	if n := len(g.failed); n > 0 {
		hint = "hfhook inspect ID shows what a handler said"
		var named []string
		for _, f := range g.failed[:min(len(g.failed), maxNamed)] {
			named = append(named, f.text)
		}
		lead := ""
		switch {
		case g.more:
			lead = "more than "
			named = append(named, "and more")
		case n > len(named):
			named = append(named, fmt.Sprintf("and %d more", n-len(named)))
		}
		texts = append(texts, fmt.Sprintf("%s%d %s at a handler: %s", lead, n, plural(n, "delivery failed", "deliveries failed"), strings.Join(named, "; ")))
	}
	for _, target := range g.d.targets {
		var named []string
		for d, err := range g.d.store.List(ctx, replay.Filter{Queued: target.Name(), Limit: maxNamed + 1}) {
			if err != nil {
				return err
			}
			named = append(named, fmt.Sprintf("#%d", d.ID))
		}
		if len(named) > maxNamed {
			named[maxNamed] = "and more"
		}
		if len(named) > 0 {
			texts = append(texts, fmt.Sprintf("not sent to %s: %s", g.d.routes.label(target.Name()), strings.Join(named, ", ")))
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return &problem{exitAnswer, hint, errors.New(strings.Join(texts, "\n"))}
}

// text says to a person what ends the session.
func (g *goal) text() string {
	var texts []string
	if g.after > 0 {
		texts = append(texts, fmt.Sprintf("after %d %s", g.after, plural(g.after, "delivery", "deliveries")))
	}
	for _, w := range g.waits {
		texts = append(texts, "after one that is "+w.words)
	}
	text := strings.Join(texts, " and ")
	if g.timeout > 0 {
		text = strings.TrimPrefix(text+", at the latest after ", ", at the latest ") + g.timeout.String()
	}
	return text
}

// failedIDs are the deliveries whose attempts went wrong.
func (g *goal) failedIDs() (ids []int64) {
	for _, f := range g.failed {
		ids = append(ids, f.delivery)
	}
	return ids
}

func sortedIDs(set map[int64]struct{}) []int64 {
	ids := make([]int64, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
