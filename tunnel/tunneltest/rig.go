package tunneltest

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
)

// rig is one open tunnel, served and watched.
type rig struct {
	t      *testing.T
	tun    tunnel.Tunnel
	client *http.Client
	events *Events
	server *http.Server
	ended  chan struct{} // closed when the server stopped to serve
}

// open opens a tunnel and, at the end of the test, closes it and looks at
// what it said.
func open(t *testing.T, c Case) *rig {
	t.Helper()
	r := &rig{t: t, client: c.Client, events: new(Events), ended: make(chan struct{})}
	if r.client == nil {
		r.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	}
	var logged Buffer
	tun, err := c.Provider.Open(t.Context(), tunnel.Options{
		URL:    c.URL,
		Log:    slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Notify: r.events.Notify,
	})
	require.NoError(t, err)
	require.NotNil(t, tun.URL())
	r.tun = tun
	t.Cleanup(func() {
		assert.NoError(t, tun.Close())
		r.stop()
		r.events.Check(t)
		said := logged.String()
		for _, e := range r.events.All() {
			said += fmt.Sprintf("%+v %#v", e, e.Err)
		}
		for _, secret := range c.Secrets {
			assert.NotContains(t, said, secret, "a secret got out")
		}
	})
	return r
}

func (r *rig) serve(h http.HandlerFunc) {
	r.server = &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(r.ended)
		_ = r.server.Serve(r.tun)
	}()
}

// stop ends the server, which ends by itself when the tunnel is closed.
func (r *rig) stop() {
	if r.server == nil {
		return
	}
	select {
	case <-r.ended:
	case <-time.After(tunnel.CloseTimeout):
		r.t.Error("Serve did not end with the tunnel")
	}
	_ = r.server.Close()
}

func (r *rig) get() error {
	resp, err := r.client.Get(r.tun.URL().String())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}

// Events collects the events of one tunnel. The zero value is ready.
type Events struct {
	busy atomic.Bool
	twin atomic.Bool

	mu   sync.Mutex
	all  []tunnel.Event
	news chan struct{} // closed with the next event
}

// Notify is for tunnel.Options.
func (e *Events) Notify(ev tunnel.Event) {
	if !e.busy.CompareAndSwap(false, true) {
		e.twin.Store(true)
	}
	defer e.busy.Store(false)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
	if e.news != nil {
		close(e.news)
		e.news = nil
	}
}

// All are the events so far.
func (e *Events) All() []tunnel.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

func (e *Events) len() int { return len(e.All()) }

// Await waits for the first event of which f says yes, at most 20 s. f is
// asked once for each event, in order.
func (e *Events) Await(t testing.TB, f func(tunnel.Event) bool) tunnel.Event {
	t.Helper()
	return e.awaitFrom(t, 0, f)
}

// await waits for an event in a state, not counting the first n events.
func (e *Events) await(t testing.TB, n int, state tunnel.State) tunnel.Event {
	t.Helper()
	return e.awaitFrom(t, n, func(ev tunnel.Event) bool { return ev.State == state })
}

func (e *Events) awaitFrom(t testing.TB, n int, f func(tunnel.Event) bool) tunnel.Event {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		e.mu.Lock()
		if e.news == nil {
			e.news = make(chan struct{})
		}
		all, news := e.all, e.news
		e.mu.Unlock()
		for ; n < len(all); n++ {
			if f(all[n]) {
				return all[n]
			}
		}
		select {
		case <-news:
		case <-late:
			t.Fatalf("the event did not come; events: %+v", all)
		}
	}
}

// Check reports events that break the promises of tunnel.Options and
// tunnel.Event.
func (e *Events) Check(t testing.TB) {
	t.Helper()
	assert.False(t, e.twin.Load(), "two events at the same time")
	follows := map[tunnel.State][]tunnel.State{
		"":                  {tunnel.Opening, tunnel.Online},
		tunnel.Opening:      {tunnel.Opening, tunnel.Online},
		tunnel.Online:       {tunnel.Online, tunnel.Reconnecting, tunnel.Offline},
		tunnel.Reconnecting: {tunnel.Reconnecting, tunnel.Online, tunnel.Offline},
	}
	var before tunnel.Event
	for i, ev := range e.All() {
		assert.Contains(t, follows[before.State], ev.State, "event %d after %s", i, before.State)
		assert.False(t, ev.Time.Before(before.Time), "event %d is older than the one before", i)
		if ev.State == tunnel.Reconnecting {
			assert.IsType(t, (*tunnel.Error)(nil), ev.Err, "event %d", i)
		}
		assert.Equal(t, ev.State == tunnel.Online, ev.URL != nil, "event %d: URL %v", i, ev.URL)
		if ev.State == tunnel.Online && before.State == tunnel.Online {
			assert.NotEqual(t, before.URL.String(), ev.URL.String(), "event %d: online twice", i)
		}
		before = ev
	}
}

// Buffer takes a log that several goroutines write. The zero value is ready.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write is for slog's handlers.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
