package replay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// outgoing gives all that a store holds, for these targets.
func outgoing(ctx context.Context, s replay.Store, targets ...replay.Target) iter.Seq2[replay.Outgoing, error] {
	return func(yield func(replay.Outgoing, error) bool) {
		for d, err := range s.List(ctx, replay.Filter{}) {
			for _, t := range targets {
				if !yield(replay.Outgoing{Delivery: d, Target: t}, err) || err != nil {
					return
				}
			}
		}
	}
}

// stored is a store with n deliveries about some repos.
func stored(t testing.TB, n, repos int) *memory.Store {
	t.Helper()
	s := memory.New()
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	for i := range n {
		appendTo(t, s, incoming(fmt.Sprint("id-", i), fmt.Sprint("repo-", i%repos)))
	}
	return s
}

// What was made up is sent the same way, and nothing is kept of it.
func TestABatchWithoutAStore(t *testing.T) {
	s, h := stored(t, 100, 3), &handler{name: "h"}
	told := 0
	require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Concurrency: 4, Done: func(o replay.Outcome) {
		told++
		assert.True(t, o.Attempt.OK())
		assert.NoError(t, o.Err)
	}}))
	assert.Equal(t, 100, told)
	assert.Len(t, h.got, 100)
	d, err := s.Get(t.Context(), 1)
	require.NoError(t, err)
	assert.Empty(t, d.Attempts)
}

func TestABatchOfOneAtATimeKeepsTheOrder(t *testing.T) {
	s, h := stored(t, 300, 7), &handler{name: "h"}
	var told []int64
	require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Store: s, Done: func(o replay.Outcome) {
		told = append(told, o.Delivery.ID)
		assert.NotZero(t, o.Attempt.ID)
		assert.Equal(t, replay.Replayed, o.Attempt.Kind)
	}}))
	assert.Len(t, told, 300)
	assert.True(t, slices.IsSorted(h.got))
	assert.Equal(t, told, h.got)
	assert.Equal(t, 1, h.highest)
}

func TestABatchOfManyAtATimeKeepsTheOrderOfARepo(t *testing.T) {
	s := stored(t, 1000, 30)
	h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		return &replay.Attempt{Status: 200}
	}}
	require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Store: s, Concurrency: 8}))
	assert.Len(t, h.got, 1000)
	assert.False(t, h.overlap, "two of one repo at the same time")
	assert.Greater(t, h.highest, 1)
	assert.LessOrEqual(t, h.highest, 8)
	for repo, ids := range h.byRepo {
		assert.True(t, slices.IsSorted(ids), repo)
	}
}

func TestAnUnorderedBatchSendsOneRepoAtTheSameTime(t *testing.T) {
	s := stored(t, 8, 1)
	all := make(chan struct{})
	var there atomic.Int32
	h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
		if there.Add(1) == 8 {
			close(all)
		}
		<-all // not before all are there
		return &replay.Attempt{Status: 200}
	}}
	require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Store: s, Concurrency: 8, Unordered: true}))
	assert.Equal(t, 8, h.highest)
}

func TestABatchKeepsTheSpacing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		defer s.Close()
		base := time.Now()
		for i, after := range []time.Duration{0, time.Minute, 50 * time.Second, 3 * time.Minute} {
			in := incoming(fmt.Sprint(i), "repo")
			in.Arrival.Time = base.Add(after)
			appendTo(t, s, in)
		}
		var at []time.Duration
		begun := time.Now()
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			at = append(at, time.Since(begun))
			return &replay.Attempt{Status: 200}
		}}
		require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Store: s, Speed: 10}))
		assert.Equal(t, []time.Duration{0, 6 * time.Second, 6 * time.Second, 18 * time.Second}, at)
	})
}

func TestABatchKeepsToARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h := stored(t, 41, 3), &handler{name: "h"}
		begun := time.Now()
		require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Store: s, Rate: 20, Concurrency: 8}))
		assert.InDelta(t, 2, time.Since(begun).Seconds(), 0.01)
		assert.Len(t, h.got, 41)
	})
}

func TestABatchMakesUpForLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stored(t, 30, 3)
		var at []time.Duration
		begun := time.Now()
		h := &handler{name: "h", reply: func(_ context.Context, d *replay.Delivery) *replay.Attempt {
			at = append(at, time.Since(begun))
			if d.ID == 10 {
				time.Sleep(time.Minute)
			}
			return &replay.Attempt{Status: 200}
		}}
		require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Store: s, Rate: 200}))
		assert.Equal(t, 45*time.Millisecond, at[9])
		after := time.Minute + 45*time.Millisecond
		assert.Equal(t, []time.Duration{after, after, after, after + 5*time.Millisecond}, at[10:14], "no burst after a rest")
	})
}

