package registration_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
	"github.com/hfhook/hfhook/hub/registration"
)

func TestCreate(t *testing.T) {
	for keep, kind := range map[bool]registration.OutcomeKind{false: registration.Deleted, true: registration.Kept} {
		s := newStage(t)
		settings := newSettings()
		reg, err := s.Create(limited(t), settings)
		require.NoError(t, err)
		assert.Nil(t, reg.Former())
		assert.Equal(t, settings.Secret, reg.Secret())
		w := s.Webhook(reg.ID())
		assert.Equal(t, settings.URL, w.URL)
		assert.Equal(t, settings.Secret, w.Secret)
		assert.NotContains(t, s.journal(""), string(settings.Secret))

		require.NoError(t, reg.Point(limited(t), tunnelB))
		w = s.Webhook(reg.ID())
		assert.Equal(t, tunnelB, w.URL)
		assert.Equal(t, settings.Secret, w.Secret)
		assert.Equal(t, settings.Watched, w.Watched)

		o := reg.Release(limited(t), keep)
		assert.Equal(t, kind, o.Kind, o.Text)
		assert.Equal(t, reg.ID(), o.Webhook)
		assert.Empty(t, s.files())
		if !keep {
			assert.Empty(t, s.Webhooks())
			continue
		}
		w = s.Webhook(reg.ID())
		assert.Equal(t, hub.Disabled, w.State)
		assert.Equal(t, tunnelB, w.URL)
	}
}

// To keep a webhook is meant for the next start too, if the Hub is down.
func TestKeptLater(t *testing.T) {
	s := newStage(t)
	reg := s.create()
	s.Interrupt(-1, status(http.StatusInternalServerError))
	assert.Equal(t, registration.Failed, reg.Release(limited(t), true).Kind)
	s.Interrupt(0, nil)
	assert.Equal(t, registration.Kept, s.repaired().Kind)
	assert.Equal(t, hub.Disabled, s.Webhook(reg.ID()).State)
	assert.Empty(t, s.files())
}

// A release has the time of its context, even where it would have to wait.
func TestReleaseWithoutTime(t *testing.T) {
	s := newStage(t, func(o *registration.Options) { o.Settle = time.Hour })
	reg := s.create()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Interrupt(-1, hubtest.Hang)
	require.Error(t, reg.Point(ctx, tunnelB))
	s.Interrupt(0, nil)
	o := reg.Release(ctx, false)
	assert.Equal(t, registration.Failed, o.Kind)
	assert.Contains(t, o.Text, "there was no time left")
	all := s.registry(s.Client()).Repair(limited(t))
	require.Len(t, all, 1)
	assert.Equal(t, registration.Deleted, all[0].Kind)
}

// A tunnel that moves is followed by what the Hub delivers.
func TestDeliveriesFollow(t *testing.T) {
	s := newStage(t)
	got := make(chan string, 10)
	target := func(name string, status int) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got <- name + " " + r.Header.Get("X-Webhook-Secret")
			w.WriteHeader(status)
		}))
		t.Cleanup(srv.Close)
		return srv.URL + "/"
	}
	own := hub.Secret(rand.Text())
	id := s.Register(target("production", 200), own, acme).ID
	next := func() string {
		s.Trigger(hubtest.Event{Repo: "acme/m"})
		s.Settle()
		select {
		case name := <-got:
			return name
		case <-time.After(time.Second / 10): // it was settled: there is none
			return "nobody"
		}
	}
	assert.Equal(t, "production "+string(own), next())
	reg, err := s.Borrow(limited(t), id, registration.Loan{URL: target("one", 200), Own: own, Secret: "x"})
	require.NoError(t, err)
	assert.Equal(t, "one x", next())
	require.NoError(t, reg.Point(limited(t), target("two", 200)))
	assert.Equal(t, "two x", next())
	require.NoError(t, reg.Pause(limited(t)))
	assert.Equal(t, "nobody", next())
	require.NoError(t, reg.Resume(limited(t)))
	assert.Equal(t, "two x", next())
	assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
	assert.Equal(t, "production "+string(own), next())
}

// A webhook that the Hub suspended because the session was dead is put back,
// and fires again.
func TestSuspendedDuringASession(t *testing.T) {
	for name, end := range map[string]func(*stage, *registration.Registration) registration.Outcome{
		"release": func(s *stage, r *registration.Registration) registration.Outcome {
			return r.Release(limited(s.t), false)
		},
		"repair": func(s *stage, r *registration.Registration) registration.Outcome { r.Die(); return s.repaired() },
		"resume": func(s *stage, r *registration.Registration) registration.Outcome {
			require.NoError(s.t, r.Resume(limited(s.t)))
			assert.Equal(s.t, hub.Enabled, s.Webhook(r.ID()).State)
			return r.Release(limited(s.t), false)
		},
		"pause": func(s *stage, r *registration.Registration) registration.Outcome {
			require.NoError(s.t, r.Pause(limited(s.t)))
			assert.Equal(s.t, hub.Disabled, s.Webhook(r.ID()).State)
			return r.Release(limited(s.t), false)
		},
	} {
		for _, former := range []hub.State{hub.Enabled, hub.Disabled} {
			t.Run(name+" "+string(former), func(t *testing.T) {
				s := newStage(t)
				id := s.Register(production, "", acme).ID
				s.Edit(id, func(w *hub.Webhook) { w.State = former })
				before := s.shown(id)
				dead := httptest.NewServer(nil)
				dead.Close()
				reg, err := s.Borrow(limited(t), id, registration.Loan{URL: dead.URL})
				require.NoError(t, err)
				for range 3 {
					s.Trigger(hubtest.Event{Repo: "acme/m"})
				}
				s.Settle()
				require.Equal(t, hub.Suspended, s.Webhook(id).State)
				o := end(s, reg)
				assert.Equal(t, registration.Restored, o.Kind, o.Text)
				assert.Equal(t, before, s.shown(id))
				assert.Empty(t, s.files())
			})
		}
	}
}

