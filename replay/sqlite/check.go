package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Health is what Check finds out about a store that is sound.
type Health struct {
	Deliveries int64       // that it keeps
	User       *InUseError // the process that has it open as Exclusive; nil: none
}

// Check finds out whether Open would take the store at path, whether it can be
// written, and whether what is in it is sound: the latter reads all of it. It
// makes and changes nothing. Where there is no file, it fails with
// fs.ErrNotExist.
func Check(ctx context.Context, path string) (h Health, err error) {
	defer func() {
		if ctx.Err() != nil {
			err = ctx.Err() // SQLite says that it was interrupted
		}
		if err != nil {
			err = fmt.Errorf("check store %s: %w", path, classify(err))
		}
	}()
	file, err := filepath.Abs(path)
	if err != nil {
		return h, err
	}
	if _, err := os.Lstat(file); err != nil {
		return h, access(err)
	}
	if err := lookAt(file); err != nil {
		return h, err
	}
	if h.User, err = lockedBy(file + ".lock"); err != nil {
		return h, err
	}
	c, err := connect(ctx, dsn(file, pragma("busy_timeout", (5*time.Second).Milliseconds())))
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	version, err := inspect(ctx, c, migrations())
	if err != nil {
		return h, err
	}
	if err := c.writable(); err != nil {
		return h, err
	}
	// The right to write, and nothing written.
	if err := c.script(ctx, "BEGIN IMMEDIATE; ROLLBACK"); err != nil {
		return h, err
	}
	said := ""
	if err := c.query(ctx, "PRAGMA quick_check(1)", nil, func(row []driver.Value) bool { said = text(row[0]); return false }); err != nil {
		return h, err
	}
	if said != "ok" {
		return h, fmt.Errorf("%w: %s", ErrDamaged, said)
	}
	if version > 0 {
		count, err := c.ints(ctx, "SELECT count(*) FROM deliveries")
		if err != nil {
			return h, err
		}
		h.Deliveries = count[0]
	}
	return h, nil
}

// User tells which process has the store at path open as Exclusive; nil: none.
// It does not look at the store itself, and makes and changes nothing.
func User(path string) (*InUseError, error) {
	file, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	user, err := lockedBy(file + ".lock")
	if err != nil {
		return nil, fmt.Errorf("look who uses store %s: %w", path, err)
	}
	return user, nil
}

// lockedBy tells who holds the lock of the one process that dispatches.
func lockedBy(path string) (*InUseError, error) {
	if _, err := os.Lstat(path); err != nil {
		return nil, nil // nobody ever did
	}
	if err := lookAtOne(path); err != nil { // a link would be followed, a pipe read
		return nil, err
	}
	lock, err := tryLock(path)
	if used, ok := errors.AsType[*InUseError](err); ok {
		return used, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, lock.Close()
}
