// Package receivertest builds deliveries as the Hub sends them, so that a
// handler is tested in three lines:
//
//	s := receiver.New(receiver.Options{NoSecret: true})
//	s.Handle("my_hook", handler)
//	resp := receivertest.Post(t, s, "my_hook", receivertest.PullRequestOpened(receivertest.Repo("acme/x")))
package receivertest

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// RequestOption changes a request: one of this package, or any function.
type RequestOption func(*http.Request)

// Secret sends the secret as the Hub does.
func Secret(secret string) RequestOption {
	return func(r *http.Request) { r.Header.Set(replay.HeaderSecret, secret) }
}

// WebhookID makes a delivery one more arrival of an earlier one. Without it,
// each request has a new Webhook-Id.
func WebhookID(id string) RequestOption {
	return func(r *http.Request) { r.Header.Set(replay.HeaderWebhookID, id) }
}

// Request is the request that delivers p to an endpoint. Its body is p.Raw, or
// p in JSON when p was changed since it was decoded or was made by hand. It
// panics when p has no JSON form.
func Request(endpoint string, p *payload.Payload, opts ...RequestOption) *http.Request {
	path := &url.URL{Path: "/webhooks/" + strings.Trim(endpoint, "/")}
	r := httptest.NewRequest(http.MethodPost, path.String(), bytes.NewReader(body(p)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(replay.HeaderWebhookID, rand.Text())
	for _, opt := range opts {
		opt(r)
	}
	return r
}

// Post delivers p to an endpoint of h, usually a *receiver.Server, and gives
// the answer. Its body need not be closed.
func Post(t testing.TB, h http.Handler, endpoint string, p *payload.Payload, opts ...RequestOption) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, Request(endpoint, p, opts...).WithContext(t.Context()))
	return w.Result()
}

func body(p *payload.Payload) []byte {
	if decoded, err := payload.Decode(p.Raw); err == nil && reflect.DeepEqual(decoded, p) {
		return p.Raw
	}
	return mustJSON(p)
}
