package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// minDatabase is the size of the smallest database. SQLite takes a file that is
// shorter for an empty one, and would write over it.
const minDatabase = 512

// prepareFile makes sure that there is a file of our own at path, in a folder
// that exists. It never opens a file that is there already: on Unix, closing
// any descriptor of a database drops the locks that this process holds on it.
func prepareFile(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Lstat(path); err != nil { // or its folder is durable already
		if err := MakeFolder(dir); err != nil {
			return err
		}
	}
	if err := lookAt(path); err != nil {
		return err
	}

	// O_EXCL does not follow a link that somebody put there meanwhile.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return access(err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(dir)
}

// MakeFolder makes a folder for its user alone, and those above it. Their names
// are as durable as what is in them. Open does it too.
func MakeFolder(dir string) error {
	parent := filepath.Dir(dir)
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	case errors.Is(err, fs.ErrNotExist) && parent != dir:
		if err := MakeFolder(parent); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return access(err)
	}
	// Whoever made one that was there may not have come to this.
	if err := syncDir(parent); err != nil && !cannotSync(err) {
		return err
	}
	return nil
}

// cannotSync is about a folder of others: it may not be read, or its file
// system does not know how.
func cannotSync(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

// lookAt refuses what is at path, and at the names beside it that belong to a
// store, when it cannot be one. What is not there is fine.
func lookAt(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock"} {
		if err := lookAtOne(path + suffix); err != nil {
			return err
		}
	}
	if info, err := os.Lstat(path); err == nil && info.Size() > 0 && info.Size() < minDatabase {
		return ErrNotDatabase
	}
	return nil
}

func lookAtOne(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return access(err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: %s", ErrNotRegular, path)
	case shared(info):
		return fmt.Errorf("%w: %s", ErrSecondName, path)
	}
	return nil
}

// syncDir makes a new name in dir durable. Tests look on.
var syncDir = syncFolder

// syncFolder does nothing on Windows, which cannot, and need not.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

func access(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

// lockFile takes the lock of the one process that dispatches, and leaves its
// id in the file for the message of the next that tries.
func lockFile(path string) (*flock.Flock, error) {
	lock, err := tryLock(path)
	if err == nil {
		// Where locks are mandatory this cannot be written, and is not missed.
		_ = os.WriteFile(path, strconv.AppendInt(nil, int64(os.Getpid()), 10), 0o600)
	}
	return lock, err
}

func tryLock(path string) (*flock.Flock, error) {
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, access(err)
	case !ok:
		// Where locks are mandatory this cannot be read.
		text, _ := os.ReadFile(path)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, errors.Join(lock.Close(), &InUseError{PID: pid})
	}
	return lock, nil
}
