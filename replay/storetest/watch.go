package storetest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

func testWatch(t *testing.T, s replay.Store) {
	old := add(t, s, incoming(delivery("", "old"), targetA))
	ctx, cancel := context.WithCancel(t.Context())
	pull, stop := iter.Pull2(s.Watch(ctx))
	defer stop()

	// Whether the reader is there already or comes later, it is told the same.
	for _, name := range []string{"before the reader came", "while it reads"} {
		in := incoming(delivery(name, "body"), targetA, targetB)
		first := add(t, s, in)
		require.NoError(t, s.Answered(t.Context(), first.Arrival.ID, 200))
		again := add(t, s, in)
		a, b := attempt(first.DeliveryID, targetA), attempt(old.DeliveryID, targetB)
		b.Body = []byte("answer")
		require.NoError(t, s.Finish(t.Context(), a, b))

		n := next(t, pull)
		require.NotNil(t, n.Arrival, name)
		assert.Nil(t, n.Attempt)
		assert.Equal(t, first.DeliveryID, n.Arrival.ID)
		assert.Equal(t, []byte("body"), n.Arrival.Body)
		assert.Equal(t, in.Delivery.Header, n.Arrival.Header)
		require.Len(t, n.Arrival.Arrivals, 1, "later arrivals are later news")
		assert.Equal(t, first.Arrival.ID, n.Arrival.Arrivals[0].ID)
		assert.Empty(t, n.Arrival.Attempts, "later attempts too")

		n = next(t, pull)
		require.NotNil(t, n.Arrival)
		require.Len(t, n.Arrival.Arrivals, 2)
		assert.Equal(t, again.Arrival, n.Arrival.Arrivals[1])
		assert.Equal(t, []byte("body"), n.Arrival.Body)
		assert.Contains(t, n.Arrival.Queued, targetB)

		n = next(t, pull)
		require.NotNil(t, n.Attempt)
		assert.Nil(t, n.Arrival)
		assert.Equal(t, plainAttempt(*a), plainAttempt(*n.Attempt))
		assert.Equal(t, plainAttempt(*b), plainAttempt(*next(t, pull).Attempt))
	}

	during := add(t, s, incoming(delivery("before the end", "body")))
	cancel()
	require.Equal(t, during.DeliveryID, next(t, pull).Arrival.ID, "what was durable when its context ended")
	_, err, ok := pull()
	assert.NoError(t, err)
	assert.False(t, ok, "goes on after its context")
}

func testWatchStart(t *testing.T, s replay.Store) {
	add(t, s, incoming(delivery("", "before")))
	news := s.Watch(t.Context())
	want := add(t, s, incoming(delivery("", "after")))
	for n, err := range news {
		require.NoError(t, err)
		assert.Equal(t, want.DeliveryID, n.Arrival.ID)
		break
	}
}

// testSlowWatch has one reader that reads nothing until all was written. It
// delays nobody and misses nothing, also not what is in between.
func testSlowWatch(t *testing.T, s replay.Store) {
	const n = 2000 // more than a store is likely to hold for its readers
	slow, stopSlow := iter.Pull2(s.Watch(t.Context()))
	defer stopSlow()
	first := add(t, s, incoming(delivery("", "the first")))
	require.Equal(t, first.DeliveryID, next(t, slow).Arrival.ID)

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range n / 8 {
				r, err := s.Append(t.Context(), incoming(delivery("", "body")))
				if !assert.NoError(t, err) {
					return
				}
				if r.DeliveryID%4 == 0 {
					assert.NoError(t, s.Finish(t.Context(), attempt(r.DeliveryID, targetA)))
				}
			}
		})
	}
	wg.Wait()
	var arrived, attempted []int64
	last := first.Arrival.ID
	for len(arrived) < n || len(attempted) < len(arrived)/4 {
		news := next(t, slow)
		if a := news.Attempt; a != nil {
			attempted = append(attempted, a.DeliveryID)
			continue
		}
		d := news.Arrival
		arrived = append(arrived, d.ID)
		require.Greater(t, d.Arrivals[0].ID, last)
		last = d.Arrivals[0].ID
	}
	require.True(t, slices.IsSorted(arrived), "out of order")
	assert.Equal(t, int64(n+1), arrived[n-1])
	slices.Sort(attempted)
	assert.Len(t, slices.Compact(attempted), (n+1)/4)
}

