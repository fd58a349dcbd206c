package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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

// answers is a dispatcher with two targets, of which the first answers so.
type answers func(ctx context.Context) (*replay.Attempt, error)

func (answers) TargetsFor(*replay.Delivery) []string { return []string{"first", "second"} }

func (f answers) Await(ctx context.Context, r replay.Receipt, target string) (*replay.Attempt, error) {
	if target != "first" || r.DeliveryID == 0 || r.Arrival.ID == 0 {
		return nil, errors.New("awaited something else")
	}
	return f(ctx)
}

func TestAckHandlerPassesTheAnswerOn(t *testing.T) {
	attempt := func(a replay.Attempt) answers {
		return func(context.Context) (*replay.Attempt, error) { return &a, nil }
	}
	text := http.Header{"Content-Type": {"text/plain"}, "Set-Cookie": {"no"}}
	for name, tt := range map[string]struct {
		target answers
		status int
		body   string
	}{
		"answer":           {attempt(replay.Attempt{Status: 201, Header: text, Body: []byte("made")}), 201, "made"},
		"failure":          {attempt(replay.Attempt{Status: 500, Header: text, Body: []byte("oops")}), 500, "oops"},
		"redirect":         {attempt(replay.Attempt{Status: 302, Header: text}), 302, ""},
		"no content":       {attempt(replay.Attempt{Status: 204}), 204, ""},
		"impossible":       {attempt(replay.Attempt{Status: 999}), 502, `{"error":"the handler answered with an impossible status"}`},
		"refused":          {attempt(replay.Attempt{Failure: replay.FailRefused, Error: "dial 10.0.0.1"}), 502, `{"error":"no answer from the handler: refused"}`},
		"broken":           {attempt(replay.Attempt{Status: 200, Failure: replay.FailBroken}), 502, `{"error":"no answer from the handler: broken"}`},
		"panic":            {attempt(replay.Attempt{Failure: replay.FailPanic, Error: "panic: x"}), 500, `{"error":"Internal Server Error"}`},
		"command":          {attempt(replay.Attempt{Exit: new(0), Body: []byte("printed")}), 200, "{}"},
		"failed command":   {attempt(replay.Attempt{Exit: new(3), Body: []byte("printed")}), 500, `{"error":"exit code 3"}`},
		"command too late": {attempt(replay.Attempt{Failure: replay.FailTimeout, Body: []byte("printed")}), 502, `{"error":"no answer from the handler: timeout"}`},
		"stopped":          {func(context.Context) (*replay.Attempt, error) { return nil, replay.ErrStopped }, 200, "{}"},
		"paused":           {func(context.Context) (*replay.Attempt, error) { return nil, replay.ErrPaused }, 200, "{}"},
		"held": {func(context.Context) (*replay.Attempt, error) { return nil, fmt.Errorf("x: %w", replay.ErrHeld) },
			502, `{"error":"the handler cannot be reached"}`},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			s := newServer(t, receiver.Options{Store: store, Dispatcher: tt.target, Ack: receiver.AckHandler, AnyPath: true})
			got := record(s, "POST", "/webhooks/hook", "{}")
			assert.Equal(t, tt.status, got.Code)
			assert.Equal(t, tt.body, got.Body.String())
			assert.Empty(t, got.Header().Get("Set-Cookie"))
			d := keptOne(t, store)
			assert.Equal(t, tt.status, d.Arrivals[0].Answer)
			assert.Equal(t, []string{"first", "second"}, d.Queued)
		})
	}
}

