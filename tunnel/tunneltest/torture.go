package tunneltest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel"
)

// Torture cuts the connection of a tunnel at any moment, in one of the ways of
// cuts, while deliveries come through it, each again until it is acknowledged.
// Every cut is survived; what was acknowledged had arrived as it was sent, and
// nothing came twice that was sent once. Nothing is left behind.
//
// It cuts once in each way, or as often as long says when TORTURE_SEED is set, and
// TORTURE_SHORT is not.
func Torture(t *testing.T, c Case, long int, cuts map[string]func(tunnel.Tunnel)) {
	t.Helper()
	seed, times := rand.Uint64(), len(cuts)
	if text := os.Getenv("TORTURE_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "TORTURE_SEED is a number")
		if os.Getenv("TORTURE_SHORT") == "" {
			times = long
		}
	}
	t.Logf("TORTURE_SEED=%d", seed)
	luck := rand.New(rand.NewPCG(seed, 0))
	names := slices.Sorted(maps.Keys(cuts))

	before := append([]goleak.Option{goleak.IgnoreCurrent()}, c.Lingering...)
	files := openFiles()
	r := open(t, c)
	patient := *r.client
	patient.Timeout = tortureTry
	r.client = &patient
	var seen arrivals
	r.serve(seen.serve)
	require.NoError(t, r.get())
	memory := heap()

	var posters poster
	posters.start(r, 4)
	done := map[string]int{}
	for n := range times {
		name := names[luck.IntN(len(names))]
		if n < len(names) { // each at least once
			name = names[n]
		}
		done[name]++
		cuts[name](r.tun)
		if luck.IntN(4) > 0 { // else the next one comes while it is still down
			comesBackNow(t, r, name)
			posters.await(t, posters.count()+int64(luck.IntN(8)))
		}
		time.Sleep(time.Duration(luck.Int64N(int64(5 * time.Millisecond))))
	}
	comesBackNow(t, r, "all of them")
	posters.await(t, posters.count()+8)
	posters.end()

	lost, doubled := seen.judge(&posters)
	require.NoError(t, r.tun.Err())
	assert.Less(t, heap(), memory+maxGrown, "memory is not given back")
	require.NoError(t, r.tun.Close())
	r.stop()
	r.client.CloseIdleConnections()
	if c.Released != nil {
		c.Released()
	}
	assert.EventuallyWithT(t, func(t *assert.CollectT) {
		assert.NoError(t, goleak.Find(before...))
		assert.LessOrEqual(t, openFiles(), files, "files are left open")
	}, 20*time.Second, 50*time.Millisecond)
	t.Logf("cuts: %v", done)
	t.Logf("torture: tunnel cuts %s: faults=%d acknowledged=%d lost=%d doubled=%d",
		c.Provider.Name(), times, posters.count(), len(lost), len(doubled))
	require.Empty(t, lost, "acknowledged, but not arrived as it was sent")
	require.Empty(t, doubled, "arrived twice, and was sent once")
}

// maxGrown is how much memory the test itself may use up meanwhile: what it
// sent, and the log.
const maxGrown = 64 << 20

// tortureTry bounds a request: through a connection that stands still, there is
// no answer.
const tortureTry = 500 * time.Millisecond

// comesBackNow waits until the tunnel works. What stands still, only a probe
// notices; hfhook dev kicks it then. Pauses are cut short the same way.
func comesBackNow(t *testing.T, r *rig, after string) {
	t.Helper()
	late := time.Now().Add(time.Minute)
	for kicked := 0; r.get() != nil; {
		all := r.events.All()
		last := all[len(all)-1]
		stands := last.State == tunnel.Online && time.Since(last.Time) > tortureTry
		e, _ := errors.AsType[*tunnel.Error](last.Err)
		pauses := last.Retry > 0 && e.Code != "dns" // that is waited for
		if kicked < len(all) && (stands || pauses) {
			kicked = len(all)
			r.tun.Kick()
		}
		require.True(t, time.Now().Before(late), "it is not back after %s: %v %v", after, last, r.tun.Err())
		time.Sleep(2 * time.Millisecond)
	}
}

// poster sends deliveries, each until it is acknowledged.
type poster struct {
	stop    atomic.Bool
	wg      sync.WaitGroup
	tries   atomic.Int64
	answers atomic.Int64

	mu           sync.Mutex
	sent         map[string][sha256.Size]byte
	acknowledged []string // tries
}

func (p *poster) start(r *rig, senders int) {
	p.sent = map[string][sha256.Size]byte{}
	for range senders {
		p.wg.Go(func() {
			for !p.stop.Load() {
				body := make([]byte, 1+rand.IntN(64<<10))
				for i := range body {
					body[i] = byte(rand.Uint32())
				}
				for !p.stop.Load() && p.try(r, body) != nil {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
}

var errNotTaken = errors.New("not acknowledged")

func (p *poster) try(r *rig, body []byte) error {
	id := strconv.FormatInt(p.tries.Add(1), 10)
	p.mu.Lock()
	p.sent[id] = sha256.Sum256(body)
	p.mu.Unlock()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.tun.URL().String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Try", id)
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || string(text) != "got "+id {
		return errNotTaken
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acknowledged = append(p.acknowledged, id)
	p.answers.Add(1)
	return nil
}

func (p *poster) count() int64 { return p.answers.Load() }

func (p *poster) await(t *testing.T, n int64) {
	t.Helper()
	require.Eventually(t, func() bool { return p.count() >= n }, time.Minute, time.Millisecond, "deliveries are acknowledged")
}

func (p *poster) end() {
	p.stop.Store(true)
	p.wg.Wait()
}

// arrivals are the requests that came out of the tunnel.
type arrivals struct {
	mu   sync.Mutex
	seen map[string][][sha256.Size]byte // by try
}

func (a *arrivals) serve(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Try")
	if id == "" {
		ok(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it was cut while it came
	}
	a.mu.Lock()
	if a.seen == nil {
		a.seen = map[string][][sha256.Size]byte{}
	}
	a.seen[id] = append(a.seen[id], sha256.Sum256(body))
	a.mu.Unlock()
	fmt.Fprintf(w, "got %s", id)
}

func (a *arrivals) judge(p *poster) (lost, doubled []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range p.acknowledged {
		if len(a.seen[id]) == 0 || a.seen[id][0] != p.sent[id] {
			lost = append(lost, id)
		}
	}
	for id, all := range a.seen {
		if len(all) > 1 {
			doubled = append(doubled, id)
		}
		if all[0] != p.sent[id] {
			lost = append(lost, id)
		}
	}
	return lost, doubled
}

// openFiles is how many files this process has open, where that can be found
// out: 0.
func openFiles() int {
	all, _ := os.ReadDir("/proc/self/fd")
	return len(all)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
