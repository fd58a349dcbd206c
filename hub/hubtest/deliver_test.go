package hubtest_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
)

func TestDelivery(t *testing.T) {
	h := hubtest.Start(t)
	b := newBot(t, nil)
	w := h.Register(b.URL+"/hook?x=1", "the secret", acme)
	all := h.Trigger(hubtest.Event{Repo: "acme/model"})
	require.Len(t, all, 1)
	d := all[0]
	last := d.Wait()
	assert.Equal(t, 200, last.Status)
	assert.True(t, last.OK())
	assert.Equal(t, b.URL+"/hook?x=1", last.URL)

	require.Len(t, b.requests(), 1)
	r := b.got[0]
	assert.Equal(t, "POST /hook?x=1", r.Method+" "+r.RequestURI)
	assert.Equal(t, "the secret", r.Header.Get("X-Webhook-Secret"))
	assert.Equal(t, d.ID, r.Header.Get("Webhook-Id"))
	assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
	assert.Equal(t, string(d.Body), b.bodies[0])
	var body struct {
		Event struct{ Scope, Action string }
		Repo  struct{ Type, Name string }
		Refs  []any `json:"updatedRefs"`
		Hook  struct {
			ID      string
			Version int
		} `json:"webhook"`
	}
	require.NoError(t, json.Unmarshal(d.Body, &body))
	assert.Equal(t, "repo.content", body.Event.Scope)
	assert.Equal(t, "update", body.Event.Action)
	assert.Equal(t, "model", body.Repo.Type)
	assert.Equal(t, "acme/model", body.Repo.Name)
	assert.Len(t, body.Refs, 1)
	assert.Equal(t, w.ID, body.Hook.ID)
	assert.Equal(t, 3, body.Hook.Version)
	assert.False(t, h.Webhook(w.ID).LastTriggerAt.IsZero())
	assert.Equal(t, all, h.Activity(w.ID))
	assert.Nil(t, h.Activity("x"))
}

func TestWhoGetsAnEvent(t *testing.T) {
	h := hubtest.Start(t)
	b := newBot(t, nil)
	add := func(t hub.WatchedType, name string, domains ...hub.Domain) string {
		w := h.Register(b.URL, "", hub.Watched{Type: hub.Kernel, Name: "nobody/nothing"}, hub.Watched{Type: t, Name: name})
		h.Edit(w.ID, func(w *hub.Webhook) { w.Domains = domains })
		return w.ID
	}
	names := map[string]string{
		add(hub.Org, "acme", both...):                          "org",
		add(hub.User, "acme", both...):                         "user",
		add(hub.Org, "acme", hub.DomainRepo):                   "org, repo",
		add(hub.Org, "acme", hub.DomainDiscussion):             "org, discussion",
		add(hub.Dataset, "acme/d", both...):                    "dataset",
		add(hub.Model, "acme/d", both...):                      "model of that name",
		add(hub.Bucket, "acme/b", hub.DomainRepo):              "bucket",
		add(hub.Org, "acm", both...):                           "another org",
		add(hub.Org, "acme/d", both...):                        "no org",
		add(hub.Space, "acme", both...):                        "no space",
		h.Register("https://example.com/", "", acme).ID:        "disabled",
		h.Register("https://example.com/again", "", acme).ID:   "suspended",
		h.Register("https://example.com/forever", "", acme).ID: "removed",
	}
	for id, name := range names {
		switch name {
		case "disabled":
			h.Edit(id, func(w *hub.Webhook) { w.State = hub.Disabled })
		case "suspended":
			h.Edit(id, func(w *hub.Webhook) { w.State = hub.Suspended })
		case "removed":
			h.Remove(id)
		}
	}
	for _, c := range []struct {
		e    hubtest.Event
		want []string
	}{
		{hubtest.Event{Repo: "acme/other"}, []string{"org", "user", "org, repo"}},
		{hubtest.Event{Type: hub.Dataset, Repo: "acme/d"}, []string{"org", "user", "org, repo", "dataset"}},
		{hubtest.Event{Repo: "acme/d", Scope: "repo", Action: "move"}, []string{"org", "user", "org, repo", "model of that name"}},
		{hubtest.Event{Type: hub.Dataset, Repo: "acme/d", Scope: "discussion.comment", Action: "create"}, []string{"org", "user", "org, discussion", "dataset"}},
		{hubtest.Event{Type: hub.Bucket, Repo: "acme/b"}, []string{"org", "user", "org, repo", "bucket"}},
		{hubtest.Event{Repo: "gpt2"}, nil},
		{hubtest.Event{Repo: "acme/x", Scope: "weather"}, nil},
	} {
		var got []string
		var ids []string
		for _, d := range h.Trigger(c.e) {
			got = append(got, names[d.WebhookID])
			ids = append(ids, d.ID)
			assert.Contains(t, string(d.Body), d.WebhookID)
			assert.True(t, d.Wait().OK())
		}
		assert.ElementsMatch(t, c.want, got, "%v", c.e)
		slices.Sort(ids)
		assert.Len(t, slices.Compact(ids), len(c.want), "each has its own id")
	}
}

