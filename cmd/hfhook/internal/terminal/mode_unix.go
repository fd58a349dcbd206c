//go:build !windows

package terminal

import "golang.org/x/sys/unix"

// Mode gives the mode of the terminal fd.
func Mode(fd int) (*unix.Termios, error) { return unix.IoctlGetTermios(fd, getTermios) }

// SetMode changes it, at once.
func SetMode(fd int, mode *unix.Termios) error { return unix.IoctlSetTermios(fd, setTermios, mode) }
