package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"golang.org/x/term"
)

// exitInterrupted is the exit code after a second Ctrl-C, as shells have it.
const exitInterrupted = 130

// signals are what a person or the system tells the program to do. Ctrl-C and
// SIGTERM end it in order, a second one at once. SIGHUP ends it when its
// terminal is gone, and reconnects the tunnel when it is not, or when there
// was none to begin with.
type signals struct {
	wanted    atomic.Bool   // somebody can reconnect
	reconnect chan struct{} // receives after a SIGHUP that means it
	terminal  *os.File      // the controlling one; nil: none
	incoming  chan os.Signal
}

// listen handles signals until stop is called. ctx ends with the first that
// ends the program.
func (s *signals) listen(parent context.Context) (ctx context.Context, stop func()) {
	s.reconnect = make(chan struct{}, 1)
	s.terminal, _ = os.Open("/dev/tty")
	which := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		which = append(which, syscall.SIGHUP)
	}
	s.incoming = make(chan os.Signal, 4)
	signal.Notify(s.incoming, which...)
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, signalsKey{}, s))
	stopped := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stopped:
				return
			case got := <-s.incoming:
				switch {
				case got == syscall.SIGHUP && s.wanted.Load() && !s.hungUp():
					select {
					case s.reconnect <- struct{}{}:
					default: // one is under way
					}
				case ctx.Err() != nil:
					restoreTerminal()
					killCommands()
					os.Exit(exitInterrupted)
				default:
					cancel(&signalled{got})
				}
			}
		}
	}()
	return ctx, func() {
		signal.Stop(s.incoming)
		close(stopped)
		<-done
		cancel(nil)
		if s.terminal != nil {
			_ = s.terminal.Close()
		}
	}
}

// outliveReader makes a reader that goes away an error of writing, so that the
// program ends in order. The signal is not ignored: programs that this one
// starts would ignore it too, and some of them would never end.
func outliveReader() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// hungUp reports whether the terminal went away.
func (s *signals) hungUp() bool {
	if s.terminal == nil {
		return false
	}
	_, err := term.GetState(int(s.terminal.Fd()))
	return err != nil
}

// signalled is the cause of a context that a signal ended.
type signalled struct{ os.Signal }

func (s *signalled) Error() string { return s.String() + " signal received" }
func (s *signalled) Unwrap() error { return context.Canceled }

// signalsKey is the key of the signals in the context.
type signalsKey struct{}

// reconnects receives when SIGHUP asks to reconnect; who calls it says that it
// listens. In a context that no program listens for, nothing ever does.
func reconnects(ctx context.Context) <-chan struct{} {
	s, ok := ctx.Value(signalsKey{}).(*signals)
	if !ok {
		return nil
	}
	s.wanted.Store(true)
	return s.reconnect
}

// interrupt does what Ctrl-C does.
func interrupt(ctx context.Context) {
	if s, ok := ctx.Value(signalsKey{}).(*signals); ok {
		select {
		case s.incoming <- os.Interrupt:
		default: // as many wait as anybody could mean
		}
	}
}
