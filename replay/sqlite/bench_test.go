package sqlite_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// incoming is a delivery of about 2 KB, the n-th.
func incoming(n int64) replay.Incoming {
	body := make([]byte, 1500)
	copy(body, fmt.Sprintf(`{"event":{"action":"update","scope":"repo.content"},"n":%d,"pad":"`, n))
	for i := 80; i < len(body); i++ {
		body[i] = 'x'
	}
	scopes := []payload.Scope{"repo.content", "repo.config", "discussion", "discussion.comment"}
	return replay.Incoming{
		Delivery: replay.Delivery{
			WebhookID: rand.Text(),
			Method:    "POST", Path: "/webhooks/dev", Host: "example.test",
			Header: http.Header{
				"Content-Type": {"application/json"}, "User-Agent": {"HuggingFace/1.0"}, "Accept": {"*/*"},
				"X-Webhook-Secret": {replay.Redacted}, "X-Forwarded-For": {"192.0.2.7"}, "Accept-Encoding": {"gzip"},
			},
			Body: body, BodySize: int64(len(body)),
			Endpoint: "dev", Verdict: replay.Accepted,
			Scope: scopes[n%4], Action: "update", RepoType: "model",
			Repo: fmt.Sprintf("some-org/some-model-%d", n%211), Summary: "updated something on model some-org/some-model",
		},
		Arrival: replay.Arrival{Time: time.Now(), RemoteAddr: "192.0.2.7:4711"},
	}
}

// latencies collects durations of many goroutines.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(some []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, some...)
}

func (l *latencies) report(b *testing.B) {
	slices.Sort(l.all)
	if n := len(l.all); n > 0 {
		b.ReportMetric(float64(l.all[n/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(l.all[n*99/100].Microseconds())/1000, "p99-ms")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(0, "ns/op")
}

// inParallel calls f b.N times from so many goroutines.
func inParallel(b *testing.B, writers int, f func(n int64)) {
	var l latencies
	var next atomic.Int64
	b.ResetTimer()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			var mine []time.Duration
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					break
				}
				start := time.Now()
				f(n)
				mine = append(mine, time.Since(start))
			}
			l.add(mine)
		})
	}
	wg.Wait()
	b.StopTimer()
	l.report(b)
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("floor=file+sync/writers=%d", writers), func(b *testing.B) {
			log := newFloor(b)
			inParallel(b, writers, func(int64) { log.append() })
		})
		b.Run(fmt.Sprintf("store/writers=%d", writers), func(b *testing.B) {
			store := open(b, sqlite.Options{Keep: replay.Keep{Deliveries: replay.NoLimit, Bytes: replay.NoLimit}})
			inParallel(b, writers, func(n int64) {
				_, err := store.Append(b.Context(), incoming(n))
				require.NoError(b, err)
			})
		})
	}
	b.Run("dispatched/writers=64", func(b *testing.B) { benchmarkDispatched(b, sqlite.Options{}) })
	b.Run("dispatched+retention/writers=64", func(b *testing.B) {
		benchmarkDispatched(b, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 10_000}})
	})
}

// benchmarkDispatched does all that happens to a delivery: it is queued,
// answered, watched and finished.
func benchmarkDispatched(b *testing.B, o sqlite.Options) {
	store := open(b, o)
	ctx, cancel := context.WithCancel(b.Context())
	news := store.Watch(ctx)
	arrived := make(chan *replay.Delivery, 256)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(arrived)
		for n, err := range news {
			require.NoError(b, err)
			if n.Arrival == nil {
				continue
			}
			arrived <- n.Arrival
			if n.Arrival.ID == int64(b.N) {
				return
			}
		}
	})
	for range 8 { // what ends at the same time is kept at the same time
		wg.Go(func() {
			for d := range arrived {
				batch := []*replay.Attempt{finished(d)}
				for len(batch) < 64 && len(arrived) > 0 {
					if d, ok := <-arrived; ok {
						batch = append(batch, finished(d))
					}
				}
				require.NoError(b, store.Finish(ctx, batch...))
			}
		})
	}
	inParallel(b, 64, func(n int64) {
		in := incoming(n)
		in.Targets = []string{"http://localhost:3000"}
		r, err := store.Append(ctx, in)
		require.NoError(b, err)
		require.NoError(b, store.Answered(ctx, r.Arrival.ID, 200))
	})
	start := time.Now()
	wg.Wait()
	b.ReportMetric(time.Since(start).Seconds()*1000, "lag-ms")
	last := int64(0)
	for d, err := range store.List(b.Context(), replay.Filter{Limit: 1}) {
		require.NoError(b, err)
		last = d.ID
	}
	b.ReportMetric(float64(int64(b.N)-last+1), "kept")
	cancel()
}

func finished(d *replay.Delivery) *replay.Attempt {
	return &replay.Attempt{
		DeliveryID: d.ID, ArrivalID: d.Arrivals[0].ID, Target: "http://localhost:3000", Kind: replay.Live,
		Started: time.Now(), Duration: time.Millisecond, Status: 200,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"ok":true}`),
	}
}

// floor is what no store can beat: a file that is appended to and synced, for
// as many writers at a time as wait.
type floor struct {
	file *os.File
	jobs chan chan struct{}
}

func newFloor(b *testing.B) *floor {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	require.NoError(b, err)
	l := &floor{file: f, jobs: make(chan chan struct{}, 1024)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for j := range l.jobs {
			group := []chan struct{}{j}
			for range len(l.jobs) {
				group = append(group, <-l.jobs)
			}
			_, err := f.Write(make([]byte, 2048*len(group)))
			require.NoError(b, err)
			require.NoError(b, f.Sync())
			for _, j := range group {
				close(j)
			}
		}
	})
	b.Cleanup(func() {
		close(l.jobs)
		wg.Wait()
		f.Close()
	})
	return l
}

func (l *floor) append() {
	done := make(chan struct{})
	l.jobs <- done
	<-done
}

func open(tb testing.TB, o sqlite.Options) *sqlite.Store {
	tb.Helper()
	store, err := sqlite.Open(tb.Context(), filepath.Join(tb.TempDir(), "store.db"), o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, store.Close()) })
	return store
}
