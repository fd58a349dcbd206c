package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// goalRig is a goal of a session with one handler and a store, without the rest
// of it.
type goalRig struct {
	*goal
	store *sqlite.Store
	name  string
}

func newGoalRig(t *testing.T, o sqlite.Options) *goalRig {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	handler, err := replay.NewHTTPTarget("http://127.0.0.1:1", replay.HTTPOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, handler.Close()) })
	d := &dev{store: store, targets: []target{handler}, reporter: new(notebook)}
	g := &goal{d: d, reached: make(chan struct{}), counted: map[int64]struct{}{}, unsent: map[int64]struct{}{}}
	return &goalRig{g, store, handler.Name()}
}

// arrive stores an arrival as the receiver does, and tells the goal.
func (r *goalRig) arrive(t *testing.T, webhookID string, targets ...string) int64 {
	t.Helper()
	receipt, err := r.store.Append(t.Context(), replay.Incoming{
		Delivery: replay.Delivery{WebhookID: webhookID, Verdict: replay.Accepted, Scope: "repo", Body: []byte(webhookID)},
		Targets:  targets,
	})
	require.NoError(t, err)
	d, err := r.store.Get(t.Context(), receipt.DeliveryID)
	require.NoError(t, err)
	r.arrived(t.Context(), d)
	return d.ID
}

func (r *goalRig) send(t *testing.T, id int64, target string, status int) {
	t.Helper()
	a := &replay.Attempt{DeliveryID: id, Target: target, Kind: replay.Live, Status: status}
	require.NoError(t, r.store.Finish(t.Context(), a))
	r.attempted(t.Context(), a)
}

func TestGoalIsReachedWhenAllWasSent(t *testing.T) {
	r := newGoalRig(t, sqlite.Options{})
	r.after = 2
	r.waits = []*wait{{filter: replay.Filter{Scopes: []payload.Scope{"repo"}}, words: "scope=repo"}}
	one := r.arrive(t, "one", r.name, "http://elsewhere") // of an earlier session
	assert.Equal(t, one, r.arrive(t, "one", r.name))
	assert.Equal(t, []string{"1 of 2 deliveries arrived"}, r.missing())
	two := r.arrive(t, "two", r.name)
	assert.Empty(t, r.missing())
	r.send(t, two, "http://elsewhere", 500)
	r.send(t, two, r.name, 204)
	assert.False(t, r.isReached())
	require.EqualError(t, r.missed(t.Context(), "over"), "over: delivery 1 still waits for http://127.0.0.1:1")
	three := r.arrive(t, "three", r.name)
	r.send(t, one, r.name, 500)
	assert.True(t, r.isReached(), "one more is not waited for")
	assert.Equal(t, []int64{two, one}, r.failedIDs())
	r.send(t, three, r.name, 200)
	r.arrive(t, "four", r.name)
	assert.Equal(t, "reached", r.state())
}

// What is removed meanwhile is not waited for.
func TestGoalWithoutTheDelivery(t *testing.T) {
	r := newGoalRig(t, sqlite.Options{})
	r.after = 1
	r.arrived(t.Context(), &replay.Delivery{ID: 99, Verdict: replay.Accepted})
	assert.True(t, r.isReached())
}

