package main

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

// TestTortureFlappingHandler has a handler fail, cut connections, and come and
// go, while deliveries come in.
func TestTortureFlappingHandler(t *testing.T) {
	to := newTorture(t, "a flapping handler")
	home := t.TempDir()
	store := filepath.Join(home, "store.db")
	luck := to.chance(1) // under the lock of the witness
	handler := startWitness(t, func(string, int) int { return flaps(luck) })
	hub := startLoad(t, 16, 0, to.chance)
	handler.sums = hub.sum
	p, ready := startDev(t, home, "--tunnel", "none", "--no-secret", "--store", store, "--keep", "all", "--forward", handler.url)
	before := openFiles(t, p)
	hub.point(ready.Local)
	for range to.rounds(8, 150) {
		hub.await(t, hub.count()+to.rand.IntN(50))
		handler.close()
		to.pause(100 * time.Millisecond)
		hub.await(t, hub.count()+1+to.rand.IntN(50)) // also with nobody there
		require.NoError(t, handler.listen(handler.address))
		to.faults.Add(1)
	}
	hub.end()
	drained(t, store, handler)
	require.Eventually(t, func() bool { return openFiles(t, p) <= before+16 }, patience, 20*time.Millisecond,
		"connections are left: %d files are open, %d were", openFiles(t, p), before)
	endsWell(t, p, os.Interrupt)
	assertAllSent(t, store)
	to.report(judge(t, store, hub, handler, replay.Live))
}

// flaps is the status of an answer: mostly 200, at times 500, 404 or none.
func flaps(luck *rand.Rand) int {
	switch luck.IntN(10) {
	case 0:
		return http.StatusInternalServerError
	case 1:
		return http.StatusNotFound
	case 2:
		return 0
	}
	return http.StatusOK
}
