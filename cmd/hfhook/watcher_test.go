package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	cmdtarget "github.com/hfhook/hfhook/replay/command"
	"github.com/hfhook/hfhook/tunnel"
)

// notebook is a reporter that writes down what it is told.
type notebook struct {
	mu    sync.Mutex
	lines []string
}

func (n *notebook) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

// read gives the lines since it was last called.
func (n *notebook) read() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.lines
	n.lines = nil
	return lines
}

func (n *notebook) ready(session)                      {}
func (n *notebook) delivery(*replay.Delivery)          {}
func (n *notebook) attempt(*replay.Attempt)            {}
func (n *notebook) output(cmdtarget.Line)              {}
func (n *notebook) hold(replay.Hold)                   {}
func (n *notebook) stopped(tally, string)              {}
func (n *notebook) registration(_, state, _, _ string) { n.add("registration %s", state) }
func (n *notebook) shield([]shieldRecord)              {}
func (n *notebook) note(text string)                   { n.add("note %s", text) }
func (n *notebook) warning(message, _ string)          { n.add("warning %s", message) }
func (n *notebook) skipped(p string, e error)          { n.add("skipped %s %s", p, e) }
func (n *notebook) gap(since, until time.Time) {
	n.add("gap %s", until.Sub(since).Round(time.Second))
}

func (n *notebook) tunnel(e tunnel.Event) {
	text := string(e.State)
	if e.URL != nil {
		text += " " + e.URL.Host
	}
	n.add("%s", text)
}

// fakeTunnel counts kicks.
type fakeTunnel struct {
	tunnel.Tunnel
	mu    sync.Mutex
	kicks int
}

func (f *fakeTunnel) URL() *url.URL { return &url.URL{Scheme: "https", Host: "one"} }

func (f *fakeTunnel) Kick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kicks++
}

func (f *fakeTunnel) kicked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.kicks = 0 }()
	return f.kicks
}

// watched is a watcher in a bubble of fake time, of a tunnel that does what
// the test says.
type watched struct {
	*watcher
	*notebook
	tunnel  fakeTunnel
	mu      sync.Mutex
	outcome error
	probes  int
}

func watch(t *testing.T, change ...func(*watcher)) *watched {
	w := &watched{notebook: new(notebook)}
	w.watcher = newWatcher(w.notebook, func(u *url.URL, stranger error) {
		if stranger != nil {
			w.add("distrusted %s", u.Host)
			return
		}
		w.add("announced %s", u.Host)
	})
	w.watcher.probe = func(ctx context.Context, _ *url.URL) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.probes++
		return w.outcome
	}
	for _, f := range change {
		f(w.watcher)
	}
	run := start(t.Context(), w.watcher.run)
	t.Cleanup(func() { assert.NoError(t, run.end()) })
	return w
}

func (w *watched) leadsHere(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcome, w.probes = err, 0
}

func (w *watched) probed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.probes = 0 }()
	return w.probes
}

func (w *watched) online(host string) {
	w.notify(tunnel.Event{State: tunnel.Online, URL: &url.URL{Scheme: "https", Host: host}, Time: time.Now()}, false)
}

func (w *watched) lost() {
	w.notify(tunnel.Event{State: tunnel.Reconnecting, Err: &tunnel.Error{Code: "lost"}, Time: time.Now()}, false)
}

// opening brings the tunnel up and forgets what was said about it.
func (w *watched) opening(t *testing.T) {
	t.Helper()
	w.open(opened{Tunnel: &w.tunnel})
}

// openingFixed does so with a URL that no tunnel has made.
func (w *watched) openingFixed(t *testing.T) {
	t.Helper()
	w.open(opened{Tunnel: &w.tunnel, fixed: true})
}

func (w *watched) open(o opened) {
	w.online("one")
	w.opened <- o
	<-w.announced
	synctest.Wait()
	w.read()
	w.probed()
}

var elsewhere = &tunnel.ProbeError{Class: tunnel.ProbeStatus, Detail: "it leads elsewhere"}

