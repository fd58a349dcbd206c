package registration

import (
	"errors"
	"io"
	"os"
	"runtime"
)

// disk is what changes the files of the journal; the tests have one that loses
// what was not synced, and one that fails.
type disk interface {
	create(path string) (file, error) // one that is not there, for its user alone
	rename(from, to string) error
	remove(path string) error
	mkdir(path string) error   // for its user alone
	syncDir(path string) error // makes the names in it durable
}

type file interface {
	io.WriteCloser
	Sync() error
}

// realDisk is that of this machine.
type realDisk struct{}

func (realDisk) create(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

func (realDisk) rename(from, to string) error { return os.Rename(from, to) }
func (realDisk) remove(path string) error     { return os.Remove(path) }
func (realDisk) mkdir(path string) error      { return os.Mkdir(path, 0o700) }

// syncDir does nothing on Windows, which cannot, and need not.
func (realDisk) syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
