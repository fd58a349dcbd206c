package main

import (
	"context"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/hfhook/hfhook/cmd/hfhook/internal/terminal"
)

const (
	// keyPause is how long one look at the keyboard takes at most.
	keyPause = 500 * time.Millisecond

	// escapeTime is how long a key that begins like an escape sequence may wait
	// for the rest of one. It comes at once, but for a bad line.
	escapeTime = 50 * time.Millisecond
)

// tty is the terminal that keys are read from, as it was before. There is one
// for the whole program: whoever ends that restores it.
var tty struct {
	sync.Mutex
	before *term.State // nil: nothing was changed
	away   bool        // somebody else has it, as after Ctrl-Z
	line   bool        // a line is typed: Ctrl-C is a key of it
	over   bool        // nothing is to be changed any more
	marks  bool        // it marks what is pasted
	guard  *terminal.Guard
}

// What has a terminal mark pasted text, and not any more.
// Source: XTerm Control Sequences, Bracketed Paste Mode.
const (
	marksOn  = "\x1b[?2004h"
	marksOff = "\x1b[?2004l"
)

// knowsMarks reports whether the terminal can be told such a thing.
func knowsMarks() bool {
	kind := os.Getenv("TERM")
	return runtime.GOOS != "windows" && kind != "" && kind != "dumb"
}

// markPasted has the terminal mark what is pasted, or not any more. The caller
// has the lock of tty.
func markPasted(on bool) {
	switch {
	case on && knowsMarks():
		_, _ = os.Stderr.WriteString(marksOn)
		tty.marks = true
	case !on && tty.marks:
		_, _ = os.Stderr.WriteString(marksOff)
		tty.marks = false
	}
}

// typist takes what is typed.
type typist interface {
	typed(keys []rune) // what came at once
	leave()            // the program is stopped in a moment
	back()             // and goes on
}

// watchKeys gives t the keys from stdin, when that is a terminal, until ctx
// ends. Ctrl-C and the like stay signals. Without a terminal it reports false.
func watchKeys(ctx context.Context, t typist) (*task, bool) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) || singleKeys(fd) != nil {
		return nil, false
	}
	return start(ctx, func(ctx context.Context) error {
		readKeys(ctx, fd, t)
		restoreTerminal().Wait()
		return nil
	}), true
}

// typeLine has Ctrl-C be a key like any other, or a signal again.
func typeLine(on bool) {
	tty.Lock()
	tty.line = on
	tty.Unlock()
	_ = singleKeys(int(os.Stdin.Fd()))
}

// restoreTerminal undoes singleKeys, for good. It may be called at any time. The
// guard that it gives is ending.
func restoreTerminal() *terminal.Guard {
	tty.Lock()
	defer tty.Unlock()
	if fd := int(os.Stdin.Fd()); tty.before != nil && !tty.away && inForeground(fd) {
		markPasted(false)
		_ = term.Restore(fd, tty.before)
	}
	tty.before, tty.over = nil, true
	tty.guard.Dismiss()
	return tty.guard
}
