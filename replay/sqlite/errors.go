package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// A caller decides by these. Open gives the first six and InUseError; Append
// and Finish give ErrLocked and ErrWrite, and then nothing was kept.
var (
	// ErrNotDatabase: the file is no store, but something else.
	ErrNotDatabase = errors.New("not an hfhook store")
	// ErrNewerSchema: a newer version of hfhook wrote it. See SchemaError.
	ErrNewerSchema = errors.New("store was written by a newer version")
	// ErrNotRegular: the store, or a file beside it that belongs to it, is a
	// symbolic link or no file at all.
	ErrNotRegular = errors.New("not a regular file")
	// ErrSecondName: the store, or a file beside it that belongs to it, is the
	// same file as another one somewhere (a hard link). What is written would
	// stand there too, and under each name SQLite would keep another log.
	ErrSecondName = errors.New("a file that has a second name")
	// ErrReadOnly: the file or its folder cannot be written.
	ErrReadOnly = errors.New("store is read-only")
	// ErrLocked: another program held the store for longer than
	// Options.BusyTimeout.
	ErrLocked = errors.New("store is locked by another program")
	// ErrWrite: the disk did not take it. The next write tries again.
	ErrWrite = errors.New("store cannot write")
	// ErrFull is an ErrWrite: there is no space left.
	ErrFull = fmt.Errorf("%w: the disk is full", ErrWrite)
	// ErrGone is an ErrWrite: the file is not at its path any more, so what
	// is written into it would be lost. A store opened anew is a new one.
	ErrGone = fmt.Errorf("%w: its file was removed or replaced", ErrWrite)
	// ErrDamaged: what is in the file is not what SQLite wrote.
	ErrDamaged = errors.New("store is damaged")
	// ErrInUse: another process has the store open as Exclusive. See
	// InUseError.
	ErrInUse = errors.New("store is in use")
)

// SchemaError is an ErrNewerSchema.
type SchemaError struct {
	Found, Known int
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%v: schema %d, this one knows up to %d", ErrNewerSchema, e.Found, e.Known)
}

func (e *SchemaError) Is(target error) bool { return target == ErrNewerSchema }

// InUseError is an ErrInUse.
type InUseError struct {
	PID int // of the process that has it; 0 when it cannot be told
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%v by another process", ErrInUse)
	}
	return fmt.Sprintf("%v by process %d", ErrInUse, e.PID)
}

func (e *InUseError) Is(target error) bool { return target == ErrInUse }

// code is SQLite's primary result code behind err, 0 when there is none.
func code(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// classify puts the sentinel in front of an error that SQLite gave to Open or
// to a write.
func classify(err error) error {
	var class error
	switch code(err) {
	case lib.SQLITE_NOTADB:
		class = ErrNotDatabase
	case lib.SQLITE_CORRUPT:
		class = ErrDamaged
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL:
		class = ErrLocked
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		class = ErrReadOnly
	case lib.SQLITE_FULL:
		class = ErrFull
	case lib.SQLITE_IOERR:
		class = ErrWrite
	default:
		return err
	}
	return fmt.Errorf("%w: %w", class, err)
}

// classifyRead is classify for reads, which an open store has: what is no
// database by now was one.
func classifyRead(err error) error {
	switch code(err) {
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}