func TestGoalNamesWhatFailed(t *testing.T) {
	r := newGoalRig(t, sqlite.Options{})
	require.NoError(t, r.handlerErrors(t.Context()))
	for n := range maxFailures + 20 {
		r.attempted(t.Context(), &replay.Attempt{DeliveryID: int64(n/2 + 1), Target: r.name, Kind: replay.Live, Status: 500})
		r.attempted(t.Context(), &replay.Attempt{DeliveryID: 7000, Target: r.name, Kind: replay.Replayed, Status: 500})
	}
	err := r.handlerErrors(t.Context())
	assert.Regexp(t, `^510 deliveries failed at a handler: #1 500 .*, http://127.0.0.1:1; #2 .*; #10 .*; and 500 more$`, err.Error())
	code, _ := explain(err)
	assert.Equal(t, exitAnswer, code)

	fail := func(id int64) { r.fail(&replay.Attempt{DeliveryID: id, Status: 500}) }
	for n := range int64(maxFailures - 510) {
		fail(8000 + n)
		fail(8000 + n)
	}
	assert.Regexp(t, `^1000 deliveries failed at a handler: #1 .*; and 990 more$`, r.handlerErrors(t.Context()).Error())
	for range 2 { // once more, at another handler
		fail(9999)
	}
	assert.Len(t, r.failedIDs(), maxFailures, "bounded")
	assert.Regexp(t, `^more than 1000 deliveries failed at a handler: #1 .*; #10 .*; and more$`, r.handlerErrors(t.Context()).Error())

	waits := newGoalRig(t, sqlite.Options{})
	for n := range maxNamed + 2 {
		waits.arrive(t, fmt.Sprint(n), waits.name)
	}
	require.EqualError(t, waits.handlerErrors(t.Context()), "not sent to http://127.0.0.1:1: #1, #2, #3, #4, #5, #6, #7, #8, #9, #10, and more")
}

func TestGoalsVerdict(t *testing.T) {
	r := newGoalRig(t, sqlite.Options{})
	r.after, r.strict = 1, true
	ctx, end := context.WithCancelCause(t.Context())
	other := failed(fmt.Errorf("no tunnel"), "")
	require.ErrorIs(t, r.verdict(ctx, other, false), other)
	assert.NotContains(t, r.verdict(ctx, other, false).Error(), "arrived", "it did not begin")
	require.EqualError(t, r.verdict(ctx, other, true), "no tunnel\nended: 0 of 1 deliveries arrived")

	r.timeout = 30
	end(ending("over"))
	require.EqualError(t, r.verdict(ctx, nil, false), "not ready within 30ns")
	require.EqualError(t, r.verdict(ctx, nil, true), "over: 0 of 1 deliveries arrived")
	r.send(t, r.arrive(t, "one", r.name), r.name, 404)
	err := r.verdict(ctx, nil, true)
	require.ErrorContains(t, err, "1 delivery failed at a handler: #1 404 Not Found")
	code, hint := explain(err)
	assert.Equal(t, exitAnswer, code)
	assert.NotEmpty(t, hint)
	r.strict = false
	require.NoError(t, r.verdict(ctx, nil, true))
}

// Whoever ends a session while it still begins, it has not what it waits for.
func TestASessionThatEndsWhileItBegins(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	tunnel := fmt.Sprintf("ssh://x@%s?listen=127.0.0.1:1", silent.Addr())
	for name, c := range map[string]struct {
		flags []string
		end   os.Signal // nil: --timeout does it
		code  int
		said  string // empty: nothing
	}{
		"a goal, in time":    {[]string{"--exit-after", "1", "--timeout", "2s"}, nil, exitFailed, "hfhook: not ready within 2s\nhint: hfhook doctor tells what is in the way\n"},
		"no goal, in time":   {[]string{"--timeout", "2s"}, nil, exitFailed, "hfhook: not ready within 2s\n"},
		"a goal, by signal":  {[]string{"--exit-after", "1"}, os.Interrupt, exitFailed, "hfhook: interrupt signal received: 0 of 1 deliveries arrived\n"},
		"no goal, by signal": {nil, os.Interrupt, exitDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := startHFHook(t, t.TempDir(), append([]string{"dev", "--listen", "127.0.0.1:0", "--no-secret", "--tunnel", tunnel, "--public-url", "https://hooks.example.com"}, c.flags...)...)
			_, err := p.await(&p.err, `opening a tunnel: ssh`, 1)
			require.NoError(t, err)
			code, err := p.end(c.end)
			require.NoError(t, err)
			assert.Equal(t, c.code, code)
			if c.said == "" {
				assert.NotContains(t, p.err.String(), "hfhook: ")
			} else {
				assert.Contains(t, p.err.String(), c.said)
			}
		})
	}
}
