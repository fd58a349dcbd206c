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
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// folder is where the journal is. A session has an entry ID.json there, what of
// it is secret in ID.secret, and ID.lock, which is locked for as long as the
// session lives. All files are read and changed under the lock of the folder.
type folder struct {
	path string
	disk disk
}

func (d folder) String() string { return d.path }

const (
	entryExt  = ".json"
	secretExt = ".secret"
	lockExt   = ".lock"
	newExt    = ".new" // about to be renamed
)

const (
	maxFile  = 16 << 20
	maxFiles = 10_000          // are looked at
	lockWait = 5 * time.Second // for the folder; holders only read and write files
)

var fileName = regexp.MustCompile(`^([A-Z2-7]{26})\.(json|secret|lock|new)$`)

func (d folder) file(id, ext string) string { return filepath.Join(d.path, id+ext) }

// exclusive runs f under the lock of the folder, which must be there.
func (d folder) exclusive(ctx context.Context, f func() error) error {
	info, err := os.Lstat(d.path)
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
	lock := newLock(filepath.Join(d.path, "folder.lock"))
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
	if err := d.disk.remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := d.disk.create(part)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = d.disk.rename(part, d.file(id, ext))
	}
	if err != nil {
		return errors.Join(err, d.disk.remove(part))
	}
	return d.disk.syncDir(d.path)
}

// remove takes a session's files away, the entry first: without one the others
// mean nothing.
func (d folder) remove(id string) error {
	err := d.disk.remove(d.file(id, entryExt))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := d.disk.syncDir(d.path); err != nil {
			return err
		}
	}
	for _, ext := range []string{secretExt, newExt, lockExt} {
		if e := d.disk.remove(d.file(id, ext)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sessions gives the ids that files are named after; with an error, not all.
func (d folder) sessions() ([]string, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files, err := f.ReadDir(maxFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	err = nil
	if len(files) > maxFiles {
		err = fmt.Errorf("there are more than %d files in it", maxFiles)
	}
	var ids []string
	seen := map[string]bool{}
	for _, file := range files {
		if m := fileName.FindStringSubmatch(file.Name()); m != nil && !seen[m[1]] {
			seen[m[1]] = true
			ids = append(ids, m[1])
		}
	}
	return ids, err
}

// make makes a folder that only its user can read, and those above it.
func (d folder) make() error { return d.makePath(d.path) }

func (d folder) makePath(path string) error {
	above := filepath.Dir(path)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && above != path {
		if err := d.makePath(above); err != nil {
			return err
		}
		err = d.disk.mkdir(path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// Whoever made one that was there may not have come to this.
	if err := d.disk.syncDir(above); err != nil && !cannotSync(err) {
		return err
	}
	return nil
}

// cannotSync is about a folder of others: it may not be read, or its file
// system does not know how.
func cannotSync(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}
