//go:build linux || darwin || freebsd

package sqlite

import "golang.org/x/sys/unix"

// FreeSpace is how many bytes the user can still write to the disk that a
// folder is on.
func FreeSpace(folder string) (bytes uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return uint64(max(0, s.Bavail)) * uint64(s.Bsize), true // their types differ by system
}
