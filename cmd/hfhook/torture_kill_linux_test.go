package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

// TestTortureKilledDev kills hfhook dev under load, at any moment: while it
// starts, while it works, while it ends.
func TestTortureKilledDev(t *testing.T) {
	to := newTorture(t, "kills of dev")
	home := t.TempDir()
	store := filepath.Join(home, "store.db")
	handler := startWitness(t, nil)
	hub := startLoad(t, 16, 0.3, to.chance)
	handler.sums = hub.sum
	flags := []string{"--tunnel", "none", "--no-secret", "--store", store, "--keep", "all", "--forward", handler.url}

	for range to.rounds(8, 200) {
		p := startHFHook(t, home, append([]string{"dev", "--json", "--listen", "127.0.0.1:0"}, flags...)...)
		moment := to.rand.IntN(10)
		if moment == 0 { // before it is up
			to.pause(50 * time.Millisecond)
		} else {
			hub.point(p.ready(t).Local)
			sent, _ := handler.count()
			hub.await(t, hub.count()+to.rand.IntN(60))
			if moment > 4 { // while it sends what waits
				handler.await(t, sent+to.rand.IntN(60), p)
			}
			to.pause(3 * time.Millisecond)
		}
		if moment == 1 { // while it ends
			require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
			to.pause(30 * time.Millisecond)
		}
		_, err := p.end(os.Kill)
		require.NoError(t, err)
		hub.point("")
		to.faults.Add(1)
	}
	hub.end()
	sound(t, store)

	// What was still to be sent is sent now.
	p, _ := startDev(t, home, flags...)
	drained(t, store, handler)
	endsWell(t, p, os.Interrupt)
	o := judge(t, store, hub, handler, replay.Live)
	assert.Zero(t, o.waiting)
	to.report(o)
}

// TestTortureKilledReplay kills hfhook replay, again and again, and each time
// goes on with what was not sent yet.
func TestTortureKilledReplay(t *testing.T) {
	to := newTorture(t, "kills of replay")
	home := t.TempDir()
	store := filepath.Join(home, "store.db")
	handler := startWitness(t, nil)
	hub := startLoad(t, 16, 0, to.chance)
	handler.sums = hub.sum
	rounds := to.rounds(8, 200)

	p, ready := startDev(t, home, "--tunnel", "none", "--no-secret", "--store", store, "--keep", "all")
	hub.point(ready.Local)
	hub.await(t, 20*rounds)
	hub.end()
	endsWell(t, p, os.Interrupt)

	rest := []string{"replay", "--store", store, "--to", handler.url, "--concurrency", "8", "--status", "none", "1..last"}
	for range rounds {
		handler.begin()
		sent, _ := handler.count()
		p := startHFHook(t, home, rest...)
		handler.await(t, sent+to.rand.IntN(20), p)
		to.pause(2 * time.Millisecond)
		code, err := p.end(os.Kill)
		require.NoError(t, err)
		if code == -1 {
			to.faults.Add(1)
		}
		require.Contains(t, []int{-1, 0, 3}, code, p.err.String()) // 3: nothing was left
	}
	sound(t, store)
	handler.begin()
	last := startHFHook(t, home, rest...)
	code, err := last.end(nil)
	require.NoError(t, err)
	require.Contains(t, []int{0, 3}, code, last.err.String())
	assertAllSent(t, store)
	to.report(judge(t, store, hub, handler, replay.Replayed))
}

// pause lets a random time up to most go by: that of a fault is to be any.
func (to *torture) pause(most time.Duration) {
	time.Sleep(time.Duration(to.rand.Int64N(int64(most))))
}

// sound has SQLite look at the whole file.
func sound(t testing.TB, store string) {
	t.Helper()
	db, err := sql.Open("sqlite", store)
	require.NoError(t, err)
	defer db.Close()
	var verdict string
	require.NoError(t, db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	require.Equal(t, "ok", verdict)
}
