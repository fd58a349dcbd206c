// Package faultfs is a disk that fails, and that can lose power, under the real
// SQLite of a test. It is for tests only: no program links it.
//
// Install puts it between SQLite and the operating system, for the whole
// process. From then on it passes everything on, until it is told what is to
// fail (Inject), or to note what is written (Record). From such notes a Disk
// gives what a power loss at any moment may leave.
package faultfs

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// Op is what SQLite asks of a disk.
type Op string

const (
	Open     Op = "open"
	Read     Op = "read"
	Write    Op = "write"
	Truncate Op = "truncate"
	Sync     Op = "sync"
	Delete   Op = "delete"
	ShmMap   Op = "shm-map" // memory that processes share
)

// Ops are all of them.
var Ops = []Op{Open, Read, Write, Truncate, Sync, Delete, ShmMap}

// Way is how an operation fails.
type Way string

const (
	// EIO: nothing of it is done. After a Sync that fails so, what it was to
	// write is clean to the system and may never be on the disk, and each other
	// open handle of the file is told by its next Sync, as Linux does.
	EIO Way = "eio"
	// Full: there is no space, and nothing of it is done.
	Full Way = "full"
	// Short: a Write leaves the first half of its bytes; then there is no space.
	Short Way = "short"
)

// Fault is operations that fail. Each counts for itself what it is about.
type Fault struct {
	Op   Op
	File string // how the file's name ends; "" for all
	// First is the number of the first that fails, from 1. Default: 1.
	First int
	// Times is how many fail from there on; 0 for all.
	Times int
	Way   Way // default: EIO
	// While names a file: only while it is there does the fault count and fail.
	While string
}

type activeFault struct {
	Fault
	seen, failed int
}

// FS is the disk of this process.
type FS struct {
	methods uintptr // of the files that SQLite sees
	real    uintptr // the system's VFS

	mu     sync.Mutex
	faults []*activeFault
	log    *Log
	known  map[string]bool // files that the log knows
	quick  atomic.Bool
	handles
}

var install = sync.OnceValues(newFS)

// Install makes the disk the one that SQLite uses by default in this process.
// Connections that are open go on as they were. The second call gives the same
// disk.
func Install() (*FS, error) { return install() }

// Inject lets operations fail from now on, beside those that do so already.
func (f *FS) Inject(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range faults {
		one.First = max(one.First, 1)
		if one.Way == "" {
			one.Way = EIO
		}
		f.faults = append(f.faults, &activeFault{Fault: one})
	}
}

// Heal takes all faults back and tells how many operations have failed.
func (f *FS) Heal() (failed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.faults {
		failed += one.failed
	}
	f.faults = nil
	f.forgive()
	return failed
}

// Record notes from now on in log what happens to files, of those that are
// opened from now on. Nil ends it.
func (f *FS) Record(log *Log) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log, f.known = log, map[string]bool{}
}

// Quick says that syncs which do not fail need not be waited for: they are noted
// and not done. Then only a log tells what a power loss would leave.
func (f *FS) Quick(on bool) { f.quick.Store(on) }

// fails tells whether an operation is to fail, and how.
func (f *FS) fails(op Op, path string) (way Way) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.faults {
		if one.Op != op || !endsWith(path, one.File) {
			continue
		}
		if one.While != "" {
			if _, err := os.Lstat(one.While); err != nil {
				continue
			}
		}
		one.seen++
		if one.seen >= one.First && (one.Times == 0 || one.seen < one.First+one.Times) && way == "" {
			one.failed++
			way = one.Way
		}
	}
	return way
}

// note appends to the log, if there is one.
func (f *FS) note(r Record) {
	f.mu.Lock()
	log := f.log
	f.mu.Unlock()
	if log != nil {
		log.add(r)
	}
}

// notes tells whether there is a log, and whether it knows the file already.
func (f *FS) notes(path string) (on, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.log == nil {
		return false, false
	}
	known = f.known[path]
	f.known[path] = true
	return true, known
}

func newFS() (*FS, error) {
	tls := libc.NewTLS()
	real := lib.Xsqlite3_vfs_find(tls, 0)
	if real == 0 {
		return nil, fmt.Errorf("faultfs: there is no VFS to build on")
	}
	f := &FS{real: real}
	f.handles.byID = map[uintptr]*handle{}
	return f, f.register(tls)
}
