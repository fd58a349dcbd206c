package main

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/hfhook/hfhook/tunnel"
)

const (
	// quietTime without a delivery is followed by a probe: a tunnel can be
	// dead and not know. A probe a minute would use up ngrok's free plan.
	quietTime = 15 * time.Minute

	// probePause is between probes that fail.
	probePause = time.Second

	// failingPause is between checks while they fail.
	failingPause = 15 * time.Second
)

// watcher follows a tunnel: it reports what happens to it, checks that the
// public URL leads here, and has the tunnel reconnect when it does not. One
// goroutine, run, owns what has no lock.
type watcher struct {
	report reporter
	probe  func(context.Context, *url.URL) error // nil: not wanted
	told   func(public *url.URL, stranger error) // a public URL is announced; with an error, somebody else answers there
	outage func(over bool)                       // deliveries fail for outageTime, or arrive again

	events    chan event
	opened    chan opened               // takes the tunnel, once
	announced chan struct{}             // closed when it is known what the public URL is
	reconnect chan struct{}             // a key asks for it
	hangups   <-chan struct{}           // SIGHUP does
	woke      chan time.Duration        // the computer slept that long
	heard     atomic.Pointer[time.Time] // when a delivery came last

	tunnel  opened        // with a nil Tunnel before there is one
	online  *tunnel.Event // the tunnel is, under a public URL; nil: it is not
	down    time.Time     // since when deliveries fail; zero: they do not
	failing bool          // a check of a URL that was announced did, and none has passed since
	foreign bool          // somebody else answers under the URL that was told
	check   *viewing      // the one under way; nil: none
}

// opened is the tunnel to follow.
type opened struct {
	tunnel.Tunnel
	fixed bool // has no connection that could be made anew
}

// event is one of the tunnel's. What an optional carrier fails to open is told
// when it is passed over.
type event struct {
	tunnel.Event
	optional bool
}

// viewing is one look at whether the public URL leads here.
type viewing struct {
	cancel context.CancelFunc
	result chan error
	online *tunnel.Event // is told once the check is over; nil: is known
	asked  bool          // somebody waits for the outcome
}

func newWatcher(report reporter, told func(public *url.URL, stranger error)) *watcher {
	return &watcher{
		report: report, told: told, outage: func(bool) {},
		events: make(chan event, 64), opened: make(chan opened), announced: make(chan struct{}),
		reconnect: make(chan struct{}, 1), woke: make(chan time.Duration, 1),
	}
}

// notify takes an event of the tunnel without ever blocking it. Of more than
// anybody can follow, the newest are kept.
func (w *watcher) notify(e tunnel.Event, optional bool) {
	for {
		select {
		case w.events <- event{e, optional}:
			return
		default:
		}
		select {
		case <-w.events:
		default:
		}
	}
}

// arrived says that a delivery came.
func (w *watcher) arrived() { w.heard.Store(new(time.Now())) }

// reconnectSoon is for the person at the keyboard.
func (w *watcher) reconnectSoon() {
	select {
	case w.reconnect <- struct{}{}:
	default: // one is under way
	}
}

// slept is for tunnel.WatchSleep.
func (w *watcher) slept(d time.Duration) {
	select {
	case w.woke <- d:
	default:
	}
}

func (w *watcher) run(ctx context.Context) error {
	w.arrived() // the quiet begins now
	quiet := time.NewTimer(quietTime)
	defer quiet.Stop()
	defer w.drop()
	var down time.Time // since when the outage is counted
	var long <-chan time.Time
	for {
		if !w.isAnnounced() {
			w.down = time.Time{} // nothing was to arrive yet
		}
		if down != w.down {
			if down = w.down; down.IsZero() {
				long = nil
				w.outage(true)
			} else if long == nil {
				long = time.After(max(outageTime-time.Since(down), time.Minute)) // it may be over in a moment
			}
		}
		var checked <-chan error
		var again <-chan time.Time
		if w.check != nil {
			checked = w.check.result
		} else if (w.foreign || w.failing) && w.online != nil {
			again = time.After(failingPause)
		}
		select {
		case <-ctx.Done():
			return nil
		case w.tunnel = <-w.opened:
		case e := <-w.events:
			w.event(ctx, e)
		case err := <-checked:
			w.checked(err)
		case <-again:
			w.start(ctx, nil, 1)
		case <-long:
			w.outage(false)
		case <-w.reconnect:
			w.reconnectNow(ctx)
		case <-w.hangups:
			w.reconnectNow(ctx)
		case slept := <-w.woke:
			w.wake(ctx, slept)
		case <-quiet.C:
			left := quietTime - time.Since(*w.heard.Load())
			if left <= 0 {
				left = quietTime
				if w.online != nil && w.check == nil && w.probe != nil {
					w.start(ctx, nil, 2)
				}
			}
			quiet.Reset(left)
		}
	}
}

