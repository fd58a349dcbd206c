// Package hubtest is a Hub on loopback, for tests of bots and of programs that
// manage webhooks. It is as strict as the Hub's OpenAPI document, and delivers
// for real:
//
//	h := hubtest.Start(t)
//	bot := httptest.NewServer(newBot(secret))
//	h.Register(bot.URL, secret, hub.Watched{Type: hub.Org, Name: "acme"})
//
//	d := h.Trigger(hubtest.Event{Repo: "acme/model"})[0]
//	if last := d.Wait(); last.Status != http.StatusOK { ... }
//
// A program in a process of its own finds it with Environ. Where the Hub's ways
// are not published, such as the pauses between retries, the comments say so.
// A webhook with a Job is triggered and starts nothing.
package hubtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/hfhook/hfhook/hub"
)

// User is the name of the only user. An organization is whatever is watched.
const User = "ada"

// Hub is a running Hub. All methods may be called at the same time, those that
// can fail the test from the test's goroutine only; the fields are set by
// Start.
type Hub struct {
	URL   string // what HF_ENDPOINT is to be
	Token string // of User, made up by Start

	t       testing.TB
	o       options
	client  *hub.Client
	ctx     context.Context // ends with the Hub
	sending chan struct{}   // holds one for each request on its way
	wg      sync.WaitGroup

	mu       sync.Mutex // guards what follows
	server   *httptest.Server
	settings []*setting // in order of creation
	requests []Request
	pending  map[*Delivery]bool
	s        switches
}

// What is kept and done at the same time.
const (
	maxWebhooks = 1000
	maxRequests = 10_000
	maxPending  = 10_000
	maxActivity = 1000 // per webhook
	maxAttempts = 100  // per delivery
	maxSending  = 8
	maxBody     = 1 << 20 // of a request
)

type options struct {
	pauses       []time.Duration
	suspendAfter int
	triggers     int
	timeout      time.Duration
	transport    http.RoundTripper
	now          func() time.Time
	sleep        func(context.Context, time.Duration) error
}

// Option changes how a Hub behaves.
type Option func(*options)

// Retries are the pauses after failed attempts of a delivery; after the last
// one it has failed. Default: 1, 2 and 4 ms. Those of the Hub are not
// published.
func Retries(pauses ...time.Duration) Option { return func(o *options) { o.pauses = pauses } }

// SuspendAfter suspends a webhook when n deliveries in a row failed. Default:
// 3. That of the Hub is not published.
func SuspendAfter(n int) Option { return func(o *options) { o.suspendAfter = n } }

// Triggers is how many events in 24 hours a webhook is for; those above are
// dropped. Default: 1,000, as for a free account of the Hub.
func Triggers(n int) Option { return func(o *options) { o.triggers = n } }

// Timeout is for a target to answer. Default: 10 s. That of the Hub is not
// published.
func Timeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// Transport makes deliveries, to trust a certificate or to reach a host that
// does not exist. Default: one that reaches loopback only.
func Transport(rt http.RoundTripper) Option { return func(o *options) { o.transport = rt } }

// Clock is for the time of day, and for the pauses of Retries. now must not
// call methods of the Hub. Default: the real one.
func Clock(now func() time.Time, sleep func(context.Context, time.Duration) error) Option {
	return func(o *options) { o.now, o.sleep = now, sleep }
}

// Start runs a Hub until the end of the test.
func Start(t testing.TB, opts ...Option) *Hub {
	t.Helper()
	h := &Hub{
		Token:   "hf_" + rand.Text(),
		t:       t,
		sending: make(chan struct{}, maxSending),
		pending: map[*Delivery]bool{},
		s:       switches{kind: hub.TokenWrite},
		o: options{
			pauses:       []time.Duration{time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond},
			suspendAfter: 3,
			triggers:     1000,
			timeout:      10 * time.Second,
			now:          time.Now,
			sleep:        sleep,
		},
	}
	own := &http.Transport{DialContext: dialLoopback, MaxIdleConnsPerHost: maxSending, MaxResponseHeaderBytes: 64 << 10}
	h.o.transport = own
	for _, opt := range opts {
		opt(&h.o)
	}
	var cancel context.CancelFunc
	h.ctx, cancel = context.WithCancel(context.Background())
	h.URL = "http://" + h.listen("127.0.0.1:0")
	var err error
	if h.client, err = hub.New(hub.Options{Endpoint: h.URL, Token: hub.Token{Value: hub.Secret(h.Token)}}); err != nil {
		t.Fatalf("hubtest: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		h.Down()
		h.wg.Wait()
		h.client.Close()
		own.CloseIdleConnections()
	})
	return h
}

// listen starts to serve the API, and gives the address.
func (h *Hub) listen(addr string) string {
	h.t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		h.t.Fatalf("hubtest: %v", err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{
		Handler: http.HandlerFunc(h.serve), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 30 * time.Second,
	}}
	s.Start()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = s
	return l.Addr().String()
}

// Client is a client with the user's token. It ends with the test.
func (h *Hub) Client() *hub.Client { return h.client }

// Environ is how a program finds this Hub and its user's token.
func (h *Hub) Environ() []string { return []string{"HF_ENDPOINT=" + h.URL, "HF_TOKEN=" + h.Token} }

// newID is an id as the Hub makes them.
func newID() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
