package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hfhook/hfhook/replay"
)

// TestTortureFullDisk takes the room away from under hfhook dev while it is
// under load, and gives it back; at times it is killed meanwhile.
func TestTortureFullDisk(t *testing.T) {
	to := newTorture(t, "a full disk")
	home := t.TempDir()
	disk := newSmallDisk(t, 256<<20) // all that comes has to fit
	store := filepath.Join(disk.folder, "store.db")
	handler := startWitness(t, nil)
	hub := startLoad(t, 4, 0.01, to.chance)
	handler.sums = hub.sum
	flags := []string{"--tunnel", "none", "--no-secret", "--store", store, "--keep", "all", "--forward", handler.url}
	p, ready := startDev(t, home, flags...)
	hub.point(ready.Local)
	for range to.rounds(3, 60) {
		to.outage(hub, p, func() { disk.fill(t, p, to.rand.Int64N(256<<10)) }, func() {
			if to.rand.IntN(3) > 0 {
				disk.empty(t, p)
				return
			}
			hub.point("")
			_, err := p.end(os.Kill)
			require.NoError(t, err)
			disk.empty(t, p)
			p, ready = startDev(t, home, flags...)
			hub.point(ready.Local)
		})
	}
	hub.end()
	drained(t, store, handler)
	endsWell(t, p, os.Interrupt)
	sound(t, store)
	to.report(judge(t, store, hub, handler, replay.Live))
}

// outage has the disk under p fail in the middle of a load, and work again after
// a while. p says each time that a delivery was refused.
func (to *torture) outage(hub *load, p *process, breaks, mends func()) {
	to.Helper()
	hub.await(to, hub.count()+1+to.rand.IntN(100))
	const warning = `"message":"delivery not stored`
	told := strings.Count(p.out.String(), warning) // in outages before
	breaks()
	refused := hub.refused()
	require.Eventually(to, func() bool { return hub.refused() > refused }, patience, time.Millisecond, "the disk fails, and all goes on")
	_, err := p.await(&p.out, warning, told+1)
	require.NoError(to, err)
	to.pause(100 * time.Millisecond)
	mends()
	hub.await(to, hub.count()+20)
	to.faults.Add(1)
}

// smallDisk is a folder with little room.
type smallDisk struct {
	folder string
	own    bool // a file system of its own; else only the program's files are bounded
}

func newSmallDisk(t *testing.T, size int64) *smallDisk {
	t.Helper()
	d := &smallDisk{folder: t.TempDir()}
	err := unix.Mount("hfhook-test", d.folder, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d,mode=0700", size))
	if d.own = err == nil; !d.own {
		t.Logf("no file system of its own (%v): the size of files is limited", err)
		return d
	}
	t.Cleanup(func() {
		if t.Failed() {
			d.describe(t)
		}
		assert.NoError(t, unix.Unmount(d.folder, unix.MNT_DETACH))
	})
	return d
}

// describe says what takes the room.
func (d *smallDisk) describe(t *testing.T) {
	files, err := os.ReadDir(d.folder)
	assert.NoError(t, err)
	for _, file := range files {
		if info, err := file.Info(); err == nil {
			t.Logf("%9d %s", info.Size(), info.Name())
		}
	}
}

func (d *smallDisk) ballast() string { return filepath.Join(d.folder, "ballast") }

// fill leaves that many bytes of room.
func (d *smallDisk) fill(t *testing.T, p *process, room int64) {
	t.Helper()
	if !d.own {
		info, err := os.Stat(filepath.Join(d.folder, "store.db-wal"))
		require.NoError(t, err)
		limitFileSize(t, p, uint64(info.Size()+room))
		return
	}
	f, err := os.Create(d.ballast())
	require.NoError(t, err)
	defer f.Close()
	for { // the program takes some meanwhile
		var fs unix.Statfs_t
		require.NoError(t, unix.Statfs(d.folder, &fs))
		err := unix.Fallocate(int(f.Fd()), 0, 0, max(int64(fs.Bavail)*fs.Bsize-room, 1))
		if !errors.Is(err, unix.ENOSPC) {
			require.NoError(t, err)
			return
		}
	}
}

// empty gives all the room back.
func (d *smallDisk) empty(t *testing.T, p *process) {
	t.Helper()
	if d.own {
		require.NoError(t, os.Remove(d.ballast()))
	} else if !isDone(p) {
		limitFileSize(t, p, unix.RLIM_INFINITY)
	}
}

func limitFileSize(t *testing.T, p *process, most uint64) {
	t.Helper()
	require.NoError(t, unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: unix.RLIM_INFINITY}, nil))
}

// refused is how many answers were 503.
func (l *load) refused() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.statuses[http.StatusServiceUnavailable]
}
