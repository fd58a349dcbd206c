// Package storetest is the contract of replay.Store, as tests.
package storetest

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

// Factory makes stores for Run.
type Factory struct {
	// Open gives a store that is empty. Run closes it.
	Open func(t *testing.T) replay.Store
	// Reopen closes s and opens what it kept once more. Nil for a store that
	// forgets everything when it is closed.
	Reopen func(t *testing.T, s replay.Store) replay.Store
}

// Run tests what every replay.Store has to do.
func Run(t *testing.T, f Factory) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s replay.Store)
	}{
		{"keeps what arrived", testContent},
		{"gives small increasing ids", testIDs},
		{"knows repeats", testRepeats},
		{"keeps rejected apart", testRejected},
		{"promotes rejected", testPromotion},
		{"queues", testQueue},
		{"sends a replay that comes while the first is sent", testReplayInFlight},
		{"keeps attempts", testAttempts},
		{"finishes all or none", testFinishUnknown},
		{"filters", testFilters},
		{"filters by ref", testRefs},
		{"lists in order", testOrder},
		{"stops listing", testStop},
		{"watches", testWatch},
		{"watches from the call on", testWatchStart},
		{"waits for a slow reader", testSlowWatch},
		{"serves many at the same time", testConcurrency},
		{"does as a simple model does", testModel},
		{"ends with its context", testContext},
		{"closes", testClose},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := f.Open(t)
			t.Cleanup(func() { assert.NoError(t, s.Close()) })
			test.run(t, s)
		})
	}
	if f.Reopen != nil {
		t.Run("keeps everything when it is closed", func(t *testing.T) { testReopen(t, f) })
	}
}

const (
	targetA = "http://localhost:3000/hook"
	targetB = "command:./handle --fast"
)

// now is a moment that every store can keep exactly.
var now = time.Date(2026, 9, 1, 12, 30, 0, 123456000, time.UTC)

// delivery is a small accepted one.
func delivery(webhookID, body string) replay.Delivery {
	return replay.Delivery{
		WebhookID: webhookID,
		Method:    "POST",
		Path:      "/webhooks/dev",
		Host:      "example.test",
		Header:    http.Header{"Content-Type": {"application/json"}},
		Body:      []byte(body),
		BodySize:  int64(len(body)),
		Endpoint:  "dev",
		Verdict:   replay.Accepted,
		Scope:     "repo.content",
		Action:    "update",
		RepoType:  "model",
		Repo:      "org/name",
		Summary:   "something happened",
	}
}

func incoming(d replay.Delivery, targets ...string) replay.Incoming {
	return replay.Incoming{Delivery: d, Arrival: replay.Arrival{Time: now, RemoteAddr: "192.0.2.1:80"}, Targets: targets}
}

// attempt is a live one that went well.
func attempt(deliveryID int64, target string) *replay.Attempt {
	return &replay.Attempt{DeliveryID: deliveryID, Target: target, Kind: replay.Live, Started: now, Duration: time.Millisecond, Status: 200}
}

func add(t *testing.T, s replay.Store, in replay.Incoming) replay.Receipt {
	t.Helper()
	r, err := s.Append(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, r.DeliveryID, r.Arrival.DeliveryID)
	return r
}

func get(t *testing.T, s replay.Store, id int64) *replay.Delivery {
	t.Helper()
	d, err := s.Get(t.Context(), id)
	require.NoError(t, err)
	return d
}

func list(t *testing.T, s replay.Store, f replay.Filter) (found []*replay.Delivery) {
	t.Helper()
	for d, err := range s.List(t.Context(), f) {
		require.NoError(t, err)
		found = append(found, d)
	}
	return found
}

func ids(found []*replay.Delivery) []int64 {
	ids := []int64{}
	for _, d := range found {
		ids = append(ids, d.ID)
	}
	return ids
}

// plain makes deliveries comparable: nothing at all and an empty list are the
// same, and queues have no order.
func plain(d *replay.Delivery) replay.Delivery {
	c := *d
	if len(c.Header) == 0 {
		c.Header = nil
	}
	if len(c.Body) == 0 {
		c.Body = nil
	}
	c.Arrivals = append([]replay.Arrival(nil), d.Arrivals...)
	c.Attempts = nil
	for _, a := range d.Attempts {
		c.Attempts = append(c.Attempts, plainAttempt(a))
	}
	c.Queued = append([]string(nil), d.Queued...)
	slices.Sort(c.Queued)
	return c
}

func plainAttempt(a replay.Attempt) replay.Attempt {
	if len(a.Header) == 0 {
		a.Header = nil
	}
	if len(a.Body) == 0 {
		a.Body = nil
	}
	return a
}

// next gives what a pulled iterator gives, or fails after a while.
func next[T any](t *testing.T, pull func() (T, error, bool)) T {
	t.Helper()
	type result struct {
		v   T
		err error
		ok  bool
	}
	c := make(chan result, 1)
	go func() {
		v, err, ok := pull()
		c <- result{v, err, ok}
	}()
	select {
	case r := <-c:
		require.NoError(t, r.err)
		require.True(t, r.ok, "ended too early")
		return r.v
	case <-time.After(30 * time.Second):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

// ended is a context that is over.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
