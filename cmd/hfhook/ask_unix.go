//go:build !windows

package main

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/hfhook/hfhook/cmd/hfhook/internal/terminal"
)

// awaitInput waits until there is something to read, or ctx ends.
func awaitInput(ctx context.Context, fd int) error {
	for ctx.Err() == nil {
		files := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(files, int(keyPause.Milliseconds()/5))
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return nil // reading tells what is wrong
		}
	}
	return errInterrupted
}

func echoOff(fd int) error {
	mode, err := terminal.Mode(fd)
	if err != nil {
		return err
	}
	mode.Lflag &^= unix.ECHO
	return terminal.SetMode(fd, mode)
}
