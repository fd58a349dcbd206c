package replay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
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

// incoming is an accepted arrival for these targets.
func incoming(id, repo string, targets ...string) replay.Incoming {
	return replay.Incoming{
		Delivery: replay.Delivery{WebhookID: id, Repo: repo, Verdict: replay.Accepted, Body: []byte(id)},
		Targets:  targets,
	}
}

func appendTo(t testing.TB, s replay.Store, in replay.Incoming) replay.Receipt {
	t.Helper()
	r, err := s.Append(t.Context(), in)
	require.NoError(t, err)
	return r
}

func get(t testing.TB, s replay.Store, id int64) *replay.Delivery {
	t.Helper()
	d, err := s.Get(t.Context(), id)
	require.NoError(t, err)
	return d
}

// run starts a dispatcher; stop ends it and gives what Run returned.
func run(t testing.TB, o replay.DispatcherOptions) (d *replay.Dispatcher, stop func() error) {
	t.Helper()
	d, err := replay.NewDispatcher(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { stop() })
	return d, stop
}

// handler is a target that notes what it gets. It answers with what reply
// returns; nil is a success at once.
type handler struct {
	name  string
	reply func(ctx context.Context, d *replay.Delivery) *replay.Attempt

	mu      sync.Mutex
	got     []int64
	byRepo  map[string][]int64
	busy    map[string]bool
	flying  int
	highest int
	overlap bool
}

func (h *handler) Name() string { return h.name }

func (h *handler) Send(ctx context.Context, d *replay.Delivery) *replay.Attempt {
	repo := strings.ToLower(d.Repo)
	h.mu.Lock()
	if h.byRepo == nil {
		h.byRepo, h.busy = make(map[string][]int64), make(map[string]bool)
	}
	h.overlap = h.overlap || h.busy[repo]
	h.busy[repo] = true
	h.flying++
	h.highest = max(h.highest, h.flying)
	h.mu.Unlock()

	a := &replay.Attempt{Status: 200}
	if h.reply != nil {
		a = h.reply(ctx, d)
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy[repo] = false
	h.flying--
	if a.Failure != replay.FailRefused && a.Failure != replay.FailCancelled {
		h.got = append(h.got, d.ID)
		h.byRepo[repo] = append(h.byRepo[repo], d.ID)
	}
	return a
}

func (h *handler) seen() []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

// assertOrder checks that all deliveries up to the last one came once, in order
// for each repo, never two of one repo at once.
func (h *handler) assertOrder(t *testing.T, last int64) {
	t.Helper()
	assert.False(t, h.overlap, "two of one repo at once")
	for repo, ids := range h.byRepo {
		assert.True(t, slices.IsSorted(ids), "%s: %v", repo, ids)
	}
	all := slices.Sorted(slices.Values(h.seen()))
	require.Len(t, all, int(last))
	for i, id := range all {
		require.EqualValues(t, i+1, id, "each once")
	}
}

func refused() *replay.Attempt {
	return &replay.Attempt{Failure: replay.FailRefused, Error: "nobody there"}
}

func TestDispatcherKeepsTheOrderOfEachRepo(t *testing.T) {
	for name, o := range map[string]replay.DispatcherOptions{
		"usual":      {},
		"small line": {MaxWaiting: 3, Concurrency: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory.New()
				h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
					time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
					return &replay.Attempt{Status: 500 - 300*rand.IntN(2)}
				}}
				repos := []string{"a/b", "A/B", "a/c", "d/e", "", "f/g"}
				for i := range 100 {
					appendTo(t, s, incoming(fmt.Sprint(i), repos[rand.IntN(len(repos))], "h"))
				}
				o.Store, o.Targets = s, []replay.Target{h}
				_, stop := run(t, o)
				for i := range 100 {
					appendTo(t, s, incoming(fmt.Sprint(100+i), repos[rand.IntN(len(repos))], "h"))
					time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
				}
				time.Sleep(time.Minute)
				require.NoError(t, stop())
				h.assertOrder(t, 200)
				assert.Greater(t, h.highest, 1, "repos do not wait for each other")
				if o.Concurrency > 0 {
					assert.LessOrEqual(t, h.highest, o.Concurrency)
				}
				for d, err := range s.List(t.Context(), replay.Filter{}) {
					require.NoError(t, err)
					assert.Len(t, d.Attempts, 1, "a failure is not repeated")
					assert.Empty(t, d.Queued)
					a := d.Attempts[0]
					assert.Equal(t, d.Arrivals[0].ID, a.ArrivalID)
					assert.Equal(t, replay.Live, a.Kind)
					assert.Equal(t, "h", a.Target)
				}
			})
		})
	}
}