func TestABatchIsToldToStop(t *testing.T) {
	s := stored(t, 500, 500)
	h := &handler{name: "h", reply: func(_ context.Context, d *replay.Delivery) *replay.Attempt {
		if d.ID == 20 {
			return &replay.Attempt{Status: 500}
		}
		return &replay.Attempt{Status: 200}
	}}
	sent, unsent := 0, 0
	require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Store: s, Concurrency: 4, Done: func(o replay.Outcome) {
		if o.Attempt == nil {
			unsent++
		} else {
			sent++
		}
	}, Stop: func(a *replay.Attempt) bool { return !a.OK() }}))
	assert.Equal(t, len(h.got), sent)
	assert.GreaterOrEqual(t, sent, 20)
	assert.Less(t, sent, 500)
	assert.Positive(t, unsent, "what was read is told of")
}

func TestABatchOfOneAtATimeStopsAtOnce(t *testing.T) {
	s := stored(t, 50, 5)
	h := &handler{name: "h", reply: func(_ context.Context, d *replay.Delivery) *replay.Attempt {
		return &replay.Attempt{Status: 200 + 300*int(d.ID/20)}
	}}
	require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{
		Store: s, Stop: func(a *replay.Attempt) bool { return !a.OK() },
	}))
	assert.Len(t, h.got, 20)
	assert.Empty(t, get(t, s, 21).Attempts)
}

func TestACancelledBatchRecordsWhatWasUnderWay(t *testing.T) {
	s := stored(t, 50, 50)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	under := make(chan struct{}, 50)
	h := &handler{name: "h", reply: func(ctx context.Context, _ *replay.Delivery) *replay.Attempt {
		under <- struct{}{}
		<-ctx.Done()
		return &replay.Attempt{Failure: replay.FailCancelled}
	}}
	go func() {
		for range 4 {
			<-under
		}
		cancel(why)
	}()
	err := replay.SendBatch(ctx, outgoing(t.Context(), s, h), replay.BatchOptions{Store: s, Concurrency: 4})
	require.ErrorIs(t, err, why)
	kept := 0
	for d, err := range s.List(t.Context(), replay.Filter{Attempts: []replay.AttemptStatus{"failed"}}) {
		require.NoError(t, err)
		kept++
		assert.Equal(t, replay.FailCancelled, d.Attempts[0].Failure)
	}
	assert.Equal(t, 4, kept)
	assert.Empty(t, under, "more than four were sent")
}

func TestABatchSendsEditedDeliveries(t *testing.T) {
	s := stored(t, 1, 1)
	var body []byte
	h := &handler{name: "h", reply: func(_ context.Context, d *replay.Delivery) *replay.Attempt {
		body = d.Body
		return &replay.Attempt{Status: 200}
	}}
	out := func(yield func(replay.Outgoing, error) bool) {
		yield(replay.Outgoing{Delivery: get(t, s, 1), Target: h, Sent: &replay.Sent{Body: []byte("other")}}, nil)
	}
	require.NoError(t, replay.SendBatch(t.Context(), out, replay.BatchOptions{Store: s}))
	assert.Equal(t, "other", string(body))
	d := get(t, s, 1)
	assert.Equal(t, "id-0", string(d.Body))
	assert.Equal(t, "other", string(d.Attempts[0].Sent.Body))
}

// flaky is a store whose Finish fails now and then.
type flaky struct {
	replay.Store
	fail func(attempts []*replay.Attempt) error
}

func (f *flaky) Finish(ctx context.Context, attempts ...*replay.Attempt) error {
	if err := f.fail(attempts); err != nil {
		return err
	}
	return f.Store.Finish(ctx, attempts...)
}

func TestABatchEndsWhenNothingCanBeKept(t *testing.T) {
	s, h := stored(t, 2000, 100), &handler{name: "h"}
	full := errors.New("disk full")
	var unkept int
	err := replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{
		Store: &flaky{s, func([]*replay.Attempt) error { return full }}, Concurrency: 4,
		Done: func(o replay.Outcome) {
			if o.Attempt != nil {
				unkept++
				assert.ErrorIs(t, o.Err, full)
			}
		},
	})
	require.ErrorIs(t, err, full)
	assert.Equal(t, len(h.got), unkept)
	assert.Less(t, unkept, 2000)
}