func TestAckHandlerAcknowledgesWhenItIsLate(t *testing.T) {
	store := memory.New()
	var log lockedBuffer
	var late []int64
	s := newServer(t, receiver.Options{
		Store: store, AnyPath: true, Ack: receiver.AckHandler, AckTimeout: time.Millisecond, Log: log.logger(),
		Dispatcher: answers(func(ctx context.Context) (*replay.Attempt, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
		Late: func(r replay.Receipt) { late = append(late, r.DeliveryID) },
	})
	got := record(s, "POST", "/webhooks/hook", "{}")
	assert.Equal(t, 200, got.Code)
	assert.Equal(t, "{}", got.Body.String())
	assert.Equal(t, []int64{1}, late)
	assert.Contains(t, log.String(), "acknowledged before the handler answered")
	assert.Equal(t, 200, keptOne(t, store).Arrivals[0].Answer)
}

// An answer that the sender did not wait for is not noted, so that its next try
// counts as a retry.
func TestAckHandlerWhenTheSenderHangsUp(t *testing.T) {
	store := memory.New()
	ctx, hangUp := context.WithCancel(t.Context())
	s := newServer(t, receiver.Options{Store: store, AnyPath: true, Ack: receiver.AckHandler,
		Dispatcher: answers(func(ctx context.Context) (*replay.Attempt, error) {
			hangUp()
			<-ctx.Done()
			return nil, ctx.Err()
		})})
	r := httptest.NewRequestWithContext(ctx, "POST", "/webhooks/hook", strings.NewReader("{}"))
	s.ServeHTTP(httptest.NewRecorder(), r)
	assert.Zero(t, kept(t, store)[0].Arrivals[0].Answer)
}

// Without --ack handler nobody waits for the target.
func TestAckStoreDoesNotWait(t *testing.T) {
	store := memory.New()
	s := newServer(t, receiver.Options{Store: store, AnyPath: true, Dispatcher: answers(func(context.Context) (*replay.Attempt, error) {
		t.Error("awaited")
		return nil, errors.New("no")
	})})
	assert.Equal(t, 200, record(s, "POST", "/webhooks/hook", "{}").Code)
	assert.Equal(t, []string{"first", "second"}, keptOne(t, store).Queued)
	require.Equal(t, 422, record(s, "POST", "/webhooks/hook", "no JSON").Code)
}

// A delivery that no route is for is acknowledged once it is stored.
func TestAckHandlerWithoutATarget(t *testing.T) {
	store := memory.New()
	d, err := replay.NewDispatcher(replay.DispatcherOptions{
		Store: store, Targets: []replay.Target{replay.NewFuncTarget("one", func(context.Context, *replay.Delivery) (any, error) { return nil, nil })},
		Routes: map[string]replay.Filter{"one": {Scopes: []payload.Scope{"repo"}}},
	})
	require.NoError(t, err)
	s := newServer(t, receiver.Options{Store: store, AnyPath: true, Ack: receiver.AckHandler, AckTimeout: time.Hour, Dispatcher: d})
	got := record(s, "POST", "/webhooks/hook", `{"event":{"scope":"discussion","action":"create"}}`)
	assert.Equal(t, 200, got.Code)
	kept := keptOne(t, store)
	assert.Empty(t, kept.Queued)
	assert.Equal(t, 200, kept.Arrivals[0].Answer)
}

func TestHandlersBesideADispatcherAreRefused(t *testing.T) {
	s := receiver.New(receiver.Options{Store: memory.New(), Dispatcher: noTargets{}})
	s.Handle("hook", ok)
	assert.ErrorContains(t, s.Serve(t.Context(), listen(t)), "the handlers would never run")
}

// The Hub is to try again: what was answered so on purpose is stored, and what
// follows is its retry.
func TestFailingOnPurpose(t *testing.T) {
	statuses := []int{503, 404, 0}
	store := memory.New()
	s := newServer(t, receiver.Options{Store: store, Dispatcher: answers(nil), AnyPath: true, Fail: func() int {
		next := statuses[0]
		statuses = statuses[1:]
		return next
	}})
	var answers []int
	for range 3 {
		r := httptest.NewRequest(http.MethodPost, "/webhooks/hook", strings.NewReader("{}"))
		r.Header.Set(replay.HeaderWebhookID, "one")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		answers = append(answers, w.Code)
	}
	assert.Equal(t, []int{503, 404, 200}, answers)
	d, err := store.Get(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, d.Arrivals, 3)
	for i, want := range answers {
		assert.Equal(t, want, d.Arrivals[i].Answer)
		assert.Equal(t, i > 0, d.Arrivals[i].Repeat == replay.Retry)
	}
}
