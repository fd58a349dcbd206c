package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestHandlerResults(t *testing.T) {
	s := newServer(t, receiver.Options{})
	type job struct {
		Name string `json:"name"`
	}
	for name, tt := range map[string]struct {
		value  any
		err    error
		status int
		body   string
	}{
		"value":               {job{"x"}, nil, 200, `{"name":"x"}`},
		"nil":                 {nil, nil, 200, `{}`},
		"error":               {nil, errors.New("db password is 123"), 500, `{"error":"Internal Server Error"}`},
		"status":              {nil, receiver.Status(409, errors.New("db")), 409, `{"error":"Conflict"}`},
		"status-and-value":    {job{"x"}, receiver.Status(202, nil), 202, `{"name":"x"}`},
		"status-no-content":   {nil, receiver.Status(204, nil), 204, ``},
		"wrapped-status":      {nil, fmt.Errorf("x: %w", receiver.Status(400, nil)), 400, `{"error":"Bad Request"}`},
		"own-status-type":     {nil, teapot{}, 418, `{"error":"I'm a teapot"}`},
		"impossible-status":   {nil, receiver.Status(99, nil), 500, `{"error":"Internal Server Error"}`},
		"nameless-status":     {nil, receiver.Status(499, nil), 499, `{"error":"failed"}`},
		"no-JSON-form":        {func() {}, nil, 500, `{"error":"Internal Server Error"}`},
		"panics-while-coding": {explosive{}, nil, 500, `{"error":"Internal Server Error"}`},
	} {
		s.Handle(name, func(context.Context, *payload.Payload) (any, error) { return tt.value, tt.err })
		defer t.Run(name, func(t *testing.T) {
			got := record(s, "POST", "/webhooks/"+name, sample(t, commit))
			assert.Equal(t, tt.status, got.Code)
			assert.Equal(t, tt.body, got.Body.String())
		})
	}
	require.NoError(t, s.Err())
}

type teapot struct{}

func (teapot) Error() string   { return "short and stout" }
func (teapot) HTTPStatus() int { return http.StatusTeapot }

type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("boom") }

func TestPanicLeavesTheServerAlive(t *testing.T) {
	var log lockedBuffer
	s := newServer(t, receiver.Options{Log: log.logger()})
	s.Handle("panic", func(context.Context, *payload.Payload) (any, error) { panic("internals") })
	addr := serve(t, s)
	for range 2 {
		got := send(t, "POST", "http://"+addr+"/webhooks/panic", sample(t, commit))
		assert.Equal(t, 500, got.Status)
		assert.JSONEq(t, `{"error":"Internal Server Error"}`, got.Body)
	}
	assert.Equal(t, 200, send(t, "POST", "http://"+addr+"/webhooks/hook", sample(t, commit)).Status)
	assert.Contains(t, log.String(), "internals")
	assert.Contains(t, log.String(), "handler_test.go", "the stack")
}

// Without a Log, the program's own tells what a handler came to.
func TestHandlerThatFailsIsToldByDefault(t *testing.T) {
	for name, tt := range map[string]struct {
		store replay.Store
		h     receiver.Handler
		want  string
	}{
		"error":               {nil, func(context.Context, *payload.Payload) (any, error) { return nil, errors.New("no disk") }, `err="no disk"`},
		"error, with a store": {memory.New(), func(context.Context, *payload.Payload) (any, error) { return nil, errors.New("no disk") }, `err="no disk"`},
		"panic":               {nil, func(context.Context, *payload.Payload) (any, error) { panic("boom") }, "handler_test.go"},
	} {
		t.Run(name, func(t *testing.T) {
			var text lockedBuffer
			log.SetOutput(&text) // slog.Default writes there
			t.Cleanup(func() { log.SetOutput(os.Stderr) })
			s := receiver.New(receiver.Options{Store: tt.store})
			s.Handle("hook", tt.h)
			record(s, "POST", "/webhooks/hook", "{}")
			require.Eventually(t, func() bool { return strings.Contains(text.String(), "ERROR handler") }, 10*time.Second, time.Millisecond)
			assert.Contains(t, text.String(), tt.want)
			assert.NoError(t, s.Shutdown(t.Context()))
		})
	}
}

func TestDeliveryFrom(t *testing.T) {
	assert.Nil(t, receiver.DeliveryFrom(t.Context()))
	s := receiver.New(receiver.Options{Secrets: []string{"secret"}})
	body := sample(t, commit)
	called := false
	s.Handle("hook", func(ctx context.Context, p *payload.Payload) (any, error) {
		called = true
		d := receiver.DeliveryFrom(ctx)
		assert.Same(t, d, receiver.DeliveryFrom(ctx))
		assert.Equal(t, "W1", d.WebhookID)
		assert.Equal(t, "hook", d.Endpoint)
		assert.Equal(t, "/webhooks/hook/", d.Path)
		assert.Equal(t, "a=1", d.Query)
		assert.Equal(t, "example.com", d.Host)
		assert.Equal(t, []string{"x", "y"}, d.Header["X-Other"])
		assert.Equal(t, "[redacted]", d.Header.Get("X-Webhook-Secret"))
		assert.Equal(t, body, string(d.Body))
		assert.Equal(t, int64(len(body)), d.BodySize)
		assert.Equal(t, payload.ScopeRepoContent, d.Scope)
		require.Len(t, d.Arrivals, 1)
		assert.Equal(t, "192.0.2.1:1234", d.Arrivals[0].RemoteAddr)
		assert.Equal(t, body, string(p.Raw))
		return nil, nil
	})
	got := record(s, "POST", "/webhooks/hook/?a=1", body, "Webhook-Id: W1", "X-Webhook-Secret: secret", "X-Other: x", "X-Other: y")
	assert.Equal(t, 200, got.Code)
	assert.True(t, called)
}
