package main

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// singleKeys has the console give each key at once, without showing it.
func singleKeys(fd int) error {
	tty.Lock()
	defer tty.Unlock()
	if tty.over {
		return nil
	}
	console := windows.Handle(fd)
	var mode uint32
	err := windows.GetConsoleMode(console, &mode)
	if err != nil {
		return err
	}
	if tty.before == nil {
		if tty.before, err = term.GetState(fd); err != nil {
			return err
		}
	}
	mode &^= windows.ENABLE_LINE_INPUT | windows.ENABLE_ECHO_INPUT
	mode |= windows.ENABLE_PROCESSED_INPUT
	if tty.line {
		mode &^= windows.ENABLE_PROCESSED_INPUT
	}
	return windows.SetConsoleMode(console, mode)
}

func inForeground(int) bool { return true }

// readKeys returns with ctx. A read of the console cannot be ended: what waits
// in it ends with the program.
func readKeys(ctx context.Context, _ int, t typist) {
	chunks := make(chan []byte)
	go func() {
		for {
			chunk := make([]byte, 1<<10)
			n, err := os.Stdin.Read(chunk)
			if err != nil || n == 0 {
				return
			}
			select {
			case chunks <- chunk[:n]:
			case <-ctx.Done():
				return
			}
		}
	}()
	var keys decoder
	for {
		var late <-chan time.Time
		if keys.pending() {
			late = time.After(escapeTime)
		}
		select {
		case chunk := <-chunks:
			t.typed(keys.decode(chunk))
		case <-late:
			t.typed(keys.flush())
		case <-ctx.Done():
			return
		}
	}
}
