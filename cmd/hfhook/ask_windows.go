package main

import (
	"context"

	"golang.org/x/sys/windows"
)

// awaitInput leaves the waiting to the read, which Ctrl-C ends.
func awaitInput(ctx context.Context, _ int) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return nil
}

func echoOff(fd int) error {
	var mode uint32
	if err := windows.GetConsoleMode(windows.Handle(fd), &mode); err != nil {
		return err
	}
	return windows.SetConsoleMode(windows.Handle(fd), mode&^windows.ENABLE_ECHO_INPUT)
}