// few is a handler that takes a few sends at once.
type few struct {
	*handler
	limit int
}

func (f few) Limit() int { return f.limit }

func TestDispatcherHeedsALimit(t *testing.T) {
	for limit, want := range map[int]int{1: 1, 3: 3, 0: 1, 100: 16} {
		synctest.Test(t, func(t *testing.T) {
			s := memory.New()
			slow := func(context.Context, *replay.Delivery) *replay.Attempt {
				time.Sleep(time.Second)
				return &replay.Attempt{Status: 200}
			}
			limited, other := few{&handler{name: "limited", reply: slow}, limit}, &handler{name: "other", reply: slow}
			for i := range 40 {
				appendTo(t, s, incoming(fmt.Sprint(i), fmt.Sprint(i), "limited", "other"))
			}
			_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{limited, other}})
			time.Sleep(time.Minute)
			require.NoError(t, stop())
			limited.assertOrder(t, 40)
			assert.Equal(t, want, limited.highest, limit)
			assert.Equal(t, 16, other.highest)
		})
	}
}

func TestDispatcherHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		var alive atomic.Bool
		var tries atomic.Int32
		down := &handler{name: "down", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			if tries.Add(1); !alive.Load() {
				return refused()
			}
			return &replay.Attempt{Status: 200}
		}}
		up := &handler{name: "up"}
		var holds []replay.Hold
		d, stop := run(t, replay.DispatcherOptions{
			Store: s, Targets: []replay.Target{down, up}, Concurrency: 1,
			Notify: func(h replay.Hold) { holds = append(holds, h) },
		})
		assert.Empty(t, d.Holds())
		start := time.Now()
		for i := range 10 {
			appendTo(t, s, incoming(fmt.Sprint(i), "a/b", "down", "up"))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Len(t, up.seen(), 10, "targets do not wait for each other")
		assert.Empty(t, down.seen())
		assert.InDelta(t, 35, tries.Load(), 3, "50 ms, doubled up to 2 s")
		require.Len(t, holds, 1, "said once")
		assert.Equal(t, replay.Hold{Target: "down", Since: start, Waiting: holds[0].Waiting, Reason: "nobody there"}, holds[0])
		assert.Positive(t, holds[0].Waiting)
		require.Len(t, d.Holds(), 1)
		assert.Equal(t, 10, d.Holds()[0].Waiting)
		for _, a := range get(t, s, 1).Attempts {
			assert.NotEqual(t, "down", a.Target, "nothing was sent, nothing is kept")
		}

		alive.Store(true)
		d.Kick()
		synctest.Wait()
		assert.Len(t, down.seen(), 10, "kicked, it does not wait for the backoff")
		require.Len(t, holds, 2)
		assert.True(t, holds[1].Over)
		assert.Equal(t, start, holds[1].Since)
		assert.Empty(t, d.Holds())
		require.NoError(t, stop())
		down.assertOrder(t, 10)
	})
}

func TestDispatcherHoldsThroughAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt { return refused() }}
		_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		for i := range 5 {
			appendTo(t, s, incoming(fmt.Sprint(i), "a/b", "h"))
		}
		time.Sleep(time.Second)
		require.NoError(t, stop())

		again := &handler{name: "h"}
		_, stop = run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{again}})
		synctest.Wait()
		require.NoError(t, stop())
		again.assertOrder(t, 5)
	})
}

func TestDispatcherOutlivesAHandlerThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		target := replay.NewFuncTarget("f", func(_ context.Context, d *replay.Delivery) (any, error) {
			if d.ID == 1 {
				runtime.Goexit()
			}
			return nil, nil
		})
		_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{target}})
		for i := range 2 {
			appendTo(t, s, incoming(fmt.Sprint(i), "a/b", "f"))
		}
		synctest.Wait()
		require.NoError(t, stop())
		for id, want := range map[int64]replay.Failure{1: replay.FailPanic, 2: ""} {
			attempts := get(t, s, id).Attempts
			if assert.Len(t, attempts, 1, "delivery %d", id) {
				assert.Equal(t, want, attempts[0].Failure)
			}
		}
	})
}

