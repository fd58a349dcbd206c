package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/hfhook/hfhook/replay"
)

const (
	// maxGroup is how many writes may wait, and how many share a commit.
	maxGroup = 1024
	// maxGroupBytes ends a group early, so that large bodies do not make
	// one commit slow for all.
	maxGroupBytes = 8 << 20
)

// op is one write. apply may run more than once, each time in a transaction
// of its own, and only the last counts.
type op interface {
	apply(t *tx) error
	weight() int // about how many bytes it writes
}

// job is an op that somebody may be waiting for.
type job struct {
	op    op
	taken atomic.Bool // by the writer, or by the caller who gave up
	done  chan error
}

// submit hands o to the writer, in order.
func (s *Store) submit(ctx context.Context, o op) (*job, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, replay.ErrClosed
	}
	j := &job{op: o, done: make(chan error, 1)}
	select {
	case s.jobs <- j:
		return j, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// do hands o to the writer and waits until it is durable. Once the writer has
// taken it, it also waits after ctx has ended: an error means that nothing was
// kept.
func (s *Store) do(ctx context.Context, o op) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j, err := s.submit(ctx, o)
	if err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-j.done
	}
}

// writer is the one goroutine that writes, and what belongs to it.
type writer struct {
	path string
	file os.FileInfo // what was at path
	conn *conn       // nil when it could not be opened again
	aux  *conn       // for checkpoints; likewise
	last *conn       // see leave; likewise
	dsns [3]string   // of the three
	feed *feed
	log  *slog.Logger

	readers *readers
	// torn: what is counted as moved out of the log may not be on the disk. See
	// startOver. For the goroutine that makes checkpoints.
	torn bool

	answers []answer // of the next group

	mu      sync.Mutex // held during a transaction and a blocking checkpoint
	tx      tx
	ghost   bool        // a commit has failed, and none was made since: see strike
	cramped atomic.Bool // the database could not grow by what is in the log

	retain    bool
	retention retention
}

func openWriter(ctx context.Context, s *Store, o Options) (_ *writer, err error) {
	w := &writer{
		path: s.path, feed: s.feed, log: s.log, readers: s.readers,
		retain: o.Retain, retention: retention{keep: o.Keep.WithDefaults(), since: time.Now(), up: sinceStart()},
	}
	busy := pragma("busy_timeout", o.BusyTimeout.Milliseconds())

	// Look before anything is changed: turning WAL on writes.
	look, err := connect(ctx, dsn(s.path, busy))
	if err != nil {
		return nil, err
	}
	_, err = inspect(ctx, look, migrations())
	if err = errors.Join(err, look.close()); err != nil {
		return nil, err
	}

	pragmas := []string{
		busy,
		pragma("page_size", pageSize),
		pragma("synchronous", "full"),
		pragma("wal_autocheckpoint", 0),
		pragma("journal_size_limit", maxWAL),
		pragma("cache_size", -4<<10), // KiB; more makes nothing faster
	}
	// The driver runs pragmas in the order of their names, and this one after
	// them: turning WAL on settles the page size.
	const wal = "&_journal_mode=wal"
	// A checkpoint that finds the store busy is tried again a little later.
	w.dsns = [3]string{
		dsn(s.path, pragmas...) + wal,
		dsn(s.path, pragma("busy_timeout", 0), pragma("wal_autocheckpoint", 0), pragma("synchronous", "full")),
		dsn(s.path, pragma("busy_timeout", 0)) + "&mode=ro",
	}
	w.tx = tx{patience: o.BusyTimeout}
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.file, err = os.Stat(s.path); err != nil {
		return nil, err
	}
	newest, err := w.conn.stateRow(ctx, "delivery")
	if err != nil {
		return nil, err
	}
	w.retention.marks = [2]ageMark{{newest: newest[0]}, {newest: newest[0]}}
	// What another process has moved it may have failed to sync.
	log, err := w.frames()
	if err != nil {
		return nil, err
	}
	w.torn = log[1] > 0
	return w, nil
}

// connect opens the connections, unless they are open.
func (w *writer) connect(ctx context.Context) (err error) {
	if w.conn != nil {
		return nil
	}
	c, err := connectPatiently(ctx, w.dsns[0], w.tx.patience)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if err := c.writable(); err != nil {
		return err
	}
	if err := migrate(ctx, c, migrations()); err != nil {
		return err
	}
	if err := c.script(ctx, "PRAGMA busy_timeout = 0"); err != nil { // see lock
		return err
	}
	aux, err := connect(ctx, w.dsns[1])
	if err != nil {
		return err
	}
	last, err := connect(ctx, w.dsns[2])
	if err == nil {
		if _, err = last.stateRow(ctx, "event"); err == nil { // from here on it holds the file
			w.conn, w.aux, w.last, w.tx.conn = c, aux, last, c
			return nil
		}
		err = errors.Join(err, last.close())
	}
	return errors.Join(err, aux.close())
}

