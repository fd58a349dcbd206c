// Package sqlite keeps deliveries in one SQLite file. It is the default store
// of hfhook.
//
// One goroutine writes. It commits what arrives at the same time as a group,
// so that many arrivals share the wait for the disk. Readers and other
// processes are never in its way, and it is never in theirs.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	driver "modernc.org/sqlite"

	"github.com/hfhook/hfhook/replay"
)

// Options are for Open. The zero value is ready to use.
type Options struct {
	// Exclusive says that this process dispatches from the store: a second
	// one that says so gets ErrInUse. Others may still open it without.
	// Default: false.
	Exclusive bool
	// Retain removes what Keep does not keep. One process should.
	// Default: false.
	Retain bool
	// Keep is what Retain keeps. What was rejected has a limit of its own,
	// 1,000 deliveries and 32 MiB, so that strangers push nothing out.
	// Default: see replay.Keep.
	Keep replay.Keep
	// BusyTimeout is how long a write waits for another process's.
	// Default: 5 s.
	BusyTimeout time.Duration
	// Log is told what goes wrong behind the scenes. Default: nothing is.
	Log *slog.Logger
}

// Store is a replay.Store in a file.
type Store struct {
	path string
	log  *slog.Logger
	lock *flock.Flock // nil when not Exclusive

	// mu is held for reading by whoever uses what Close takes away.
	mu     sync.RWMutex
	closed bool

	jobs    chan *job
	answers chan answer
	writer  *writer
	readers *readers
	feed    *feed

	done     chan struct{} // closed by Close
	working  sync.WaitGroup
	closeErr error
}

var _ replay.Store = (*Store)(nil)

// pageSize is measured: it suits rows of 2 KB.
const pageSize = 8192

// Open opens the store at path, and creates it and its folder when they are
// not there. An older store is brought up to date. Any number of processes may
// have it open.
func Open(ctx context.Context, path string, o Options) (_ *Store, err error) {
	fail := func(err error) (*Store, error) {
		return nil, fmt.Errorf("open store %s: %w", path, classify(err))
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fail(err)
	}
	if err := prepareFile(abs); err != nil {
		return fail(err)
	}
	// For all of the process, and where there is such a call: a commit is as
	// durable with fdatasync as with fsync, and does not wait for the file's
	// times.
	if _, err := driver.Fdatasync(true); err != nil && !errors.Is(err, driver.ErrFdatasyncUnavailable) {
		return fail(err)
	}
	s := &Store{
		path:    abs,
		log:     o.Log,
		jobs:    make(chan *job, maxGroup),
		answers: make(chan answer, maxGroup),
		done:    make(chan struct{}),
		feed:    newFeed(),
	}
	if o.Exclusive {
		if s.lock, err = lockFile(abs + ".lock"); err != nil {
			return fail(err)
		}
	}
	s.readers = newReaders(abs, o.BusyTimeout)
	if s.writer, err = openWriter(ctx, s, o); err != nil {
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
		return fail(err)
	}
	s.working.Go(func() { s.writer.run(s.jobs, s.answers) })
	s.working.Go(func() { s.writer.checkpoints(s.done) })
	return s, nil
}

// Close waits for what is under way and frees the store. What waits in Watch
// ends with ErrClosed. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.closeErr
	}
	s.closed = true
	close(s.done)
	close(s.jobs)
	s.working.Wait()
	errs := []error{s.readers.close(), s.writer.close()}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		s.closeErr = fmt.Errorf("close store: %w", err)
	}
	return s.closeErr
}
