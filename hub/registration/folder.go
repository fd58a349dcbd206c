package registration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"time"

	"github.com/gofrs/flock"
)

// folder is where the journal is. A session has an entry ID.json there, what of
// it is secret in ID.secret, and ID.lock, which is locked for as long as the
// session lives. All files are read and changed under the lock of the folder.
type folder string

const (
	entryExt  = ".json"
	secretExt = ".secret"
	lockExt   = ".lock"
	newExt    = ".new" // about to be renamed
)

const (
	maxFile  = 16 << 20
	maxFiles = 10_000
	lockWait = 5 * time.Second // for the folder; holders only read and write files
)

var fileName = regexp.MustCompile(`^([A-Z2-7]{26})\.(json|secret|lock|new)$`)

func (d folder) file(id, ext string) string { return filepath.Join(string(d), id+ext) }

// exclusive runs f under the lock of the folder, which must be there.
func (d folder) exclusive(ctx context.Context, f func() error) error {
	info, err := os.Lstat(string(d))
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errors.New("it is no folder")
	}
	if err := foreign(info); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	lock := newLock(filepath.Join(string(d), "folder.lock"))
	if _, err := lock.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer lock.Close()
	return f()
}

func newLock(path string) *flock.Flock {
	return flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
}

// read gives a file that nobody else can have written.
func (d folder) read(id, ext string) ([]byte, error) {
	path := d.file(id, ext)
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(before, info) {
		return nil, errors.New("it was replaced meanwhile")
	}
	if err := foreign(info); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errDamaged
	}
	return b, err
}

// write makes a file durable, or leaves the one that there was.
func (d folder) write(id, ext string, b []byte) error {
	if len(b) > maxFile {
		return errors.New("it would get too large")
	}
	part := d.file(id, newExt)
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, d.file(id, ext))
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return syncDir(string(d))
}

// remove takes a session's files away, the entry first: without one the others
// mean nothing.
func (d folder) remove(id string) error {
	err := os.Remove(d.file(id, entryExt))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := syncDir(string(d)); err != nil {
			return err
		}
	}
	for _, ext := range []string{secretExt, newExt, lockExt} {
		if e := os.Remove(d.file(id, ext)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sessions gives the ids that files are named after.
func (d folder) sessions() ([]string, error) {
	f, err := os.Open(string(d))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files, err := f.ReadDir(maxFiles)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var ids []string
	seen := map[string]bool{}
	for _, file := range files {
		if m := fileName.FindStringSubmatch(file.Name()); m != nil && !seen[m[1]] {
			seen[m[1]] = true
			ids = append(ids, m[1])
		}
	}
	return ids, nil
}

// makeFolder makes a folder that only its user can read, and those above it.
func makeFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	switch above := filepath.Dir(path); {
	case err == nil:
		return syncDir(above)
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist) && above != path:
		if err := makeFolder(above); err != nil {
			return err
		}
		return makeFolder(path)
	}
	return err
}

// syncDir makes new names in a folder durable. Windows cannot, and need not.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