// connectPatiently connects although another process is turning WAL on at this
// moment, which SQLite's own patience does not cover.
func connectPatiently(ctx context.Context, dsn string, patience time.Duration) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		c, err := connect(ctx, dsn)
		if code(err) != lib.SQLITE_BUSY {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (w *writer) close() error {
	err := w.strike()
	if w.torn {
		return errors.Join(err, w.leave())
	}
	return errors.Join(err, w.disconnect())
}

func (w *writer) disconnect() error {
	var errs []error
	for _, c := range []*conn{w.last, w.aux, w.conn} {
		if c != nil {
			errs = append(errs, c.close())
		}
	}
	w.conn, w.aux, w.last, w.tx.conn = nil, nil, nil, nil
	return errors.Join(errs...)
}

// run writes until jobs is closed and empty. Answers, which nobody waits for,
// make no group of their own: they go along with the next one, or after
// answerDelay.
func (w *writer) run(jobs <-chan *job, answers <-chan answer) {
	ticker := time.NewTicker(retentionEvery)
	defer ticker.Stop()
	idle := make(chan struct{})
	close(idle)
	var group []*job
	first := answers // nil once there is one
	var overdue <-chan time.Time
	for {
		var more <-chan struct{}
		if w.retention.behind {
			more = idle
		}
		select {
		case j, ok := <-jobs:
			if !ok {
				if w.drain(answers); len(w.answers) > 0 {
					w.commit(nil)
				}
				return
			}
			// Whoever is about to hand in a write may do so first: a larger
			// group costs less, and when there is nobody, this is no wait.
			runtime.Gosched()
			group = collect(group, j, jobs)
		case a := <-first:
			w.answers = append(w.answers, a)
			first, overdue = nil, time.After(answerDelay)
			continue
		case <-overdue:
		case <-more:
		case <-ticker.C:
			if !w.retain {
				continue
			}
			w.retention.rewind()
		}
		// Only now, so that no arrival overtakes an answer before it.
		w.drain(answers)
		w.commit(group)
		clear(group) // a body may be large
		group, first, overdue = group[:0], answers, nil
	}
}

// answerDelay is how long an answer may wait for a group to go along with.
const answerDelay = 20 * time.Millisecond

// drain takes the answers that wait.
func (w *writer) drain(answers <-chan answer) {
	for range len(answers) {
		w.answers = append(w.answers, <-answers)
	}
}

// collect adds a job, and those that wait behind it, to the group. It drops
// what nobody waits for any more.
func collect(group []*job, j *job, jobs <-chan *job) []*job {
	bytes := 0
	for {
		if j.taken.CompareAndSwap(false, true) {
			group = append(group, j)
			bytes += j.op.weight()
		}
		if len(group) >= maxGroup || bytes >= maxGroupBytes {
			return group
		}
		var ok bool
		select {
		case j, ok = <-jobs:
		default:
		}
		if !ok {
			return group
		}
	}
}

// commit makes the group durable, and the answers, and tells everybody. A job
// that fails for itself does not fail the others: they are tried again without
// it.
func (w *writer) commit(group []*job) {
	defer func() { w.answers = w.answers[:0] }()
	for {
		failed, err := w.transact(group)
		switch {
		case err == nil:
			w.feed.publish(w.tx.before, w.tx.news)
			w.tx.news = nil
		case failed != nil && !ofTheStore(err):
			failed.done <- classify(err)
			group = slices.DeleteFunc(group, func(j *job) bool { return j == failed })
			if len(group)+len(w.answers) > 0 {
				continue
			}
			return
		default:
			w.retention.behind = false // not before the next write or tick
			err = classify(err)
			w.log.Warn("the store cannot write", "writes", len(group)+len(w.answers), "err", err)
		}
		for _, j := range group {
			j.done <- err
		}
		return
	}
}

// ofTheStore tells whether an error would hit every write.
func ofTheStore(err error) bool {
	switch code(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL, lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM,
		lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_NOMEM:
		return true
	}
	return false
}

// transact writes the group in one transaction. With an error nothing of it is
// written; failed is the job that it came from, nil when it came from none.
func (w *writer) transact(group []*job) (failed *job, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := &w.tx
	if err := w.present(); err != nil {
		return nil, err
	}
	if w.cramped.Load() && w.room() < checkpointAt {
		return nil, ErrFull // a longer log would take what the database lacks
	}
	if err := w.connect(background); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWrite, err)
	}
	if err := t.begin(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.rollback(w.log)
		}
	}()
	if err := t.note(w.answers); err != nil {
		return nil, err
	}
	for _, j := range group {
		if err := j.op.apply(t); err != nil {
			return j, err
		}
	}
	if w.retain {
		if err := w.retention.apply(t, len(group)); err != nil {
			return nil, err
		}
	}
	err = t.commit()
	if t.state != t.stored || len(w.answers) > 0 {
		w.ghost = err != nil
	}
	return nil, err
}

// present makes sure that the file is still the one that was opened. On Unix
// somebody can take it away, and writing goes on as if nothing had happened;
// Windows does not let them.
func (w *writer) present() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if info, err := os.Stat(w.path); err != nil || !os.SameFile(info, w.file) {
		return ErrGone
	}
	return nil
}
