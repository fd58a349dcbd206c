//go:build !windows

package main

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// singleKeys has the terminal give each key at once, without showing it. A
// shell that had the terminal meanwhile may have changed that, so it is called
// again and again.
func singleKeys(fd int) error {
	keyboard.Lock()
	defer keyboard.Unlock()
	if keyboard.over || !inForeground(fd) {
		return nil
	}
	mode, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	if mode.Lflag&(unix.ICANON|unix.ECHO) == 0 {
		return nil
	}
	if keyboard.before == nil {
		if keyboard.before, err = term.GetState(fd); err != nil {
			return err
		}
	}
	mode.Lflag &^= unix.ICANON | unix.ECHO
	mode.Cc[unix.VMIN] = 0 // a read gives up after VTIME tenths of a second
	mode.Cc[unix.VTIME] = uint8(keyPause / (100 * time.Millisecond))
	return unix.IoctlSetTermios(fd, setTermios, mode)
}

// inForeground reports whether the terminal belongs to this program now: in
// the background, touching it would stop the program.
func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// readKeys looks at the keyboard while the terminal is ours.
func readKeys(ctx context.Context, fd int, pressed func(byte)) {
	signal.Ignore(syscall.SIGTTIN) // should the terminal change hands just now
	for ctx.Err() == nil {
		var key [1]byte
		n := 0
		if inForeground(fd) && singleKeys(fd) == nil {
			n, _ = unix.Read(fd, key[:])
		}
		if n == 1 {
			pressed(key[0])
			continue
		}
		select {
		case <-time.After(keyPause / 10): // a terminal that is gone gives nothing at once
		case <-ctx.Done():
		}
	}
}
