package sqlite

import (
	"time"

	lib "modernc.org/sqlite/lib"
)

// checkpointEvery is how often it is looked whether there is something to do.
var checkpointEvery = 200 * time.Millisecond

const (
	// checkpointAt is how many bytes are committed before their pages are
	// moved from the log into the database. With what SQLite writes besides
	// these are about 16,000 pages. More rarely is cheaper, since a page that
	// was written often is moved once.
	checkpointAt = 64 << 20
	// maxWAL is what the log is cut down to after it has grown.
	maxWAL = 192 << 20
	// idleCheckpoint is how long a store rests before it is tidied up.
	idleCheckpoint = 2 * time.Second
)

// checkpoints moves what was committed from the log into the database, beside
// the writer, until done is closed.
//
// A passive checkpoint does not keep the writer waiting, but neither does it
// ever reach the end of the log while that grows. So a second one follows that
// does: for its short rest the writer waits.
func (w *writer) checkpoints(done <-chan struct{}) {
	ticker := time.NewTicker(checkpointEvery)
	defer ticker.Stop()
	var before int64
	var resting time.Duration
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		written := w.written.Load()
		resting += checkpointEvery
		if written != before {
			resting = 0
		}
		before = written
		if written >= checkpointAt || written > 0 && resting >= idleCheckpoint {
			w.written.Add(-written)
			before = 0
			w.checkpoint()
		}
	}
}

func (w *writer) checkpoint() {
	busy, err := w.moveLog("PRAGMA wal_checkpoint(PASSIVE)")
	if err == nil {
		w.mu.Lock()
		busy, err = w.moveLog("PRAGMA wal_checkpoint(RESTART)")
		w.mu.Unlock()
	}
	switch {
	case err != nil && code(err) != lib.SQLITE_BUSY:
		w.log.Warn("checkpoint", "err", classify(err))
	case err != nil || busy:
		// A reader or another process was in the way: sooner than else.
		w.written.Add(checkpointAt / 8)
	}
}

// moveLog tells whether some of the log could not be moved.
func (w *writer) moveLog(sql string) (busy bool, err error) {
	row, err := w.aux.ints(background, sql)
	return err == nil && row[0] != 0, err
}
