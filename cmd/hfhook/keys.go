package main

import (
	"context"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// keyPause is how long one look at the keyboard takes at most.
const keyPause = 500 * time.Millisecond

// keyboard is the terminal that keys are read from, as it was before. There is
// one for the whole program: whoever ends that restores it.
var keyboard struct {
	sync.Mutex
	before *term.State // nil: nothing was changed
	over   bool        // nothing is to be changed any more
}

// watchKeys calls pressed for each key on stdin, when that is a terminal, until
// ctx ends. Ctrl-C and the like stay signals. Without a terminal it reports
// false.
func watchKeys(ctx context.Context, pressed func(byte)) (*task, bool) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) || singleKeys(fd) != nil {
		return nil, false
	}
	return start(ctx, func(ctx context.Context) error {
		defer restoreTerminal()
		readKeys(ctx, fd, pressed)
		return nil
	}), true
}

// restoreTerminal undoes singleKeys. It may be called at any time.
func restoreTerminal() {
	keyboard.Lock()
	defer keyboard.Unlock()
	if fd := int(os.Stdin.Fd()); keyboard.before != nil && inForeground(fd) {
		_ = term.Restore(fd, keyboard.before)
	}
	keyboard.before, keyboard.over = nil, true
}