func TestSendTakesAnyPayload(t *testing.T) {
	h := hubtest.Start(t)
	b := newBot(t, nil)
	w := h.Register(b.URL, "", acme)
	raw := json.RawMessage(`{"event":{"scope":"repo.config.dois","action":"create"},"repo":{"type":"model","name":"acme/x"},"size":12345678901234567890,"webhook":{"id":"0","version":3}}`)
	require.True(t, h.Send(raw)[0].Wait().OK())
	assert.JSONEq(t, `{"event":{"scope":"repo.config.dois","action":"create"},"repo":{"type":"model","name":"acme/x"},"size":12345678901234567890,"webhook":{"id":"`+w.ID+`","version":3}}`, b.bodies[0])
	assert.Contains(t, b.bodies[0], "12345678901234567890")
}

// pauses is a clock that does not wait.
type pauses struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (p *pauses) time() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *pauses) sleep(_ context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slept = append(p.slept, d)
	p.now = p.now.Add(d)
	return nil
}

func TestFailuresAreRetried(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	p := &pauses{now: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)}
	h := hubtest.Start(t, hubtest.Retries(time.Second, time.Minute, time.Hour, 2*time.Hour), hubtest.Clock(p.time, p.sleep))
	b := newBot(t, func(n int, w http.ResponseWriter) {
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader([]int{500, 302, 401, 204}[n-1])
	})
	h.Register(b.URL, "", acme)
	d := h.Trigger(hubtest.Event{Repo: "acme/x"})[0]
	assert.Equal(t, 204, d.Wait().Status)
	assert.Equal(t, []time.Duration{time.Second, time.Minute, time.Hour}, p.slept)
	require.Len(t, b.requests(), 4)
	for i, r := range b.got {
		assert.Equal(t, d.ID, r.Header.Get("Webhook-Id"))
		assert.Equal(t, b.bodies[0], b.bodies[i])
	}
	all := d.Attempts()
	require.Len(t, all, 4)
	assert.Equal(t, 302, all[1].Status)
	assert.Equal(t, p.now.Add(-time.Hour), all[2].At)
}

func TestSuspension(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dead := "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	h := hubtest.Start(t, hubtest.SuspendAfter(2))
	w := h.Register(dead, "", acme)
	trigger := func() hubtest.Attempt {
		t.Helper()
		all := h.Trigger(hubtest.Event{Repo: "acme/x"})
		require.Len(t, all, 1)
		return all[0].Wait()
	}
	assert.NotEmpty(t, trigger().Err)
	assert.Equal(t, hub.Enabled, h.Webhook(w.ID).State)
	b := newBot(t, nil)
	h.Edit(w.ID, func(w *hub.Webhook) { w.URL = b.URL })
	assert.True(t, trigger().OK(), "which ends the row")
	h.Edit(w.ID, func(w *hub.Webhook) { w.URL = dead })
	trigger()
	assert.Equal(t, hub.Enabled, h.Webhook(w.ID).State)
	trigger()
	got, err := h.Client().Get(limited(t), w.ID)
	require.NoError(t, err)
	assert.Equal(t, hub.Suspended, got.State)
	assert.Empty(t, h.Trigger(hubtest.Event{Repo: "acme/x"}))

	_, err = h.Client().Enable(limited(t), w.ID)
	require.NoError(t, err)
	trigger()
	assert.Equal(t, hub.Enabled, h.Webhook(w.ID).State, "it counts anew")
	assert.Len(t, h.Activity(w.ID), 5)
	for _, d := range h.Activity(w.ID)[2:] {
		assert.Len(t, d.Attempts(), 4)
	}
}

// Retries end with their webhook.
func TestRetriesOfADeadWebhook(t *testing.T) {
	for name, kill := range map[string]func(h *hubtest.Hub, id string){
		"removed":   func(h *hubtest.Hub, id string) { h.Remove(id) },
		"disabled":  func(h *hubtest.Hub, id string) { h.Edit(id, func(w *hub.Webhook) { w.State = hub.Disabled }) },
		"suspended": func(h *hubtest.Hub, id string) { h.Edit(id, func(w *hub.Webhook) { w.State = hub.Suspended }) },
	} {
		h := hubtest.Start(t)
		var w *hub.Webhook
		b := newBot(t, func(_ int, rw http.ResponseWriter) {
			kill(h, w.ID)
			rw.WriteHeader(500)
		})
		w = h.Register(b.URL, "", acme)
		d := h.Trigger(hubtest.Event{Repo: "acme/x"})[0]
		assert.Equal(t, 500, d.Wait().Status, name)
		h.Settle()
		assert.Len(t, b.requests(), 1, name)
	}
}