func testConcurrency(t *testing.T, s replay.Store) {
	const writers, each = 64, 20
	news, stop := iter.Pull2(s.Watch(t.Context()))
	defer stop()
	var mu sync.Mutex
	receipts := map[int64]string{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				body := fmt.Sprint(w, "/", i)
				r, err := s.Append(t.Context(), incoming(delivery(body, body), targetA))
				if !assert.NoError(t, err) {
					return
				}
				assert.NoError(t, s.Answered(t.Context(), r.Arrival.ID, 200))
				d, err := s.Get(t.Context(), r.DeliveryID)
				if assert.NoError(t, err, "not there after Append") {
					assert.Equal(t, body, string(d.Body))
				}
				assert.NoError(t, s.Finish(t.Context(), attempt(r.DeliveryID, targetA)))
				mu.Lock()
				receipts[r.DeliveryID] = body
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, receipts, writers*each)
	for id := int64(1); id <= writers*each; {
		n := next(t, news)
		if n.Arrival == nil {
			continue
		}
		require.Equal(t, id, n.Arrival.ID, "ids are dense, and the order of the news")
		require.Equal(t, receipts[id], string(n.Arrival.Body))
		id++
	}
	for d, err := range s.List(t.Context(), replay.Filter{}) {
		require.NoError(t, err)
		require.Len(t, d.Attempts, 1)
		require.Empty(t, d.Queued)
	}
	// All at once, the same: one delivery with many arrivals.
	for range writers {
		wg.Go(func() {
			_, err := s.Append(t.Context(), incoming(delivery("same", "same"), targetA))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	d := list(t, s, replay.Filter{WebhookID: "same"})
	require.Len(t, d, 1)
	assert.Len(t, d[0].Arrivals, writers)
	assert.Equal(t, []string{targetA}, d[0].Queued)
}

func testContext(t *testing.T, s replay.Store) {
	r := add(t, s, incoming(delivery("", "")))
	ctx := ended(t)
	_, err := s.Append(ctx, incoming(delivery("", "never")))
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, s.Finish(ctx, attempt(r.DeliveryID, targetA)), context.Canceled)
	_, err = s.Get(ctx, r.DeliveryID)
	assert.ErrorIs(t, err, context.Canceled)
	seen := 0
	for _, err := range s.List(ctx, replay.Filter{}) {
		assert.ErrorIs(t, err, context.Canceled)
		seen++
	}
	assert.Equal(t, 1, seen)
	for n, err := range s.Watch(ctx) {
		assert.Fail(t, "watch went on", "%v %v", n, err)
	}
	assert.Len(t, list(t, s, replay.Filter{}), 1, "an arrival was kept although Append failed")
	assert.Empty(t, get(t, s, r.DeliveryID).Attempts)
}

func testClose(t *testing.T, s replay.Store) {
	r := add(t, s, incoming(delivery("", ""), targetA))
	news, stop := iter.Pull2(s.Watch(t.Context()))
	defer stop()
	add(t, s, incoming(delivery("", "")))
	next(t, news)
	watched := make(chan error, 1)
	go func() {
		_, err, _ := news()
		watched <- err
	}()
	require.NoError(t, s.Close())
	assert.ErrorIs(t, <-watched, replay.ErrClosed)

	_, err := s.Append(t.Context(), incoming(delivery("", "")))
	assert.ErrorIs(t, err, replay.ErrClosed)
	assert.ErrorIs(t, s.Finish(t.Context(), attempt(r.DeliveryID, targetA)), replay.ErrClosed)
	assert.ErrorIs(t, s.Answered(t.Context(), r.Arrival.ID, 200), replay.ErrClosed)
	_, err = s.Get(t.Context(), r.DeliveryID)
	assert.ErrorIs(t, err, replay.ErrClosed)
	for _, err := range s.List(t.Context(), replay.Filter{}) {
		assert.ErrorIs(t, err, replay.ErrClosed)
	}
	for _, err := range s.Watch(t.Context()) {
		assert.ErrorIs(t, err, replay.ErrClosed)
	}
	assert.NoError(t, s.Close(), "a second Close")
}
