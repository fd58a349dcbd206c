package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	lib "modernc.org/sqlite/lib"
)

// checkpointEvery is how often it is looked whether there is something to do.
var checkpointEvery = 200 * time.Millisecond

const (
	// checkpointAt is how large the log gets before its pages are moved into
	// the database, 16,000 of them. More rarely is cheaper, since a page that
	// was written often is moved once.
	checkpointAt = 16_000 * pageSize
	// minLog is what the log may take on the fullest disk.
	minLog = 1 << 20
	// maxWAL is what the log is cut down to after it has grown.
	maxWAL = 192 << 20
	// idleCheckpoint is how long a store rests before it is tidied up, or before
	// a checkpoint that failed is tried again; one that wanted room does not rest.
	idleCheckpoint = 2 * time.Second
)

// freeSpace is another one in tests.
var freeSpace = FreeSpace

// checkpoints moves what was committed from the log into the database, beside
// the writer, until done is closed.
//
// A passive checkpoint does not keep the writer waiting, but neither does it
// ever reach the end of the log while that grows. So a second one follows that
// does: for its short rest the writer waits.
func (w *writer) checkpoints(done <-chan struct{}) {
	ticker := time.NewTicker(checkpointEvery)
	defer ticker.Stop()
	var l logWatch
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		if w.isDue(&l) {
			w.checkpoint()
			l.tried = time.Now()
		}
	}
}

// logWatch is what is remembered of the log from one look to the next.
type logWatch struct {
	frames  []int64 // in it, and moved
	changed time.Time
	tried   time.Time // a checkpoint was
}

// isDue reports whether it is time for a checkpoint. The log itself says whether
// there is something to do: what is in it may be of an earlier process.
func (w *writer) isDue(l *logWatch) bool {
	if w.cramped.Load() {
		return true // the writer waits for it
	}
	rested := time.Since(l.tried) >= idleCheckpoint
	if w.torn && !w.connected() {
		return rested
	}
	frames, err := w.frames()
	if err != nil {
		return rested
	}
	if !slices.Equal(frames, l.frames) {
		l.frames, l.changed = frames, time.Now()
	}
	inLog, moved := frames[0], frames[1]
	switch {
	case w.torn:
		return rested && inLog > moved
	case inLog > moved && rested && time.Since(l.changed) >= idleCheckpoint:
		return true
	default:
		return w.isLong(inLog)
	}
}

// frames tells how many are in the log, and how many of them are counted as
// moved.
func (w *writer) frames() ([]int64, error) {
	row, err := w.aux.ints(background, "PRAGMA wal_checkpoint(NOOP)")
	if err != nil {
		return nil, err
	}
	w.torn = w.torn && row[2] > 0
	return row[1:], nil
}

func (w *writer) connected() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn != nil
}

// isLong reports whether the log is as long as it may get. Where the disk is
// nearly full that is a part of what is left: the database has to grow by what
// is in the log before the log gives anything back, and a log that had taken
// all would never do so. There its file counts, what is free in it too.
func (w *writer) isLong(frames int64) bool {
	info, err := os.Stat(w.path + "-wal")
	if err != nil || info.Size() < minLog {
		return false
	}
	room := w.room()
	if room < checkpointAt {
		return info.Size() >= room
	}
	return frames*pageSize >= room
}

// room is how many bytes the log may take.
func (w *writer) room() int64 {
	free, known := freeSpace(filepath.Dir(w.path))
	if !known || free/4 >= checkpointAt {
		return checkpointAt
	}
	return max(int64(free/4), minLog)
}

// checkpoint moves the log into the database, as far as a reader, another process
// and the disk let it.
func (w *writer) checkpoint() {
	restart := "PRAGMA wal_checkpoint(RESTART)"
	if w.room() < checkpointAt {
		restart = "PRAGMA wal_checkpoint(TRUNCATE)" // gives the disk back what the log has
	}
	busy, err := w.startOver()
	if err == nil && !busy {
		if _, err = w.aux.ints(background, "PRAGMA wal_checkpoint(PASSIVE)"); err == nil {
			w.mu.Lock()
			_, err = w.aux.ints(background, restart)
			w.mu.Unlock()
		}
	}
	if err != nil && code(err) != lib.SQLITE_BUSY {
		w.torn = true
		w.log.Warn("checkpoint", "err", classify(err))
	}
	w.cramped.Store(code(err) == lib.SQLITE_FULL)
}

// startOver has SQLite copy all of the log again after a checkpoint that failed.
//
// A checkpoint beside the writer or a reader copies pages, counts them as copied,
// and leaves it to a later one to sync them. When that sync fails, the system
// takes them for clean, and they may never come to the disk; the next checkpoint
// copies only what is not counted, succeeds, and frees the log that alone has
// the rest. The count is in memory that all connections share, and gone with
// the last of them. While another process keeps it, busy says so, and the log
// grows.
func (w *writer) startOver() (busy bool, err error) {
	if !w.torn {
		return false, nil
	}
	defer w.readers.hold()()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.present(); err != nil {
		return false, err
	}
	if err := w.strike(); err != nil {
		return false, err
	}
	if err := w.leave(); err != nil {
		return false, err
	}
	if err := w.connect(background); err != nil {
		return false, err
	}
	_, err = w.frames()
	return w.torn, err
}

// strike makes sure that what was rolled back does not come back. A commit whose
// sync has failed is in the log all the same, after its end; who reads the log
// anew would take it for good. The next commit is written over it.
func (w *writer) strike() error {
	if !w.ghost {
		return nil
	}
	// An update that changes nothing would write nothing.
	err := w.conn.script(background, `BEGIN IMMEDIATE; UPDATE state SET event = event + 1; UPDATE state SET event = event - 1; COMMIT`)
	if err != nil {
		// Where there is nothing to roll back, this fails, and the error that
		// led here is the one to tell.
		_ = w.conn.script(background, "ROLLBACK")
		return err
	}
	w.ghost = false
	return nil
}

// leave closes all connections, and leaves the log as it is: the last that can
// write would copy from it, and remove it. So the last is one that cannot.
func (w *writer) leave() error {
	if w.conn == nil {
		return nil
	}
	last := w.last
	w.last = nil
	return errors.Join(w.disconnect(), last.close())
}