func TestAURLIsAnnouncedAfterItsProbe(t *testing.T) {
	for name, c := range map[string]struct {
		outcome error
		probes  int
		want    []string
	}{
		"that passed": {nil, 1, []string{"online one", "announced one"}},
		"that failed": {elsewhere, 3, []string{"warning it leads elsewhere", "online one", "announced one"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t)
				w.leadsHere(c.outcome)
				w.online("one")
				w.opened <- opened{Tunnel: &w.tunnel}
				<-w.announced
				synctest.Wait()
				assert.Equal(t, c.want, w.read())
				assert.Equal(t, c.probes, w.probed())
				assert.Zero(t, w.tunnel.kicked(), "it has just been opened")
			})
		})
	}
}

// Where somebody else answers, the Hub must not send the secret.
func TestAStrangerUnderTheURLIsNotTrusted(t *testing.T) {
	stranger := &tunnel.ProbeError{Class: tunnel.ProbeForeign, Detail: "somebody else"}
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.leadsHere(stranger)
		w.online("one")
		w.opened <- opened{Tunnel: &w.tunnel}
		<-w.announced
		synctest.Wait()
		assert.Equal(t, []string{"warning somebody else", "online one", "distrusted one"}, w.read())
		time.Sleep(time.Minute)
		assert.Empty(t, w.read(), "it is told once")
		assert.Positive(t, w.probed(), "and looked at again")
		w.leadsHere(elsewhere)
		time.Sleep(time.Minute)
		assert.Empty(t, w.read(), "no answer at all is no proof")
		w.leadsHere(nil)
		time.Sleep(time.Minute)
		assert.Equal(t, "announced one", w.read()[0])
		assert.Equal(t, 1, w.probed())

		w.lost()
		w.leadsHere(stranger)
		w.online("two")
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"reconnecting", "warning somebody else", "online two", "distrusted two"}, w.read())
		w.leadsHere(nil)
		time.Sleep(time.Minute)
		assert.Equal(t, "announced two", w.read()[0])

		w.leadsHere(stranger)
		w.slept(time.Hour)
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"note the computer slept 1h0m0s; checking the tunnel", "warning somebody else", "distrusted two"}, w.read())
	})
}

func TestAnOutageIsToldUntilTheProbePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.opening(t)
		w.lost()
		time.Sleep(time.Minute)
		w.lost()
		time.Sleep(time.Minute)
		w.leadsHere(elsewhere)
		w.online("two")
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"reconnecting", "reconnecting", "warning it leads elsewhere", "online two", "announced two"}, w.read())
		assert.Equal(t, 1, w.tunnel.kicked(), "two failures in a row")
		w.lost()
		w.online("two")
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"reconnecting", "warning it leads elsewhere", "online two", "announced two"}, w.read())
		assert.Zero(t, w.tunnel.kicked(), "one kick is enough")
		w.leadsHere(nil)
		w.lost()
		w.online("two")
		synctest.Wait()
		assert.Equal(t, []string{"reconnecting", "online two", "announced two", "gap 4m0s"}, w.read())
	})
}

func TestACheckOfATunnelThatBrokeIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.opening(t)
		w.leadsHere(elsewhere) // a second try follows after a pause
		w.online("two")
		w.lost()
		synctest.Wait()
		assert.Equal(t, []string{"reconnecting"}, w.read())
	})
}

func TestWakingProbesAndKicks(t *testing.T) {
	for name, c := range map[string]struct {
		outcome error
		kicks   int
		want    []string
	}{
		"the tunnel survived": {nil, 0, []string{"note the computer slept 41m0s; checking the tunnel", "gap 41m0s"}},
		"it did not":          {elsewhere, 1, []string{"note the computer slept 41m0s; checking the tunnel", "warning it leads elsewhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t)
				w.opening(t)
				w.leadsHere(c.outcome)
				w.slept(41 * time.Minute)
				time.Sleep(2 * probePause)
				assert.Equal(t, c.want, w.read())
				assert.Equal(t, c.kicks, w.tunnel.kicked())
			})
		})
	}
	t.Run("it was down", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t)
			w.opening(t)
			w.lost()
			w.slept(time.Minute)
			synctest.Wait()
			assert.Equal(t, 1, w.tunnel.kicked(), "the pause ends")
			assert.Zero(t, w.probed())
		})
	})
	t.Run("probes are not wanted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t, func(w *watcher) { w.probe = nil })
			w.opening(t)
			w.slept(time.Minute)
			synctest.Wait()
			assert.Equal(t, 1, w.tunnel.kicked())
		})
	})
}

func TestAQuietTunnelIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.opening(t)
		for range 8 {
			time.Sleep(10 * time.Minute)
			w.arrived()
		}
		assert.Zero(t, w.probed(), "it is not quiet")
		time.Sleep(14 * time.Minute)
		assert.Zero(t, w.probed())
		time.Sleep(2 * time.Minute)
		assert.Equal(t, 1, w.probed())
		time.Sleep(15 * time.Minute)
		assert.Equal(t, 1, w.probed())
		assert.Empty(t, w.read(), "nothing to tell")
		w.leadsHere(elsewhere)
		time.Sleep(30 * time.Minute)
		assert.Greater(t, w.probed(), 4, "until it passes")
		assert.Equal(t, 1, w.tunnel.kicked())
		assert.Equal(t, []string{"warning it leads elsewhere"}, w.read(), "it is told once")
	})
}

// Without a public URL there is nothing to probe.
func TestAQuietReceiverWithoutAURLIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, func(w *watcher) {
			probe := w.probe
			w.probe = func(ctx context.Context, u *url.URL) error { return probe(ctx, u.JoinPath("x")) }
		})
		w.notify(tunnel.Event{State: tunnel.Online}, false)
		<-w.announced
		time.Sleep(quietTime + time.Minute)
		assert.Zero(t, w.probed())
		assert.Empty(t, w.read())
	})
}

func TestALongOutageIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := new(notebook)
		w := watch(t, func(w *watcher) { w.outage = func(over bool) { book.add("%v", over) } })
		w.opening(t)
		w.lost()
		time.Sleep(4 * time.Minute)
		w.lost()
		synctest.Wait()
		assert.Empty(t, book.read())
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{"false"}, book.read())
		time.Sleep(time.Hour)
		assert.Empty(t, book.read())
		w.online("one")
		synctest.Wait()
		assert.Equal(t, []string{"true"}, book.read())
		w.lost()
		w.online("one")
		time.Sleep(time.Hour)
		assert.Equal(t, []string{"true"}, book.read(), "a short one is over too: the Hub may have seen it")
		w.slept(time.Hour)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, []string{"true"}, book.read(), "after sleep the tunnel has a minute to come back")
	})
}

// A URL that no tunnel has made cannot be made anew. Only a check can tell that
// what was wrong for a moment is over, and without checks nothing can be wrong.
func TestAFixedURLIsNoOutageForLong(t *testing.T) {
	watchFixed := func(t *testing.T, change func(*watcher)) (*watched, *notebook) {
		book := new(notebook)
		w := watch(t, change, func(w *watcher) { w.outage = func(over bool) { book.add("%v", over) } })
		w.openingFixed(t)
		return w, book
	}
	t.Run("both tries of a check failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, book := watchFixed(t, func(*watcher) {})
			w.leadsHere(elsewhere)
			time.Sleep(quietTime + 5*time.Second)
			w.leadsHere(nil)
			time.Sleep(10 * time.Minute)
			assert.Equal(t, []string{"true"}, book.read())
			assert.Equal(t, []string{"warning it leads elsewhere", "gap 15s"}, w.read())
			assert.Equal(t, 1, w.probed(), "one that passes is enough")
		})
	})
	t.Run("checks are not wanted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, book := watchFixed(t, func(w *watcher) { w.probe = nil })
			w.slept(time.Hour)
			time.Sleep(10 * time.Minute)
			assert.Empty(t, book.read())
			assert.Empty(t, w.read(), "there is nothing to check")
		})
	})
}

func TestAReconnectIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangups := make(chan struct{})
		w := watch(t, func(w *watcher) { w.hangups = hangups })
		w.reconnectSoon()
		synctest.Wait()
		assert.Empty(t, w.read(), "there is nothing yet")
		w.opening(t)
		w.reconnectSoon()
		hangups <- struct{}{}
		synctest.Wait()
		assert.Equal(t, 2, w.tunnel.kicked())
		assert.Equal(t, []string{"note reconnecting the tunnel", "note reconnecting the tunnel"}, w.read())
	})
	t.Run("of what cannot", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t)
			w.openingFixed(t)
			w.reconnectSoon()
			synctest.Wait()
			assert.Equal(t, []string{"note checking https://one", "note https://one leads here"}, w.read())
			w.leadsHere(elsewhere)
			for range 2 {
				w.reconnectSoon()
				time.Sleep(2 * probePause)
				assert.Equal(t, []string{"note checking https://one", "warning it leads elsewhere"}, w.read(), "who asks is answered")
			}
		})
	})
	t.Run("of what cannot, and is not to be checked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t, func(w *watcher) { w.probe = nil })
			w.openingFixed(t)
			w.reconnectSoon()
			synctest.Wait()
			assert.Equal(t, []string{"note there is no connection to make anew, and with --no-probe https://one is not checked"}, w.read())
		})
	})
}

func TestWhatAnOptionalCarrierMeetsIsToldWhenItIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		failed := tunnel.Event{State: tunnel.Opening, Err: &tunnel.Error{Code: "unreachable"}}
		waits := tunnel.Event{State: tunnel.Opening, Err: &tunnel.Error{Code: "dns"}}
		w.notify(failed, true)
		w.notify(waits, true)
		w.notify(failed, false)
		synctest.Wait()
		assert.Equal(t, []string{"opening", "opening"}, w.read())
	})
}

func TestEventsNeverBlockTheTunnel(t *testing.T) {
	w := newWatcher(new(notebook), func(*url.URL, error) {})
	for range 10 * cap(w.events) {
		w.notify(tunnel.Event{State: tunnel.Reconnecting}, false)
	}
	w.notify(tunnel.Event{State: tunnel.Offline}, false)
	var last event
	for len(w.events) > 0 {
		last = <-w.events
	}
	assert.Equal(t, tunnel.Offline, last.State, "the newest is kept")
}

func TestWhatAPersonReadsOfATunnel(t *testing.T) {
	var out strings.Builder
	h := &human{talk: newScreen(&out, true)}
	at := time.Now()
	lost := &tunnel.Error{Code: "lost", Detail: "the connection to ngrok broke (EOF)"}
	away := &tunnel.Error{Code: "unreachable", Detail: "cannot reach x:443 (timed out)", Hint: "set HTTPS_PROXY"}
	up := &url.URL{Scheme: "https", Host: "x"}
	for _, e := range []tunnel.Event{
		{State: tunnel.Opening},
		{State: tunnel.Online, URL: up},
		{State: tunnel.Reconnecting, Err: lost, Time: at},
		{State: tunnel.Reconnecting, Err: away, Time: at, Retry: 3 * time.Second},
		{State: tunnel.Reconnecting, Err: away, Time: at, Retry: 8 * time.Second},
		{State: tunnel.Online, URL: up},
		{State: tunnel.Offline, Err: lost},
	} {
		h.tunnel(e)
	}
	h.gap(at, at.Add(time.Minute))
	h.skipped("ngrok", errors.New("refused"))
	var lines []string
	for line := range strings.Lines(out.String()) {
		if _, text, ok := strings.Cut(line, "  "); ok {
			line = text
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	require.Equal(t, []string{
		"tunnel down since " + clock(at) + ": the connection to ngrok broke (EOF)",
		"deliveries fail until it is back; the Hub sends them again",
		"tunnel still down: cannot reach x:443 (timed out); next try in 3s",
		"hint: set HTTPS_PROXY",
		"tunnel up: https://x",
		"tunnel over: the connection to ngrok broke (EOF)",
		"not reachable from " + clock(at) + " for 1m0s; the Hub sends again what failed, and its activity page has a Replay button",
		"skipped ngrok: refused",
	}, lines)
}
