//go:build !windows

package terminal

import (
	"encoding/binary"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Guard is a process that puts a terminal back should this one be killed or
// crash, when nothing of its own runs any more. It ends with this one, whatever
// happens to that, and leaves a terminal alone that somebody else has changed
// since: the shell may have been faster.
//
// The methods of a nil Guard do nothing.
type Guard struct {
	process *os.Process
	pipe    *os.File
}

// StartGuard starts the guard of a terminal. It knows nothing yet.
func StartGuard(terminal *os.File) (*Guard, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	process, err := os.StartProcess(program, []string{os.Args[0], guardWord}, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"GOMAXPROCS=1"}, // it needs nothing, and is to know no secret
		Files: []*os.File{terminal, nil, nil, read},
		Sys:   &syscall.SysProcAttr{Setpgid: true}, // Ctrl-C is not for it
	})
	if err != nil {
		_ = write.Close()
		return nil, err
	}
	return &Guard{process, write}, nil
}

// What a guard is told, in a byte.
const (
	modes   byte = iota // a memory follows
	goodbye             // there is nothing left to do
)

// memory is what a guard knows. It has a size of its own, so that it can be
// read as it is written.
type memory struct {
	Before, Now unix.Termios
	Undo        [16]byte // padded with zeros
}

// Remember says that the mode before is to be put back, where now, or what is
// alike, is found; and undo, of at most 16 bytes, to be written then.
func (g *Guard) Remember(before, now *unix.Termios, undo string) {
	if g == nil {
		return
	}
	m := memory{Before: *before, Now: *now}
	copy(m.Undo[:], undo)
	if message, err := binary.Append([]byte{modes}, binary.NativeEndian, m); err == nil {
		_, _ = g.pipe.Write(message)
	}
}

// Dismiss says that there is nothing to put back any more. The guard ends.
func (g *Guard) Dismiss() {
	if g == nil {
		return
	}
	_, _ = g.pipe.Write([]byte{goodbye})
	_ = g.pipe.Close()
}

// patience is how long a guard may take to end.
const patience = 2 * time.Second

// Wait returns when a guard that was dismissed has ended.
func (g *Guard) Wait() {
	if g == nil {
		return
	}
	defer time.AfterFunc(patience, func() { _ = g.process.Kill() }).Stop() // somebody may have stopped it
	_, _ = g.process.Wait()
}
