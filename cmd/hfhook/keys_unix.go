//go:build !windows

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/hfhook/hfhook/cmd/hfhook/internal/terminal"
)

// interruptKey and suspendKey are what Ctrl-C and Ctrl-Z are, in what was
// before. Who reads keys owns them.
var interruptKey, suspendKey uint8

var errAway = errors.New("the terminal is somebody else's")

// singleKeys has the terminal give each key at once, without showing it. A
// shell that had the terminal meanwhile may have changed that, so it is called
// again and again.
func singleKeys(fd int) error {
	tty.Lock()
	defer tty.Unlock()
	switch {
	case tty.away:
		return errAway
	case tty.over || !inForeground(fd):
		return nil
	}
	mode, err := terminal.Mode(fd)
	if err != nil {
		return err
	}
	if tty.before == nil {
		if tty.before, err = term.GetState(fd); err != nil {
			return err
		}
		interruptKey, suspendKey = mode.Cc[unix.VINTR], mode.Cc[unix.VSUSP]
		if tty.guard == nil {
			tty.guard, _ = terminal.StartGuard(os.Stdin) // keys are read without one, too
		}
		undo := ""
		if knowsMarks() {
			undo = marksOff
		}
		tty.guard.Remember(mode, single(mode), undo)
	}
	want := single(mode)
	if *want == *mode {
		return nil
	}
	if mode.Lflag&unix.ICANON != 0 { // it was somebody else's
		markPasted(true)
	}
	return terminal.SetMode(fd, want)
}

// single is mode with single keys. The caller has the lock of tty.
func single(mode *unix.Termios) *unix.Termios {
	m := *mode
	m.Lflag &^= unix.ICANON | unix.ECHO
	m.Lflag |= unix.NOFLSH // what is there to be read stays there, also after Ctrl-C
	// After a crash, a shell that reads before the guard acts is not to take
	// this for the end of its input, as it would with 0 for VMIN.
	m.Cc[unix.VMIN], m.Cc[unix.VTIME] = 1, 0
	m.Cc[unix.VSUSP] = terminal.NoKey // see suspend
	m.Cc[unix.VINTR] = interruptKey
	if tty.line {
		m.Cc[unix.VINTR] = terminal.NoKey
	}
	return &m
}

// inForeground reports whether the terminal belongs to this program now: in
// the background, touching it would stop the program.
func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// readKeys looks at the keyboard while the terminal is ours.
func readKeys(ctx context.Context, fd int, t typist) {
	signal.Ignore(syscall.SIGTTIN) // should the terminal change hands just now
	ended, end, err := os.Pipe()
	if err == nil {
		defer ended.Close()
		defer context.AfterFunc(ctx, func() { _ = end.Close() })()
	}
	var keys decoder
	for ctx.Err() == nil {
		var chunk [1 << 10]byte
		n := 0
		if inForeground(fd) && singleKeys(fd) == nil && awaitKey(fd, ended, keyPause) {
			n, _ = unix.Read(fd, chunk[:])
		}
		if n > 0 {
			if suspendKey != terminal.NoKey && bytes.IndexByte(chunk[:n], suspendKey) >= 0 {
				suspend(fd, t)
				continue
			}
			t.typed(keys.decode(chunk[:n]))
			if keys.pending() && !awaitKey(fd, ended, escapeTime) {
				t.typed(keys.flush())
			}
			continue
		}
		select {
		case <-time.After(keyPause / 10): // a terminal that is gone gives nothing at once
		case <-ctx.Done():
		}
	}
}

// awaitKey waits until something is typed. It selects, because not every system
// can poll a terminal.
func awaitKey(fd int, ended *os.File, patience time.Duration) bool {
	var files unix.FdSet
	files.Set(fd)
	last := fd
	if ended != nil && ended.Fd() < unix.FD_SETSIZE {
		files.Set(int(ended.Fd()))
		last = max(last, int(ended.Fd()))
	}
	timeout := unix.NsecToTimeval(patience.Nanoseconds())
	n, err := unix.Select(last+1, &files, nil, nil, &timeout)
	return err == nil && n > 0 && files.IsSet(fd)
}

// suspend does what Ctrl-Z does, after it has given the terminal back: not every
// shell sees to that. The signal itself cannot be caught for it, since Go does
// not let go of a signal that was (its issue 41996).
func suspend(fd int, t typist) {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	t.leave()
	away(fd, true)
	if syscall.Kill(0, syscall.SIGTSTP) == nil {
		select {
		case <-goesOn:
		case <-time.After(keyPause): // where nobody could let it go on, it is not stopped
		}
	}
	away(fd, false)
	t.back()
}

// away gives the terminal to somebody else, or has it be ours again: as that
// one left it is then how it was before.
func away(fd int, gone bool) {
	tty.Lock()
	defer tty.Unlock()
	if gone && tty.before != nil && inForeground(fd) {
		markPasted(false)
		_ = term.Restore(fd, tty.before)
		tty.before = nil
	}
	tty.away = gone
}
