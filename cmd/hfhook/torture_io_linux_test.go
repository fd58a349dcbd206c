package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite/faultfs"
)

// TestTortureIOErrorsOfDev has the disk under hfhook dev fail for a while, again
// and again, in the middle of a load.
func TestTortureIOErrorsOfDev(t *testing.T) {
	to := newTorture(t, "I/O errors of dev")
	home, broken := t.TempDir(), filepath.Join(t.TempDir(), "broken")
	store := filepath.Join(home, "store.db")
	handler := startWitness(t, nil)
	hub := startLoad(t, 16, 0.01, to.chance)
	handler.sums = hub.sum
	faults := []faultfs.Fault{
		{Op: faultfs.Write, File: "-wal"},
		{Op: faultfs.Write, File: "-wal", Way: faultfs.Full},
		{Op: faultfs.Write, File: "-wal", Way: faultfs.Short},
		{Op: faultfs.Sync, File: "-wal"},
	}
	for i := range faults {
		faults[i].While = broken + string(faults[i].Op+"-") + string(faults[i].Way)
	}
	p := startPlanned(t, home, faultfs.Plan{Faults: faults},
		"dev", "--json", "--listen", "127.0.0.1:0", "--tunnel", "none", "--no-secret", "--keep", "all", "--store", store, "--forward", handler.url)
	hub.point(p.ready(t).Local)
	for range to.rounds(4, 60) {
		while := faults[to.rand.IntN(len(faults))].While
		to.outage(hub, p, func() { require.NoError(t, os.WriteFile(while, nil, 0o600)) }, func() { require.NoError(t, os.Remove(while)) })
	}
	hub.end()
	drained(t, store, handler)
	endsWell(t, p, os.Interrupt)
	sound(t, store)
	to.report(judge(t, store, hub, handler, replay.Live))
}
