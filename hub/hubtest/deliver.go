package hubtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/hfhook/hfhook/hub"
)

// Delivery is an event for one webhook. Its fields do not change.
type Delivery struct {
	ID        string // the Webhook-Id, the same in every attempt
	LogID     string // for the replay of the API
	WebhookID string
	Body      []byte
	Dropped   bool // above the limit of triggers: neither sent nor in the Activity

	hub      *Hub
	done     chan struct{}
	attempts []Attempt // guarded by the Hub's mutex
}

// Attempt is one time that a delivery was sent.
type Attempt struct {
	At     time.Time
	URL    string
	Status int    // 0: no answer
	Err    string // why there was none
	Replay bool
}

// OK reports whether the Hub takes it for a success.
func (a Attempt) OK() bool { return a.Status/100 == 2 }

// begin counts a trigger and starts its delivery. The caller holds the mutex.
func (h *Hub) begin(s *setting, d *Delivery) {
	h.t.Helper()
	now := h.o.now()
	s.triggers = slices.DeleteFunc(s.triggers, func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	if len(s.triggers) >= h.o.triggers {
		d.Dropped = true
		close(d.done)
		return
	}
	s.triggers = append(s.triggers, now)
	s.LastTriggerAt = now
	if len(s.activity) == maxActivity {
		s.activity = slices.Delete(s.activity, 0, 1)
	}
	s.activity = append(s.activity, d)
	switch {
	case s.URL == "": // it starts a Job, and there is nobody to run it
		close(d.done)
	case len(h.pending) == maxPending:
		close(d.done)
		h.t.Errorf("hubtest: more than %d deliveries are on their way", maxPending)
	default:
		h.pending[d] = true
		h.wg.Go(func() { h.deliver(d) })
	}
}

// deliver sends until it is taken, its tries are used up, or its webhook does
// not fire any more.
func (h *Hub) deliver(d *Delivery) {
	defer func() {
		h.mu.Lock()
		delete(h.pending, d)
		h.mu.Unlock()
		close(d.done)
	}()
	for try := 0; ; try++ {
		a, ok := h.attempt(h.ctx, d, false)
		if !ok {
			return
		}
		if a.OK() || try == len(h.o.pauses) {
			h.count(d.WebhookID, a.OK())
			return
		}
		if h.o.sleep(h.ctx, h.o.pauses[try]) != nil {
			return
		}
	}
}

// count suspends a webhook whose deliveries keep failing.
func (h *Hub) count(id string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.find(id)
	switch {
	case s == nil:
	case ok:
		s.failures = 0
	default:
		s.failures++
		if s.failures >= h.o.suspendAfter && s.State == hub.Enabled {
			s.State = hub.Suspended
		}
	}
}

// attempt sends a delivery once, to the URL that its webhook has now, with the
// secret that it has now. ok is false when there is nothing to send it to.
func (h *Hub) attempt(ctx context.Context, d *Delivery, replay bool) (a Attempt, ok bool) {
	select {
	case h.sending <- struct{}{}:
		defer func() { <-h.sending }()
	case <-ctx.Done():
		return a, false
	}
	h.mu.Lock()
	s := h.find(d.WebhookID)
	if s == nil || s.URL == "" || s.State != hub.Enabled && !replay {
		h.mu.Unlock()
		return a, false
	}
	a = Attempt{At: h.o.now(), URL: s.URL, Replay: replay}
	secret := string(s.Secret)
	h.mu.Unlock()

	a.Status, a.Err = h.post(ctx, a.URL, secret, d)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(d.attempts) == maxAttempts {
		d.attempts = slices.Delete(d.attempts, 0, 1)
	}
	d.attempts = append(d.attempts, a)
	return a, true
}

func (h *Hub) post(ctx context.Context, url, secret string, d *Delivery) (status int, problem string) {
	ctx, cancel := context.WithTimeout(ctx, h.o.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", d.ID)
	if secret != "" {
		req.Header.Set("X-Webhook-Secret", secret)
	}
	// Not an http.Client: it would follow redirects.
	resp, err := h.o.transport.RoundTrip(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	return resp.StatusCode, ""
}

// replay answers the API's call.
func (h *Hub) replay(w http.ResponseWriter, r *http.Request, id, logID string) {
	h.mu.Lock()
	var d *Delivery
	if s := h.find(id); s != nil {
		if i := slices.IndexFunc(s.activity, func(d *Delivery) bool { return d.LogID == logID }); i >= 0 {
			d = s.activity[i]
		}
	}
	h.mu.Unlock()
	if d == nil {
		refuse(w, http.StatusNotFound, "Webhook log not found")
		return
	}
	a, ok := h.attempt(r.Context(), d, true)
	if !ok || a.Status == 0 { // what the Hub does then is not published
		refuse(w, http.StatusBadGateway, "The target of the webhook cannot be reached")
		return
	}
	answer(w, http.StatusOK, map[string]int{"status": a.Status})
}

// Activity is what was delivered for a webhook, the last 1,000, the oldest
// first.
func (h *Hub) Activity(webhookID string) []*Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.find(webhookID); s != nil {
		return slices.Clone(s.activity)
	}
	return nil
}

// Attempts of the delivery so far, replays among them.
func (d *Delivery) Attempts() []Attempt {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	return slices.Clone(d.attempts)
}

// settled bounds the waits below.
const settled = 30 * time.Second

// Wait waits until the delivery was taken or given up, and gives its last
// attempt; the zero Attempt when there was none. After 30 s the test fails.
func (d *Delivery) Wait() Attempt {
	d.hub.t.Helper()
	select {
	case <-d.done:
	case <-time.After(settled):
		d.hub.t.Fatalf("hubtest: delivery %s was neither taken nor given up within %s", d.ID, settled)
	}
	all := d.Attempts()
	if len(all) == 0 {
		return Attempt{}
	}
	return all[len(all)-1]
}

// Settle waits for all deliveries that were triggered so far.
func (h *Hub) Settle() {
	h.t.Helper()
	h.mu.Lock()
	var all []*Delivery
	for d := range h.pending {
		all = append(all, d)
	}
	h.mu.Unlock()
	for _, d := range all {
		d.Wait()
	}
}

// dialLoopback keeps tests from talking to anybody else.
func dialLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return nil, errors.New("hubtest delivers to loopback only: see Transport for " + host)
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}
