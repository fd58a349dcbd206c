//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// stranger is what somebody sends who wants to take up a connection: the
// beginning at once, and of the rest a byte now and then.
type stranger struct{ beginning, rest string }

var floodKinds = []stranger{
	{},
	{beginning: "POST /webho"},
	{beginning: "POST /webhooks/dev HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: "},
	{"POST /webhooks/dev HTTP/1.1\r\nHost: x\r\nX-A: ", strings.Repeat("a", 4<<10)},
	{"GE", strings.Repeat("T", 4<<10)},
	{"POST /webhooks/dev HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: wrong\r\nContent-Length: 100000\r\n\r\n", strings.Repeat("{", 4<<10)},
	{"POST /webhooks/dev HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n", strings.Repeat("{", 4<<10)},
	{beginning: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
	{beginning: strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2000)}, // and reads none of the answers
	{beginning: "POST /webhooks/dev HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: wrong\r\nContent-Length: 2\r\n\r\n{}"},
}

// flood keeps many connections of strangers open.
type flood struct {
	addr   string
	opened atomic.Int64
	mu     sync.Mutex
	conns  []net.Conn
}

// open makes the ith connection, in the place of the one that was there.
func (f *flood) open(i int) error {
	// One address of loopback does not have ports enough.
	from := netip.AddrFrom4([4]byte{127, 0, byte(1 + i/10_000%200), 1})
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	conn, err := dialer.Dial("tcp", f.addr)
	if err != nil {
		return err
	}
	f.opened.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	at := &f.conns[i%len(f.conns)]
	if *at != nil {
		(*at).Close()
	}
	*at = conn
	_ = conn.SetDeadline(time.Now().Add(50 * time.Millisecond)) // it may read nothing
	_, _ = io.WriteString(conn, floodKinds[i%len(f.conns)%len(floodKinds)].beginning)
	return nil
}

// dribble has each connection send its next byte.
func (f *flood) dribble(n int) {
	f.mu.Lock()
	conns := slices.Clone(f.conns)
	f.mu.Unlock()
	for i, conn := range conns {
		if rest := floodKinds[i%len(floodKinds)].rest; conn != nil && n < len(rest) {
			_ = conn.SetDeadline(time.Now().Add(time.Millisecond))
			_, _ = io.WriteString(conn, rest[n:n+1]) // it may be closed
		}
	}
}

func (f *flood) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, conn := range f.conns {
		if conn != nil {
			conn.Close()
		}
	}
	clear(f.conns)
}

// footprint is what a process takes.
type footprint struct{ files, threads int }

func footprintOf(t *testing.T, pid int) (f footprint) {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	require.NoError(t, err)
	f.files = len(files)
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	require.NoError(t, err)
	f.threads = len(threads)
	return f
}

// collected is a line that GODEBUG=gctrace=1 has a program write for each
// collection of garbage; its group is the heap that was left, in MB.
const collected = `^gc \d+ .*->(\d+) MB, `

// heapOf gives the heap that p has in use, in MB. What the system says of its
// memory would be no use: the race detector gives none of its own back, and Go
// does so late. p works meanwhile, so that it collects its garbage, with GOGC=10
// soon; and twice, because the first time may have begun before.
func heapOf(t *testing.T, p *process, work func(context.Context)) int {
	t.Helper()
	done := len(regexp.MustCompile("(?m)"+collected).FindAllString(p.err.String(), -1))
	ctx, stop := context.WithCancel(t.Context())
	var line []string
	var err error
	go func() {
		defer stop()
		line, err = p.await(&p.err, collected, done+2)
	}()
	work(ctx)
	<-ctx.Done()
	require.NoError(t, err)
	heap, err := strconv.Atoi(line[1])
	require.NoError(t, err)
	return heap
}

// genuine sends deliveries as the Hub does, each on a connection of its own,
// at least one and until ctx ends. It calls sent with the id of each that was
// acknowledged, and how long that took.
func genuine(ctx context.Context, t *testing.T, url, secret, name string, sent func(id string, took time.Duration)) {
	transport := &http.Transport{DisableKeepAlives: true}
	client := http.Client{Transport: transport, Timeout: patience}
	body := samples(t)["repo.content.update.model.commit.composed.json"]
	for n := 0; n == 0 || ctx.Err() == nil; n++ {
		id := fmt.Sprintf("%s-%d", name, n)
		request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
		if !assert.NoError(t, err) {
			return
		}
		request.Header.Set(replay.HeaderSecret, secret)
		request.Header.Set(replay.HeaderWebhookID, id)
		begin := time.Now()
		answer, err := client.Do(request)
		if !assert.NoError(t, err, "after %s", time.Since(begin)) {
			return
		}
		answer.Body.Close()
		if !assert.Equal(t, http.StatusOK, answer.StatusCode) {
			return
		}
		sent(id, time.Since(begin))
	}
}

// TestTortureFlood opens far more connections than hfhook dev takes, all of
// people without the secret who send slowly, in part, or not at all.
func TestTortureFlood(t *testing.T) {
	long := os.Getenv("TORTURE_SEED") != "" && os.Getenv("TORTURE_SHORT") == ""
	for name, c := range map[string]struct{ files, connections, deliveries, longConnections, longDeliveries int }{
		"connections":               {0, 1500, 40, 10_000, 2000},
		"with few file descriptors": {100, 200, 12, 3000, 100},
	} {
		t.Run(name, func(t *testing.T) {
			connections, deliveries := c.connections, c.deliveries
			if long {
				connections, deliveries = c.longConnections, c.longDeliveries
			}
			var limit syscall.Rlimit
			require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
			if most := int(min(limit.Cur, 1<<20)) - 500; connections > most {
				t.Logf("%d connections are what the limit of %d files allows here, instead of %d", most, limit.Cur, connections)
				connections = most
			}
			floodDev(t, connections, c.files, deliveries)
		})
	}
}

