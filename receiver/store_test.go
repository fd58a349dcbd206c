package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// noTargets is the dispatcher of a program that only stores.
type noTargets struct{}

func (noTargets) TargetsFor(*replay.Delivery) []string { return nil }
func (noTargets) Await(context.Context, replay.Receipt, string) (*replay.Attempt, error) {
	panic("nothing was queued")
}

func TestDeliveryIsKeptAsItCame(t *testing.T) {
	store := memory.New()
	addr := serve(t, newServer(t, receiver.Options{Store: store, Dispatcher: noTargets{}, AnyPath: true}))
	body := sample(t, hostile)
	before := time.Now()
	got := send(t, "POST", "http://"+addr+"/webhooks/hook/?a=%62&b", body, "Webhook-Id: W1", "Content-Type: application/json; charset=utf-8", "X-A: 1", "X-A: 2")
	assert.Equal(t, 200, got.Status)
	d := keptOne(t, store)
	assert.Equal(t, body, string(d.Body))
	assert.Equal(t, int64(len(body)), d.BodySize)
	assert.Equal(t, replay.Accepted, d.Verdict)
	assert.Equal(t, "POST", d.Method)
	assert.Equal(t, "/webhooks/hook/", d.Path)
	assert.Equal(t, "a=%62&b", d.Query)
	assert.Equal(t, "hook", d.Endpoint)
	assert.Equal(t, addr, d.Host)
	assert.Equal(t, "W1", d.WebhookID)
	assert.Equal(t, []string{"1", "2"}, d.Header["X-A"])
	assert.Equal(t, payload.ScopeDiscussionComment, d.Scope)
	assert.Equal(t, payload.ActionCreate, d.Action)
	assert.Equal(t, payload.RepoModel, d.RepoType)
	assert.WithinRange(t, d.Received(), before.Add(-time.Millisecond), time.Now())
	assert.Equal(t, 200, d.Arrivals[0].Answer)
	assert.Contains(t, d.Arrivals[0].RemoteAddr, "127.0.0.1:")
}

func TestRefusedRequestsAreKept(t *testing.T) {
	long := `{"x":"` + strings.Repeat("a", 100<<10) + `"}`
	for name, tt := range map[string]struct {
		method  string
		body    string
		headers []string
		status  int
		verdict replay.Verdict
		reason  string
		kept    int
	}{
		"no secret":       {"POST", "{}", nil, 401, replay.Rejected, "no secret", 2},
		"long, no secret": {"POST", long, nil, 401, replay.Rejected, "no secret", 64 << 10},
		"wrong secret":    {"POST", "{}", []string{"X-Webhook-Secret: x"}, 403, replay.Rejected, "wrong secret", 2},
		"method":          {"PUT", "{}", []string{"X-Webhook-Secret: s"}, 405, replay.Rejected, "method PUT instead of POST", 2},
		"too large":       {"POST", long + long, []string{"X-Webhook-Secret: s"}, 413, replay.Rejected, "the body is larger than 131072 bytes", 64 << 10},
		"compressed":      {"POST", "zip", []string{"X-Webhook-Secret: s", "Content-Encoding: gzip"}, 415, replay.Rejected, "compressed body", 3},
		"no JSON":         {"POST", "a=b", []string{"X-Webhook-Secret: s"}, 422, replay.Undecodable, "body is not JSON: expected a value at byte 0", 3},
		"array":           {"POST", "[]", []string{"X-Webhook-Secret: s"}, 422, replay.Undecodable, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			addr := serve(t, newServer(t, receiver.Options{Store: store, Secrets: []string{"s"}, MaxBody: 128 << 10}))
			got := send(t, tt.method, "http://"+addr+"/webhooks/hook", tt.body, tt.headers...)
			assert.Equal(t, tt.status, got.Status)
			d := keptOne(t, store)
			assert.Equal(t, tt.verdict, d.Verdict)
			assert.Contains(t, d.Reason, tt.reason)
			assert.NotEmpty(t, d.Reason)
			assert.Equal(t, tt.body[:tt.kept], string(d.Body))
			assert.Equal(t, int64(len(tt.body)), d.BodySize)
			assert.Equal(t, tt.status, d.Arrivals[0].Answer)
			assert.Empty(t, d.Queued)
		})
	}
}