func TestABatchGoesOnWithoutADeletedDelivery(t *testing.T) {
	s, h := stored(t, 200, 10), &handler{name: "h"}
	gone := &flaky{s, func(attempts []*replay.Attempt) error {
		if slices.ContainsFunc(attempts, func(a *replay.Attempt) bool { return a.DeliveryID == 100 }) {
			return replay.ErrNotFound
		}
		return nil
	}}
	kept := 0
	require.NoError(t, replay.SendBatch(t.Context(), outgoing(t.Context(), s, h), replay.BatchOptions{Store: gone, Concurrency: 4, Done: func(o replay.Outcome) {
		assert.NoError(t, o.Err)
		if o.Attempt.ID != 0 {
			kept++
		}
	}}))
	assert.Equal(t, 199, kept)
	assert.Len(t, h.got, 200)
}

// TestEveryDeliveryIsSentOnceOrReported is the promise of SendBatch, whatever
// fails, stops or is cancelled, and when.
func TestEveryDeliveryIsSentOnceOrReported(t *testing.T) {
	for range 300 {
		seed := rand.Uint64()
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			s := memory.New()
			defer s.Close()
			n, repos := r.IntN(200), 1+r.IntN(20)
			for i := range n {
				in := incoming(fmt.Sprint("id-", i), fmt.Sprint("repo-", i%repos))
				in.Arrival.Time = time.Now().Add(time.Duration(i) * 10 * time.Millisecond)
				appendTo(t, s, in)
			}
			seconds, fails := make([]time.Duration, n+1), make([]bool, n+1)
			for i := range seconds {
				seconds[i], fails[i] = time.Duration(r.IntN(100))*time.Millisecond, r.IntN(10) == 0
			}
			var mu sync.Mutex
			got := map[int64]int{}
			reply := func(ctx context.Context, d *replay.Delivery) *replay.Attempt {
				mu.Lock()
				got[d.ID]++
				mu.Unlock()
				select {
				case <-ctx.Done():
					return &replay.Attempt{Failure: replay.FailCancelled}
				case <-time.After(seconds[d.ID]):
				}
				if fails[d.ID] {
					return &replay.Attempt{Failure: replay.FailRefused}
				}
				return &replay.Attempt{Status: 200}
			}
			a, b := &handler{name: "a", reply: reply}, &handler{name: "b", reply: reply}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := replay.BatchOptions{Store: s, Concurrency: 1 + r.IntN(8), Unordered: r.IntN(2) == 0}
			if r.IntN(3) == 0 {
				o.Rate = float64(1 + r.IntN(1000))
			}
			if r.IntN(3) == 0 {
				o.Speed = 1 + 10*r.Float64()
			}
			if r.IntN(2) == 0 {
				time.AfterFunc(time.Duration(r.IntN(3000))*time.Millisecond, cancel)
			}
			stopAt := 1 + r.IntN(3*n+1)
			unkeepable := r.IntN(4 * (n + 1))
			o.Store = &flaky{s, func(attempts []*replay.Attempt) error {
				for _, a := range attempts {
					if a.DeliveryID == int64(unkeepable) {
						return errors.New("cannot be kept")
					}
				}
				return nil
			}}
			type key struct {
				id     int64
				target string
			}
			given, sent, unsent := map[key]int{}, map[key]int{}, map[key]int{}
			asked := 0
			o.Stop = func(*replay.Attempt) bool {
				asked++
				return asked >= stopAt
			}
			o.Done = func(out replay.Outcome) {
				k := key{out.Delivery.ID, out.Target.Name()}
				if out.Attempt == nil {
					unsent[k]++
				} else {
					sent[k]++
				}
			}
			seq := func(yield func(replay.Outgoing, error) bool) {
				for out, err := range outgoing(ctx, s, a, b) {
					if err != nil { // cancelled
						yield(out, err)
						return
					}
					given[key{out.Delivery.ID, out.Target.Name()}]++
					if !yield(out, nil) {
						return
					}
				}
			}
			_ = replay.SendBatch(ctx, seq, o)
			for k, times := range given {
				require.Equal(t, 1, times)
				require.Equal(t, 1, sent[k]+unsent[k], "seed %d: %v", seed, k)
				got[k.id] -= sent[k]
			}
			require.Len(t, given, len(sent)+len(unsent), "seed %d", seed)
			for id, more := range got {
				require.Zero(t, more, "seed %d: %d was sent and not told", seed, id)
			}
		})
	}
}
