//go:build unix

package main

import (
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

// isStrangers reports whether a file is that of a user who is neither this one
// nor root, or of nobody in particular.
func isStrangers(info fs.FileInfo) bool {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int64(s.Uid) != int64(os.Geteuid()) {
		return true
	}
	return info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o002 != 0
}