func TestReplay(t *testing.T) {
	h := hubtest.Start(t)
	old := newBot(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(500) })
	w := h.Register(old.URL, "old secret", acme)
	d := h.Trigger(hubtest.Event{Repo: "acme/x"})[0]
	d.Wait()

	b := newBot(t, func(n int, w http.ResponseWriter) { w.WriteHeader([]int{202, 404}[n-1]) })
	ctx := limited(t)
	_, err := h.Client().Update(ctx, w.ID, hub.Change{URL: b.URL, Secret: hub.SetSecret("new secret")})
	require.NoError(t, err)
	_, err = h.Client().Disable(ctx, w.ID)
	require.NoError(t, err)
	for _, want := range []int{202, 404} {
		status, err := h.Client().Replay(ctx, w.ID, d.LogID)
		require.NoError(t, err)
		assert.Equal(t, want, status)
	}
	require.Len(t, b.requests(), 2)
	assert.Equal(t, d.ID, b.got[0].Header.Get("Webhook-Id"))
	assert.Equal(t, "new secret", b.got[0].Header.Get("X-Webhook-Secret"))
	assert.Equal(t, string(d.Body), b.bodies[0])
	all := d.Attempts()
	require.Len(t, all, 6)
	assert.True(t, all[5].Replay)
	assert.Equal(t, 404, d.Wait().Status)

	_, err = h.Client().Replay(ctx, w.ID, "nothing")
	require.ErrorIs(t, err, hub.ErrNotFound)
	b.Close()
	_, err = h.Client().Replay(ctx, w.ID, d.LogID)
	assert.Equal(t, http.StatusBadGateway, asError(t, err).Status)
}

func TestTriggersOfADay(t *testing.T) {
	p := &pauses{now: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)}
	h := hubtest.Start(t, hubtest.Clock(p.time, p.sleep))
	b := newBot(t, nil)
	w := h.Register(b.URL, "", acme)
	e := hubtest.Event{Repo: "acme/x"}
	for range 1000 {
		assert.False(t, h.Trigger(e)[0].Dropped)
	}
	d := h.Trigger(e)[0]
	assert.True(t, d.Dropped)
	assert.Zero(t, d.Wait())
	h.Settle()
	assert.Len(t, b.requests(), 1000)
	assert.Len(t, h.Activity(w.ID), 1000)

	_ = p.sleep(t.Context(), 24*time.Hour-1)
	assert.True(t, h.Trigger(e)[0].Dropped)
	_ = p.sleep(t.Context(), 1)
	assert.False(t, h.Trigger(e)[0].Dropped)
	h.Settle()
	assert.Len(t, h.Activity(w.ID), 1000, "the oldest is forgotten")

	few := hubtest.Start(t, hubtest.Triggers(1))
	few.Register(b.URL, "", acme)
	assert.False(t, few.Trigger(e)[0].Dropped)
	assert.True(t, few.Trigger(e)[0].Dropped)
	few.Settle()
}

func TestDeliveriesStayOnThisMachine(t *testing.T) {
	h := hubtest.Start(t, hubtest.Retries())
	for _, url := range []string{"http://192.0.2.1/", "http://example.invalid/", "http://[2001:db8::1]/"} {
		w := h.Register(url, "", acme)
		last := h.Trigger(hubtest.Event{Repo: "acme/x"})[0].Wait()
		assert.Contains(t, last.Err, "loopback only", url)
		h.Remove(w.ID)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTransport(t *testing.T) {
	h := hubtest.Start(t, hubtest.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "x.tunnel.test", r.Host)
		w := httptest.NewRecorder()
		w.WriteHeader(201)
		return w.Result(), nil
	})))
	h.Register("https://x.tunnel.test/webhooks/a", "", acme)
	assert.Equal(t, 201, h.Trigger(hubtest.Event{Repo: "acme/x"})[0].Wait().Status)
}

// A target that hangs is a failure, and no end of a test waits for it.
func TestHangingTarget(t *testing.T) {
	h := hubtest.Start(t, hubtest.Timeout(50*time.Millisecond), hubtest.Retries())
	gone := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = r.Body.Read(make([]byte, 1<<16))
		<-gone
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(gone) })
	h.Register(s.URL, "", acme)
	last := h.Trigger(hubtest.Event{Repo: "acme/x"})[0].Wait()
	assert.NotEmpty(t, last.Err)
	assert.Zero(t, last.Status)

	slow := hubtest.Start(t)
	slow.Register(s.URL, "", acme)
	slow.Trigger(hubtest.Event{Repo: "acme/x"}) // and the test ends
}
