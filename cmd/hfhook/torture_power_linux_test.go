package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite/faultfs"
)

// startPlanned starts hfhook on a disk that follows a plan.
func startPlanned(t testing.TB, home string, plan faultfs.Plan, args ...string) *process {
	t.Helper()
	env := append(os.Environ(), homeEnv(home)...)
	p, err := launch(t.Cleanup, append(env, plan.Env()), home, "hfhook", args...)
	require.NoError(t, err)
	return p
}

// since gives a witness that saw only what came after the first n.
func (w *witness) since(n int) *witness {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &witness{seen: slices.Clone(w.seen[n:]), bad: slices.Clone(w.bad)}
}

// TestTorturePowerLossOfDev records hfhook dev under load and kills it. Then it
// lets the power fail at several moments of that, and a new dev go on with what
// each has left.
func TestTorturePowerLossOfDev(t *testing.T) {
	to := newTorture(t, "power loss of dev")
	home, recording := t.TempDir(), filepath.Join(t.TempDir(), "log")
	handler := startWitness(t, nil)
	hub := startLoad(t, 16, 0.3, to.chance)
	handler.sums = hub.sum
	log, err := faultfs.OpenLog(recording)
	require.NoError(t, err)
	hub.noted = log.Mark
	flags := []string{"dev", "--json", "--listen", "127.0.0.1:0", "--tunnel", "none", "--no-secret", "--keep", "all", "--forward", handler.url}
	p := startPlanned(t, home, faultfs.Plan{Record: recording}, append(flags, "--store", filepath.Join(home, "store.db"))...)
	hub.point(p.ready(t).Local)
	hub.await(t, to.rounds(300, 3000))
	_, err = p.end(os.Kill)
	require.NoError(t, err)
	hub.end()
	require.NoError(t, log.Close())
	records, err := faultfs.ReadLog(recording)
	require.NoError(t, err)

	disk, acknowledged := faultfs.NewDisk(to.seed, records), map[string]bool{}
	var total toll
	losses := to.rounds(3, 60)
	for i, r := range records {
		disk.Apply(r)
		if r.Kind == faultfs.Marked {
			acknowledged[r.Path] = true
		}
		if len(acknowledged) == 0 || to.rand.IntN(len(records)-i) >= losses {
			continue
		}
		losses--
		loss := faultfs.Losses[to.rand.IntN(len(faultfs.Losses))]
		folder := t.TempDir()
		require.NoError(t, faultfs.WriteFiles(folder, disk.PowerLoss(loss, to.rand)))
		store := filepath.Join(folder, "store.db")
		before, _ := handler.count()
		p := startHFHook(t, t.TempDir(), append(flags, "--store", store)...)
		p.ready(t)
		drained(t, store, handler)
		endsWell(t, p, os.Interrupt)
		sound(t, store)

		// What the Hub and the handler know of, up to this power loss and after
		// it.
		known := &load{sent: hub.sent, acknowledged: maps.Clone(acknowledged)}
		o := judge(t, store, known, handler.since(before), replay.Live)
		require.Zero(t, o.waiting)
		to.faults.Add(1)
		total.acknowledged += o.acknowledged
		total.lost = append(total.lost, o.lost...)
		total.doubled = append(total.doubled, o.doubled...)
		total.disordered = append(total.disordered, o.disordered...)
	}
	to.report(total)
}