// floodDev floods until so many deliveries were acknowledged.
func floodDev(t *testing.T, connections, files, deliveries int) {
	home, secret := t.TempDir(), rand.Text()
	store := filepath.Join(home, "store.db")
	command := `exec "$0" "$@"`
	if files > 0 {
		command = fmt.Sprintf("ulimit -n %d; ", files) + command
	}
	env := slices.Concat(os.Environ(), homeEnv(home), []string{"WEBHOOK_SECRET=" + secret, "GODEBUG=gctrace=1", "GOGC=10"})
	p, err := launch(t.Cleanup, env, home, "sh", "-c", command, "hfhook", "dev", "--json", "--listen", "127.0.0.1:0", "--tunnel", "none", "--store", store)
	require.NoError(t, err)
	line, err := p.await(&p.out, `^{"v":1,"type":"ready".*$`, 1)
	require.NoError(t, err)
	var ready readyRecord
	require.NoError(t, json.Unmarshal([]byte(line[0]), &ready))
	addr := strings.Split(ready.Local, "/")[2]

	var mu sync.Mutex
	var all []string
	var longest time.Duration
	enough := make(chan struct{})
	alone := func(name string) func(context.Context) {
		return func(ctx context.Context) {
			genuine(ctx, t, ready.Local, secret, name, func(id string, _ time.Duration) { all = append(all, id) })
		}
	}
	heapBefore := heapOf(t, p, alone("before"))
	before := footprintOf(t, p.cmd.Process.Pid)

	flooded := 0
	sent := func(id string, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		all, longest = append(all, id), max(longest, took)
		if flooded++; flooded == deliveries {
			close(enough)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var senders, strangers sync.WaitGroup
	for n := range 4 {
		senders.Go(func() { genuine(ctx, t, ready.Local, secret, fmt.Sprintf("flood-%d", n), sent) })
	}
	f := &flood{addr: addr, conns: make([]net.Conn, connections)}
	defer f.close()
	var full sync.WaitGroup
	const openers = 8
	for n := range openers {
		full.Add(1)
		strangers.Go(func() {
			leave := sync.OnceFunc(full.Done)
			defer leave()
			pace := time.NewTicker(openers * 2 * time.Millisecond)
			defer pace.Stop()
			for i := n; i < connections || ctx.Err() == nil; i += openers {
				if i >= connections {
					leave()
					<-pace.C
				}
				if !assert.NoError(t, f.open(i)) {
					return
				}
			}
		})
	}
	strangers.Go(func() {
		pace := time.NewTicker(50 * time.Millisecond)
		defer pace.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			f.dribble(n)
			<-pace.C
		}
	})
	full.Wait()
	gone := make(chan struct{})
	go func() { senders.Wait(); close(gone) }()
	select {
	case <-enough:
	case <-gone: // they failed, and said so
	}
	during := footprintOf(t, p.cmd.Process.Pid)
	stop()
	<-gone
	strangers.Wait()
	f.close()

	// What was taken for strangers is given back.
	var after footprint
	if !assert.Eventually(t, func() bool {
		after = footprintOf(t, p.cmd.Process.Pid)
		return after.files <= before.files+8
	}, patience, 50*time.Millisecond) {
		t.Log("files:", before.files, after.files)
	}
	assert.LessOrEqual(t, after.threads, before.threads+32)
	heapAfter := heapOf(t, p, alone("after"))
	heapMost := 0
	for _, line := range regexp.MustCompile("(?m)"+collected).FindAllStringSubmatch(p.err.String(), -1) {
		n, err := strconv.Atoi(line[1])
		require.NoError(t, err)
		heapMost = max(heapMost, n)
	}
	t.Logf("the slowest acknowledgement took %s; before, during and after: %+v %+v %+v, and heaps of %d, %d and %d MB",
		longest, before, during, after, heapBefore, heapMost, heapAfter)
	// A kilobyte kept for each stranger would be more, in the short form too.
	assert.LessOrEqual(t, heapAfter, heapBefore+8)
	assert.LessOrEqual(t, heapMost, heapBefore+64, "of the few connections that it takes at once")

	endsWell(t, p, os.Interrupt)
	lost, doubled := compareKept(t, store, all)
	t.Logf("torture: %d connections: faults=%d acknowledged=%d lost=%d doubled=%d", connections, f.opened.Load(), len(all), lost, doubled)
	assert.Zero(t, lost)
	assert.Zero(t, doubled)
	assert.NotContains(t, p.out.String()+p.err.String(), secret)
}

// compareKept counts what was acknowledged and is not kept, and what came in
// more than once.
func compareKept(t *testing.T, file string, ids []string) (lost, doubled int) {
	store, err := sqlite.Open(t.Context(), file, sqlite.Options{})
	require.NoError(t, err)
	defer store.Close()
	want := samples(t)["repo.content.update.model.commit.composed.json"]
	arrivals := map[string]int{}
	for d, err := range store.List(t.Context(), replay.Filter{}) {
		require.NoError(t, err)
		if d.Verdict == replay.Accepted && bytes.Equal(want, d.Body) {
			arrivals[d.WebhookID] += len(d.Arrivals)
		}
	}
	for _, id := range ids {
		switch arrivals[id] {
		case 0:
			lost++
		case 1:
		default:
			doubled++
		}
	}
	return lost, doubled
}
