package replay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// Whatever comes again, refuses, fails and is restarted meanwhile: every
// arrival that was queued has an attempt that began after it, nothing has more
// attempts than it was queued, and first attempts keep the order of each repo.
func TestDispatcherDoesAllThatWasAskedFor(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 0))
				// Recording takes its time, so that much happens meanwhile.
				s := &faulty{memory.New(), func(method string) error {
					if method == "Finish" {
						time.Sleep(20 * time.Millisecond)
					}
					return nil
				}}
				var targets []replay.Target
				var handlers []*handler
				for _, name := range []string{"a", "b"} {
					flaky := rand.New(rand.NewPCG(seed, uint64(len(targets))))
					var mu sync.Mutex
					h := &handler{name: name, reply: func(context.Context, *replay.Delivery) *replay.Attempt {
						mu.Lock()
						n := flaky.IntN(50)
						mu.Unlock()
						time.Sleep(time.Duration(n) * time.Millisecond / 10)
						switch {
						case n < 1:
							return refused()
						case n < 10:
							return &replay.Attempt{Status: 500}
						}
						return &replay.Attempt{Status: 200}
					}}
					handlers, targets = append(handlers, h), append(targets, h)
				}

				queued := make(map[string][]replay.Receipt)
				o := replay.DispatcherOptions{Store: s, Targets: targets, MaxWaiting: 1 + rng.IntN(20), Concurrency: 1 + rng.IntN(4)}
				_, stop := run(t, o)
				for i := range 300 {
					if i%100 == 99 {
						require.NoError(t, stop())
						_, stop = run(t, o)
					}
					n := rng.IntN(20 + i/2) // few at a time: many come again
					r := appendTo(t, s, incoming(fmt.Sprint(n), fmt.Sprint("r/", n%5), "a", "b"))
					for _, name := range r.Queued {
						queued[name] = append(queued[name], r)
					}
					if rng.IntN(2) == 0 {
						require.NoError(t, s.Answered(t.Context(), r.Arrival.ID, 200))
					}
					time.Sleep(time.Duration(rng.IntN(8)) * time.Millisecond)
				}
				time.Sleep(time.Hour)
				require.NoError(t, stop())

				for _, h := range handlers {
					assert.False(t, h.overlap, "two of one repo at once")
					asked := make(map[int64]int)
					for _, r := range queued[h.name] {
						asked[r.DeliveryID]++
						answered := false
						for _, a := range get(t, s, r.DeliveryID).Attempts {
							answered = answered || a.Target == h.name && a.ArrivalID >= r.Arrival.ID
						}
						assert.True(t, answered, "arrival %d of delivery %d", r.Arrival.ID, r.DeliveryID)
					}
					seen := make(map[int64]int)
					for repo, ids := range h.byRepo {
						var last int64
						for _, id := range ids {
							if seen[id]++; seen[id] == 1 {
								assert.Greater(t, id, last, "order of %s", repo)
								last = id
							}
						}
					}
					for id, n := range seen {
						assert.LessOrEqual(t, n, asked[id], "delivery %d", id)
					}
				}
				for d, err := range s.List(t.Context(), replay.Filter{}) {
					require.NoError(t, err)
					assert.Empty(t, d.Queued)
				}
			})
		})
	}
}
