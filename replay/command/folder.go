package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	folderPrefix = "hfhook-exec-"
	lockName     = "lock"
	// young folders may not be locked yet.
	young = time.Minute
)

// folder is where the payloads of a Target are while their programs run. It
// holds a lock for as long as the Target lives, so that another one can tell it
// from what a killed process left behind, and remove that.
type folder struct {
	parent string

	mu   sync.Mutex
	path string // empty: not made yet
	lock *os.File
}

// add makes a file that only the user can read.
func (f *folder) add(body []byte) (path string, err error) {
	file, err := f.create()
	if errors.Is(err, fs.ErrNotExist) { // somebody tidied up
		_ = f.remove()
		file, err = f.create()
	}
	if err != nil {
		return "", err
	}
	_, err = file.Write(body)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

func (f *folder) create() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		if err := f.make(); err != nil {
			return nil, err
		}
	}
	return os.CreateTemp(f.path, "payload-*.json") // 0600
}

func (f *folder) make() error {
	if err := os.MkdirAll(f.parent, 0o700); err != nil {
		return err
	}
	sweep(f.parent)
	parent, err := filepath.Abs(f.parent)
	if err != nil {
		return err
	}
	path, err := os.MkdirTemp(parent, folderPrefix) // 0700
	if err != nil {
		return err
	}
	lock, err := openLock(filepath.Join(path, lockName), os.O_CREATE|os.O_EXCL)
	if err != nil {
		_ = os.RemoveAll(path)
		return err
	}
	f.path, f.lock = path, lock
	return nil
}

func (f *folder) remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	path := f.path
	f.path = ""
	// Windows removes no open file, and nobody takes one that was just made.
	err := f.lock.Close()
	return errors.Join(err, os.RemoveAll(path))
}

// sweep removes the folders of processes that were killed. What cannot be
// removed is left for another time.
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info() // of a link, not of where it leads
		if err != nil || !strings.HasPrefix(entry.Name(), folderPrefix) ||
			!info.IsDir() || !isOwn(info) || time.Since(info.ModTime()) < young {
			continue
		}
		path := filepath.Join(parent, entry.Name())
		lock, err := openLock(filepath.Join(path, lockName), 0)
		switch {
		case err == nil:
			_ = lock.Close()
		case !errors.Is(err, fs.ErrNotExist):
			continue
		}
		_ = os.RemoveAll(path)
	}
}

// openLock opens a file and locks it, which is an error when somebody else has.
func openLock(path string, flags int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|noFollow|flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := tryLock(file); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}
