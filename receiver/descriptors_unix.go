//go:build unix

package receiver

import "syscall"

// descriptors is how many files the process may have open; the runtime has
// raised it as far as it goes.
func descriptors() (n uint64, known bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return uint64(limit.Cur), true
}