func (w *watcher) event(ctx context.Context, e event) {
	switch e.State {
	case tunnel.Online:
		if e.URL == nil { // none: nothing is public, and nothing to check
			w.announce()
			return
		}
		w.online = &e.Event
		tries := 2
		if !w.isAnnounced() { // the way through a new tunnel may take a moment
			tries = 3
		}
		w.start(ctx, &e.Event, tries)
		return
	case tunnel.Reconnecting:
		if w.down.IsZero() {
			w.down = e.Time
		}
	case tunnel.Opening:
		if e.optional && e.Err != nil && tunnelCode(e.Err) != "dns" {
			return
		}
	}
	w.online = nil
	w.drop()
	w.report.tunnel(e.Event)
}

// start checks the public URL with a number of tries, in place of the check
// that may be under way.
func (w *watcher) start(ctx context.Context, online *tunnel.Event, tries int) {
	w.drop()
	ctx, cancel := context.WithCancel(ctx)
	c := &viewing{cancel: cancel, result: make(chan error, 1), online: online}
	public := w.online.URL
	w.check = c
	go func() { c.result <- look(ctx, w.probe, public, tries) }()
}

// look tries a probe, which may be nil, until one passes.
func look(ctx context.Context, probe func(context.Context, *url.URL) error, public *url.URL, tries int) (err error) {
	if probe == nil {
		return nil
	}
	for n := range tries {
		if n > 0 {
			select {
			case <-time.After(probePause):
			case <-ctx.Done():
				return err
			}
		}
		if err = probe(ctx, public); err == nil {
			return nil
		}
	}
	return err
}

// drop ends the check that is under way, and its outcome with it.
func (w *watcher) drop() {
	if w.check != nil {
		w.check.cancel()
		<-w.check.result
		w.check = nil
	}
}

// checked is called with the outcome of a check.
func (w *watcher) checked(err error) {
	c := w.check
	c.cancel()
	w.check = nil
	e, _ := errors.AsType[*tunnel.ProbeError](err)
	foreign := e != nil && e.Class == tunnel.ProbeForeign
	news := foreign != w.foreign && (foreign || err == nil) // of a URL that is known
	if err != nil && (news || c.online != nil || c.asked || !w.foreign && !w.failing) {
		hint := ""
		if e != nil {
			hint = e.Hint
		}
		w.report.warning(err.Error(), hint)
	}
	if c.online != nil {
		w.report.tunnel(*c.online)
	}
	if news || c.online != nil {
		w.foreign = foreign
		var stranger error
		if foreign {
			stranger = err
		}
		w.told(w.online.URL, stranger)
	}
	switch {
	case err == nil:
		if w.isAnnounced() && !w.down.IsZero() {
			w.report.gap(w.down, time.Now())
		} else if c.asked {
			w.report.note(w.online.URL.String() + " leads here")
		}
		w.down, w.failing = time.Time{}, false
	case w.isAnnounced() && !w.failing:
		// Only one kick: what the provider itself refuses, no reconnecting mends.
		w.failing = true
		if w.down.IsZero() {
			w.down = time.Now()
		}
		w.tunnel.Kick()
	}
	w.announce()
}

func (w *watcher) announce() {
	if !w.isAnnounced() {
		close(w.announced)
	}
}

func (w *watcher) isAnnounced() bool {
	select {
	case <-w.announced:
		return true
	default:
		return false
	}
}

// reconnectNow is what a person asked for. Where there is nothing to
// reconnect, the URL is checked.
func (w *watcher) reconnectNow(ctx context.Context) {
	switch {
	case w.tunnel.Tunnel == nil:
	case !w.tunnel.fixed:
		w.report.note("reconnecting the tunnel")
		w.tunnel.Kick()
	case w.tunnel.URL() == nil || w.check != nil:
	case w.probe == nil:
		w.report.note("there is no connection to make anew, and with --no-probe " + w.tunnel.URL().String() + " is not checked")
	default:
		w.report.note("checking " + w.tunnel.URL().String())
		w.start(ctx, nil, 2)
		w.check.asked = true
	}
}

// wake is called after the computer slept: a connection that did not survive
// it would go on looking like one.
func (w *watcher) wake(ctx context.Context, slept time.Duration) {
	if w.tunnel.Tunnel == nil || w.tunnel.URL() == nil {
		return
	}
	if w.tunnel.fixed && w.probe == nil { // nothing to check or to make anew
		return
	}
	w.report.note("the computer slept " + slept.Round(time.Second).String() + "; checking the tunnel")
	if w.down.IsZero() {
		w.down = time.Now().Add(-slept)
	}
	if w.online == nil || w.probe == nil {
		w.tunnel.Kick() // ends a pause, too
		return
	}
	var online *tunnel.Event
	if w.check != nil {
		online = w.check.online // is still to be told
	}
	w.start(ctx, online, 2)
}
