//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// othersWrite reports whether others than the user may have written a file.
func othersWrite(info fs.FileInfo) bool {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int64(s.Uid) != int64(os.Geteuid()) {
		return true
	}
	return info.Mode().Perm()&0o022 != 0
}

// makeOwn closes a file or folder of the user to others. It is an error when it
// belongs to somebody else. What look says is no file or folder is left alone.
func makeOwn(path string, look func(string) (fs.FileInfo, error)) error {
	info, err := look(path)
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int64(s.Uid) != int64(os.Geteuid()) {
		return fmt.Errorf("%s belongs to another user", path)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 && (info.IsDir() || info.Mode().IsRegular()) {
		return os.Chmod(path, perm&^0o077)
	}
	return nil
}

// isStrangers reports whether a file is that of a user who is neither this one
// nor root, or of nobody in particular.
func isStrangers(info fs.FileInfo) bool {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int64(s.Uid) != int64(os.Geteuid()) {
		return true
	}
	return info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o002 != 0
}
