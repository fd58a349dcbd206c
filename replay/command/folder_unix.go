//go:build unix

package command

import (
	"io/fs"
	"os"
	"syscall"
)

// noFollow opens no link.
const noFollow = syscall.O_NOFOLLOW

// isOwn reports whether a file is the user's: others could have made it.
func isOwn(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(s.Uid) == int64(os.Geteuid())
}

func tryLock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
