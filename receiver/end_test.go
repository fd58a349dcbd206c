package receiver_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/receivertest"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// serving is a server under way, which the test ends.
type serving struct {
	addr   string
	end    context.CancelFunc
	served chan error
}

func serveUntil(t *testing.T, s *receiver.Server) serving {
	t.Helper()
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	return serving{l.Addr().String(), cancel, served}
}

// Who has shown nothing when the end comes is not a request that was cut off.
func TestStrangersDoNotSpoilTheEnd(t *testing.T) {
	for name, tt := range map[string]struct{ secret, text string }{
		"half a header":             {"s", "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Sec"},
		"a slow upload":             {"s", "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"},
		"a slow upload, no secret":  {"", "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"},
		"a second, refused request": {"s", "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: s\r\nContent-Length: 2\r\n\r\n{}POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := patient(receiver.Options{Grace: 4 * time.Second, NoSecret: tt.secret == ""})
			if tt.secret != "" {
				o.Secrets = []string{tt.secret}
			}
			s := serveUntil(t, newServer(t, o))
			raw(t, s.addr, tt.text)
			require.Equal(t, 200, send(t, "GET", "http://"+s.addr+"/", "").Status, "both have come")
			s.end()
			assert.NoError(t, <-s.served)
		})
	}
}

// Requests do not use up the time that handlers have to end, and to be
// recorded.
func TestRequestsLeaveTimeForTheHandlers(t *testing.T) {
	store := memory.New()
	entered, leave := make(chan struct{}), make(chan struct{})
	handlers := receiver.New(patient(receiver.Options{Store: store, Secrets: []string{"s"}, Out: io.Discard, Grace: 5 * time.Second}))
	handlers.Handle("hook", func(context.Context, *payload.Payload) (any, error) {
		close(entered)
		<-leave
		return nil, nil
	})
	s := serveUntil(t, handlers)
	assert.Equal(t, 200, receivertest.Post(t, handlers, "hook", receivertest.RepoCreated(), receivertest.Secret("s")).StatusCode)
	<-entered
	const head = "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: s\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
	uploading := raw(t, s.addr, head)
	_, err := io.ReadFull(uploading, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n")))
	require.NoError(t, err, "it is let in")
	s.end()
	_, _ = uploading.Read(make([]byte, 1)) // it is cut off
	close(leave)
	err = <-s.served
	assert.ErrorContains(t, err, "requests under way were cut off")
	assert.NotContains(t, err.Error(), "still running")
	d, err := store.Get(t.Context(), 1)
	require.NoError(t, err)
	assert.Empty(t, d.Queued)
	assert.Len(t, d.Attempts, 1)
}

// sluggish is a store that is slow to keep what arrives.
type sluggish struct {
	replay.Store
	entered chan struct{}
	using   atomic.Int32
}

func (s *sluggish) Append(ctx context.Context, in replay.Incoming) (replay.Receipt, error) {
	s.using.Add(1)
	defer s.using.Add(-1)
	close(s.entered)
	<-time.After(500 * time.Millisecond)
	return s.Store.Append(ctx, in)
}

// The caller closes the store as soon as Serve returns.
func TestStoreIsLeftAloneAtTheEnd(t *testing.T) {
	for name, header := range map[string]string{"delivery": "X-Webhook-Secret: s\r\n", "refused": ""} {
		t.Run(name, func(t *testing.T) {
			store := &sluggish{Store: memory.New(), entered: make(chan struct{})}
			s := serveUntil(t, newServer(t, receiver.Options{Store: store, Secrets: []string{"s"}, Grace: 20 * time.Millisecond}))
			raw(t, s.addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\n"+header+"Content-Length: 2\r\n\r\n{}")
			<-store.entered
			s.end()
			<-s.served
			assert.Zero(t, store.using.Load())
		})
	}
}

// A server that has ended does not touch the store, which may be closed.
func TestNothingIsStoredAfterTheEnd(t *testing.T) {
	store := memory.New()
	s := newServer(t, receiver.Options{Store: store, Secrets: []string{"s"}})
	require.Equal(t, 200, record(s, "POST", "/webhooks/hook", "{}", "X-Webhook-Secret: s").Code)
	require.NoError(t, s.Shutdown(t.Context()))
	assert.Equal(t, 401, record(s, "POST", "/webhooks/hook", "{}").Code)
	assert.Equal(t, 503, record(s, "POST", "/webhooks/hook", "{}", "X-Webhook-Secret: s").Code)
	assert.Len(t, kept(t, store), 1)
}
