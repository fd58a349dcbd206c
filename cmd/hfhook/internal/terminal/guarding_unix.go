//go:build !windows

package terminal

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// guardWord is the only argument of a guard.
const guardWord = "guard-terminal"

func init() {
	if len(os.Args) == 2 && os.Args[1] == guardWord {
		keepGuard(os.NewFile(3, "pipe"))
		os.Exit(0)
	}
}

// keepGuard is the guard's own part. Stdin is the terminal. Its errors are
// nobody's: who would hear of them is gone.
func keepGuard(pipe *os.File) {
	// Whatever ends the one that it is there for does not end it before. Ignored,
	// SIGTTOU lets it change the terminal from the background.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	nameGuard()
	var told memory
	known := false
	for {
		var kind [1]byte
		if n, _ := pipe.Read(kind[:]); n == 0 {
			break
		}
		if kind[0] != modes || binary.Read(pipe, binary.NativeEndian, &told) != nil {
			return
		}
		known = true
	}
	if now, err := Mode(0); err == nil && known && alike(now, &told.Now) {
		_, _ = os.Stdin.Write(bytes.TrimRight(told.Undo[:], "\x00"))
		_ = SetMode(0, &told.Before)
	}
}

// alike reports whether two modes are the same in what programs change that
// read keys or edit lines. The latter have carriage returns stay what they are,
// for one.
func alike(a, b *unix.Termios) bool {
	const flags = unix.ICANON | unix.ECHO | unix.ISIG | unix.IEXTEN | unix.NOFLSH
	for _, i := range []int{unix.VMIN, unix.VTIME, unix.VSUSP} {
		if a.Cc[i] != b.Cc[i] {
			return false
		}
	}
	return a.Iflag == b.Iflag && a.Oflag == b.Oflag && a.Lflag&flags == b.Lflag&flags
}