func TestPauseAndResume(t *testing.T) {
	s := newStage(t)
	for _, reg := range []*registration.Registration{s.create(), s.borrow(s.Register(production, "", acme).ID, registration.Loan{})} {
		state := func() hub.State { return s.Webhook(reg.ID()).State }
		require.NoError(t, reg.Resume(limited(t)))
		assert.Equal(t, hub.Enabled, state())
		for range 2 {
			require.NoError(t, reg.Pause(limited(t)))
			assert.Equal(t, hub.Disabled, state())
		}
		require.NoError(t, reg.Point(limited(t), tunnelB))
		assert.Equal(t, hub.Disabled, state(), "to point elsewhere enables nothing")
		require.NoError(t, reg.Resume(limited(t)))
		assert.Equal(t, hub.Enabled, state())
		require.NoError(t, reg.Pause(limited(t)))
		assert.NoError(t, reg.Release(limited(t), false).Err)
	}
	assert.Equal(t, hub.Enabled, s.Webhooks()[0].State)
	assert.Empty(t, s.files())
}

// Nothing is asked of the Hub that is so already.
func TestPointToWhereItPoints(t *testing.T) {
	s := newStage(t)
	reg := s.create()
	calls := len(s.Requests())
	require.NoError(t, reg.Point(limited(t), tunnelA))
	assert.Len(t, s.Requests(), calls)
	assert.Equal(t, registration.Deleted, reg.Release(limited(t), false).Kind)
}

// Methods that are called at the same time take turns, and wait no longer than
// they may.
func TestTurns(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	reg := s.borrow(id, registration.Loan{})
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			step := []func(context.Context) error{reg.Pause, reg.Resume, func(ctx context.Context) error { return reg.Point(ctx, tunnelB) }}[i%3]
			assert.NoError(t, step(limited(t)))
		})
	}
	wg.Wait()

	busy := make(chan struct{})
	s.Interrupt(1, func(w http.ResponseWriter, r *http.Request) { close(busy); hubtest.Hang(w, r) })
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() { assert.Error(t, reg.Point(ctx, tunnelA)) })
	<-busy
	gone, cancelGone := context.WithCancel(t.Context())
	cancelGone()
	require.ErrorIs(t, reg.Pause(gone), context.Canceled)
	assert.Equal(t, registration.Failed, reg.Release(gone, false).Kind)
	cancel()
	wg.Wait()
	assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
	assert.Equal(t, production, s.Webhook(id).URL)
}

// Nobody's clock decides what is undone.
func TestClockSetBack(t *testing.T) {
	clock := time.Now()
	s := newStage(t, func(o *registration.Options) {
		o.Now = func() time.Time { clock = clock.AddDate(-1, 0, 0); return clock }
	})
	id := s.Register(production, "", acme).ID
	before := s.shown(id)
	s.borrow(id, registration.Loan{}).Die()
	s.create().Die()
	for _, o := range s.Repair(limited(t)) {
		assert.NoError(t, o.Err)
	}
	assert.Equal(t, before, s.shown(id))
	assert.Len(t, s.Webhooks(), 1)
}

// The Hub may write a URL in another way than it got it: in one that means the
// same, or in one that its answer tells.
func TestURLsAreWrittenInSeveralWays(t *testing.T) {
	for _, rewritten := range []string{"https://A.trycloudflare.com/", "https://a.trycloudflare.com/?by=hub"} {
		s := newStage(t)
		id := s.Register(production, "", acme).ID
		before := s.shown(id)
		srv := httptest.NewServer(rewriting{s.URL, "https://a.trycloudflare.com", rewritten})
		t.Cleanup(srv.Close)
		r := s.registry(s.client(func(o *hub.Options) { o.Endpoint = srv.URL }))
		reg, err := r.Borrow(limited(t), id, registration.Loan{URL: "https://a.trycloudflare.com"})
		require.NoError(t, err)
		require.NoError(t, reg.Pause(limited(t)))
		require.NoError(t, reg.Resume(limited(t)))
		assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
		assert.Equal(t, before, s.shown(id))
	}
}

// rewriting is a Hub that shows one URL as another.
type rewriting struct{ hub, from, to string }

func (p rewriting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to, _ := url.Parse(p.hub)
	(&httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true},
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(resp *http.Response) error {
			b, err := io.ReadAll(resp.Body)
			b = bytes.ReplaceAll(b, []byte(`"`+p.from+`"`), []byte(`"`+p.to+`"`))
			resp.Body = io.NopCloser(bytes.NewReader(b))
			resp.ContentLength = int64(len(b))
			resp.Header.Set("Content-Length", strconv.Itoa(len(b)))
			return err
		},
	}).ServeHTTP(w, r)
}
