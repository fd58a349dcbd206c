package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// TestTortureTunnelCuts cuts the tunnel of hfhook dev while the Hub delivers
// through it. What it got no answer for, it sends again.
func TestTortureTunnelCuts(t *testing.T) {
	to := newTorture(t, "tunnel cuts")
	edge := ngroktest.Start(t)
	store := filepath.Join(t.TempDir(), "store.db")
	handler := startWitness(t, nil)
	hub := startLoad(t, 8, 0.1, to.chance)
	handler.sums = hub.sum
	hub.client = &http.Client{Transport: edge.Client().Transport, Timeout: 5 * time.Second}
	p := startWithEnv(t, ngrokEnv(t, edge, edge.Token),
		"dev", "--json", "--listen", "127.0.0.1:0", "--no-secret", "--store", store, "--keep", "all", "--forward", handler.url)
	ready := p.ready(t)
	hub.point(ready.URL)
	hub.await(t, 20)
	files, memory := openFiles(t, p), resident(t, p)

	for n := range to.rounds(6, 300) {
		switch moment := to.rand.IntN(8); {
		case n == 0 || moment == 0: // it is away for a moment
			edge.StopAgents()
			to.pause(20 * time.Millisecond)
			require.NoError(t, edge.StartAgents())
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP)) // does not wait for its turn
		case n == 1 || moment == 1: // a person presses t
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		default:
			edge.KillSessions()
		}
		to.faults.Add(1)
		hub.await(t, hub.count()+to.rand.IntN(20))
		to.pause(5 * time.Millisecond)
	}
	hub.await(t, hub.count()+20)
	hub.end()
	drained(t, store, handler)
	edge.Client().CloseIdleConnections()
	require.Eventually(t, func() bool { return openFiles(t, p) <= files }, patience, 50*time.Millisecond, "files are left open")
	assert.Less(t, resident(t, p), memory+128<<10, "memory is not given back") // half of that is the race detector's
	assert.NotContains(t, p.out.String()+p.err.String(), edge.Token)
	endsWell(t, p, os.Interrupt)
	to.report(judge(t, store, hub, handler, replay.Live))
}

// resident is the memory of a program, in KiB.
func resident(t testing.TB, p *process) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	_, err = fmt.Sscan(rest, &kib)
	require.NoError(t, err)
	return kib
}