func TestWhatIsNoEndpointIsNotKept(t *testing.T) {
	store := memory.New()
	s := newServer(t, receiver.Options{Store: store, AnyPath: true, Dispatcher: noTargets{}})
	assert.Equal(t, 405, record(s, "GET", "/favicon.ico", "").Code)
	assert.Equal(t, 200, record(s, "GET", "/", "").Code)
	assert.Empty(t, kept(t, store))
	assert.Equal(t, 405, record(s, "GET", "/webhooks/hook", "").Code)
	assert.Len(t, kept(t, store), 1)
	assert.Equal(t, 415, record(s, "POST", "/any", "zip", "Content-Encoding: gzip").Code)
	assert.Len(t, kept(t, store), 2)
}

// failing is a store that cannot write.
type failing struct{ replay.Store }

func (failing) Append(context.Context, replay.Incoming) (replay.Receipt, error) {
	return replay.Receipt{}, errors.New("disk full on /dev/sda1")
}

func TestNothingIsAcknowledgedThatIsNotStored(t *testing.T) {
	var log lockedBuffer
	s := newServer(t, receiver.Options{Store: failing{memory.New()}, Dispatcher: noTargets{}, AnyPath: true, Secrets: []string{"s"}, Log: log.logger()})
	got := record(s, "POST", "/webhooks/hook", sample(t, commit), "X-Webhook-Secret: s")
	assert.Equal(t, 503, got.Code)
	assert.Equal(t, "10", got.Header().Get("Retry-After"))
	assert.JSONEq(t, `{"error":"the delivery could not be stored"}`, got.Body.String())
	assert.Contains(t, log.String(), "disk full")
	assert.Equal(t, 503, record(s, "POST", "/webhooks/hook", "no JSON", "X-Webhook-Secret: s").Code)
	assert.Equal(t, 401, record(s, "POST", "/webhooks/hook", "{}").Code, "a refusal stays one")
}

// watched checks that nothing was answered before it was appended.
type watched struct {
	replay.Store
	t *testing.T
	w *watchedWriter
}

type watchedWriter struct {
	http.ResponseWriter
	wrote bool
}

func (w *watchedWriter) WriteHeader(status int) {
	w.wrote = true
	w.ResponseWriter.WriteHeader(status)
}

func (s watched) Append(ctx context.Context, in replay.Incoming) (replay.Receipt, error) {
	assert.False(s.t, s.w.wrote, "answered before it was stored")
	return s.Store.Append(ctx, in)
}

func (s watched) Answered(ctx context.Context, id int64, status int) error {
	assert.True(s.t, s.w.wrote, "noted before it was answered")
	return s.Store.Answered(ctx, id, status)
}

func TestStoredBeforeAnsweredBeforeNoted(t *testing.T) {
	w := &watchedWriter{}
	store := memory.New()
	s := newServer(t, receiver.Options{Store: watched{store, t, w}, Dispatcher: noTargets{}, AnyPath: true,
		Wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				w.ResponseWriter, w.wrote = rw, false
				h.ServeHTTP(w, r)
			})
		}})
	addr := serve(t, s)
	for _, body := range []string{sample(t, commit), "no JSON"} {
		send(t, "POST", "http://"+addr+"/webhooks/hook", body)
	}
	send(t, "GET", "http://"+addr+"/webhooks/hook", "")
	require.Eventually(t, func() bool {
		all := kept(t, store)
		return len(all) == 3 && all[2].Arrivals[0].Answer == 405
	}, 10*time.Second, time.Millisecond)
}

// blocked is a store that cannot keep a refused request before it is told.
type blocked struct {
	replay.Store
	entered, leave chan struct{}
}

