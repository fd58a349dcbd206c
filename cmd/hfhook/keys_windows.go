package main

import (
	"context"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// singleKeys has the console give each key at once, without showing it.
func singleKeys(fd int) error {
	keyboard.Lock()
	defer keyboard.Unlock()
	console := windows.Handle(fd)
	var mode uint32
	err := windows.GetConsoleMode(console, &mode)
	if err != nil {
		return err
	}
	if keyboard.before, err = term.GetState(fd); err != nil {
		return err
	}
	return windows.SetConsoleMode(console, mode&^(windows.ENABLE_LINE_INPUT|windows.ENABLE_ECHO_INPUT))
}

func inForeground(int) bool { return true }

// readKeys returns with ctx. A read of the console cannot be ended: what waits
// in it ends with the program.
func readKeys(ctx context.Context, _ int, pressed func(byte)) {
	keys := make(chan byte)
	go func() {
		var key [1]byte
		for {
			if n, err := os.Stdin.Read(key[:]); err != nil || n == 0 {
				return
			}
			select {
			case keys <- key[0]:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case key := <-keys:
			pressed(key)
		case <-ctx.Done():
			return
		}
	}
}