func TestDispatcherSendsAReplayThatComesDuringTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			time.Sleep(time.Second)
			return &replay.Attempt{Status: 200}
		}}
		d, _ := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		first := appendTo(t, s, incoming("w", "a/b", "h"))
		require.NoError(t, s.Answered(t.Context(), first.Arrival.ID, 202))
		time.Sleep(500 * time.Millisecond)
		again := appendTo(t, s, incoming("w", "a/b", "h"))
		require.Equal(t, replay.Replay, again.Arrival.Repeat)
		appendTo(t, s, incoming("x", "a/b", "h"))

		a, err := d.Await(t.Context(), again, "h")
		require.NoError(t, err)
		assert.Equal(t, again.Arrival.ID, a.ArrivalID)
		a, err = d.Await(t.Context(), first, "h")
		require.NoError(t, err)
		assert.Equal(t, first.Arrival.ID, a.ArrivalID)
		time.Sleep(10 * time.Second)
		assert.Equal(t, []int64{1, 1, 2}, h.seen())
		assert.False(t, h.overlap)
	})
}

func TestDispatcherTakesTheBacklogInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		first := appendTo(t, s, incoming("w", "a/b", "h"))
		require.NoError(t, s.Answered(t.Context(), first.Arrival.ID, 200))
		require.NoError(t, s.Finish(t.Context(), &replay.Attempt{
			DeliveryID: first.DeliveryID, ArrivalID: first.Arrival.ID, Target: "h", Kind: replay.Live, Status: 200,
		}))
		appendTo(t, s, incoming("x", "a/b", "h"))
		again := appendTo(t, s, incoming("w", "a/b", "h"))
		require.Equal(t, replay.Replay, again.Arrival.Repeat)

		h := &handler{name: "h"}
		_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		synctest.Wait()
		require.NoError(t, stop())
		assert.Equal(t, []int64{2, 1}, h.seen())
	})
}

// So it is too where the line takes only a part of it, and most came again.
func TestDispatcherTakesALongBacklogInOrderOfArrival(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			s := memory.New()
			var want []int64
			arrive := func(id int) {
				r := appendTo(t, s, incoming(fmt.Sprint(id), "a/b", "h"))
				require.NoError(t, s.Answered(t.Context(), r.Arrival.ID, 200))
				if r.Arrival.Repeat == replay.First && rng.IntN(2) == 0 { // it was sent before
					require.NoError(t, s.Finish(t.Context(), &replay.Attempt{
						DeliveryID: r.DeliveryID, ArrivalID: r.Arrival.ID, Target: "h", Kind: replay.Live, Status: 200,
					}))
					return
				}
				if !slices.Contains(want, r.DeliveryID) {
					want = append(want, r.DeliveryID)
				}
			}
			for i := range 40 {
				arrive(i)
				for rng.IntN(3) == 0 {
					arrive(rng.IntN(i + 1))
				}
			}

			h := &handler{name: "h"}
			_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}, MaxWaiting: 1 + rng.IntN(4)})
			synctest.Wait()
			require.NoError(t, stop())
			assert.Equal(t, want, h.seen(), "seed %d", seed)
		})
	}
}

func TestDispatcherHoldsWhatIsReplayedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		var alive atomic.Bool
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			time.Sleep(time.Second)
			if !alive.Load() {
				return refused()
			}
			return &replay.Attempt{Status: 200}
		}}
		d, _ := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		first := appendTo(t, s, incoming("w", "a/b", "h"))
		require.NoError(t, s.Answered(t.Context(), first.Arrival.ID, 200))
		appendTo(t, s, incoming("x", "a/b", "h"))
		time.Sleep(500 * time.Millisecond)
		again := appendTo(t, s, incoming("w", "a/b", "h"))
		time.Sleep(time.Minute)
		alive.Store(true)
		d.Kick()
		time.Sleep(time.Minute)
		assert.Equal(t, []int64{1, 2}, h.seen(), "one attempt is for both arrivals")
		for _, r := range []replay.Receipt{first, again} {
			a, err := d.Await(t.Context(), r, "h")
			require.NoError(t, err)
			assert.Equal(t, again.Arrival.ID, a.ArrivalID)
		}
	})
}

func TestDispatcherSendsARetryOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h := &handler{name: "h", reply: func(context.Context, *replay.Delivery) *replay.Attempt {
			time.Sleep(time.Second)
			return &replay.Attempt{Status: 200}
		}}
		d, _ := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		first := appendTo(t, s, incoming("w", "a/b", "h"))
		time.Sleep(500 * time.Millisecond)
		retry := appendTo(t, s, incoming("w", "a/b", "h"))
		a, err := d.Await(t.Context(), retry, "h")
		require.NoError(t, err)
		assert.Equal(t, first.Arrival.ID, a.ArrivalID, "it answers for the retry too")
		late := appendTo(t, s, incoming("w", "a/b", "h"))
		a, err = d.Await(t.Context(), late, "h")
		require.NoError(t, err)
		assert.Equal(t, first.Arrival.ID, a.ArrivalID)
		time.Sleep(10 * time.Second)
		assert.Equal(t, []int64{1}, h.seen())
	})
}

func TestDispatcherEnds(t *testing.T) {
	reply := func(ctx context.Context, d *replay.Delivery) *replay.Attempt {
		select {
		case <-time.After(3 * time.Second * time.Duration(d.ID)):
			return &replay.Attempt{Status: 200}
		case <-ctx.Done():
			return &replay.Attempt{Failure: replay.FailCancelled, Error: "cancelled"}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h := &handler{name: "h", reply: reply}
		d, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		appendTo(t, s, incoming("1", "a/1", "h"))
		appendTo(t, s, incoming("2", "a/2", "h"))
		held := appendTo(t, s, incoming("3", "a/2", "h"))
		awaited := make(chan error)
		go func() {
			_, err := d.Await(context.Background(), held, "h")
			awaited <- err
		}()
		synctest.Wait()
		start := time.Now()
		require.NoError(t, stop())
		assert.Equal(t, 5*time.Second, time.Since(start), "the grace")
		require.ErrorIs(t, <-awaited, replay.ErrStopped)
		assert.Len(t, get(t, s, 1).Attempts, 1, "had time to finish")
		for _, id := range []int64{2, 3} {
			assert.Empty(t, get(t, s, id).Attempts, "cancelled or not begun")
			assert.Equal(t, []string{"h"}, get(t, s, id).Queued)
		}
		require.Error(t, d.Run(t.Context()), "runs once")
	})
}

func TestNewDispatcherRefuses(t *testing.T) {
	_, err := replay.NewDispatcher(replay.DispatcherOptions{})
	require.ErrorContains(t, err, "store")
	_, err = replay.NewDispatcher(replay.DispatcherOptions{Store: memory.New(), Targets: []replay.Target{&handler{name: "a"}, &handler{name: "a"}}})
	require.ErrorContains(t, err, "two targets are named a")
	d, err := replay.NewDispatcher(replay.DispatcherOptions{Store: memory.New(), Targets: []replay.Target{&handler{name: "b"}, &handler{name: "a"}}})
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "a"}, d.Targets())
}

func TestResend(t *testing.T) {
	s := memory.New()
	r := appendTo(t, s, incoming("w", "a/b", "h"))
	a, err := replay.Resend(t.Context(), s, &handler{name: "h"}, get(t, s, r.DeliveryID))
	require.NoError(t, err)
	d := get(t, s, r.DeliveryID)
	require.Len(t, d.Attempts, 1)
	assert.Equal(t, *a, d.Attempts[0])
	assert.Equal(t, replay.Replayed, a.Kind)
	assert.Zero(t, a.ArrivalID)
	assert.NotZero(t, a.Started)
	assert.Equal(t, []string{"h"}, d.Queued, "the live attempt is still to come")

	a, err = replay.Resend(t.Context(), s, &handler{name: "h"}, &replay.Delivery{ID: 99})
	require.ErrorIs(t, err, replay.ErrNotFound)
	assert.Equal(t, 200, a.Status)
	assert.Zero(t, a.ID)
}