func (s blocked) Append(ctx context.Context, in replay.Incoming) (replay.Receipt, error) {
	if in.Delivery.Verdict == replay.Rejected {
		s.entered <- struct{}{}
		<-s.leave
	}
	return s.Store.Append(ctx, in)
}

func TestStrangersDoNotKeepTheStoreFromGoodDeliveries(t *testing.T) {
	var log lockedBuffer
	store := blocked{memory.New(), make(chan struct{}), make(chan struct{})}
	s := newServer(t, receiver.Options{Store: store, Dispatcher: noTargets{}, AnyPath: true, Secrets: []string{"s"}, MaxInFlight: 1, Log: log.logger()})
	var wg sync.WaitGroup
	const lane = 8
	for range lane {
		wg.Go(func() { assert.Equal(t, 401, record(s, "POST", "/webhooks/hook", "{}").Code) })
		<-store.entered
	}
	assert.Equal(t, 401, record(s, "POST", "/webhooks/hook", "{}").Code, "answered all the same")
	assert.Equal(t, 200, record(s, "POST", "/webhooks/hook", "{}", "X-Webhook-Secret: s").Code)
	close(store.leave)
	wg.Wait()
	assert.Len(t, kept(t, store), lane+1)
	assert.Contains(t, log.String(), "refused requests not kept")
	assert.Contains(t, log.String(), "count=1")
}

func TestRetryIsToldFromReplayByOurAnswer(t *testing.T) {
	store := memory.New()
	s := newServer(t, receiver.Options{Store: store, Dispatcher: noTargets{}, AnyPath: true, Secrets: []string{"s"}})
	post := func(secret string) {
		record(s, "POST", "/webhooks/hook", "{}", "Webhook-Id: W", "X-Webhook-Secret: "+secret)
	}
	post("wrong")
	post("s")
	post("s")
	all := kept(t, store)
	require.Len(t, all, 1)
	var repeats []string
	for _, a := range all[0].Arrivals {
		repeats = append(repeats, fmt.Sprint(a.Answer, a.Repeat))
	}
	assert.Equal(t, []string{"403", "200retry", "200replay"}, repeats)
	assert.Equal(t, replay.Accepted, all[0].Verdict)
}

// A sender that is gone by the time of the answer will try again; its delivery
// is kept, and not noted as answered.
func TestSenderThatHangsUp(t *testing.T) {
	inner := memory.New()
	store := gated{inner, make(chan struct{}), make(chan struct{})}
	hungUp, over := make(chan (<-chan struct{}), 1), make(chan struct{})
	addr := serve(t, newServer(t, receiver.Options{Store: store, Dispatcher: noTargets{}, AnyPath: true, Wrap: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hungUp <- r.Context().Done()
			h.ServeHTTP(w, r)
			close(over)
		})
	}}))
	c := raw(t, addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	<-store.entered
	require.NoError(t, c.Close())
	<-<-hungUp
	close(store.leave)
	<-over
	all := kept(t, inner)
	require.Len(t, all, 1)
	assert.Zero(t, all[0].Arrivals[0].Answer)
}

type gated struct {
	replay.Store
	entered, leave chan struct{}
}

func (s gated) Append(ctx context.Context, in replay.Incoming) (replay.Receipt, error) {
	s.entered <- struct{}{}
	<-s.leave
	return s.Store.Append(ctx, in)
}

func TestManyAtOnce(t *testing.T) {
	store := memory.New()
	s := newServer(t, receiver.Options{Store: store, Dispatcher: noTargets{}, AnyPath: true})
	addr := serve(t, s)
	const senders, each = 16, 10
	var wg sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				body := fmt.Sprintf(`{"n":"%d.%d"}`, i, j)
				resp, err := client.Post("http://"+addr+"/webhooks/hook", "application/json", strings.NewReader(body))
				if assert.NoError(t, err) {
					assert.Equal(t, 200, resp.StatusCode)
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
		})
	}
	wg.Wait()
	bodies := map[string]bool{}
	for _, d := range kept(t, store) {
		bodies[string(d.Body)] = true
	}
	assert.Len(t, bodies, senders*each)
}
