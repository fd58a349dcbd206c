package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// maxTyped bounds what is typed in one line, in bytes; terminals have 4 KiB.
const maxTyped = 4 << 10

// canAsk reports whether there is a person to ask: one who types and reads.
func canAsk(c *cli.Context) bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && newScreen(c.App.ErrWriter, true).terminal
}

// ask puts a question to the person at the terminal and gives the line that is
// typed, which does not show when it is hidden.
func ask(c *cli.Context, question string, hidden bool) (string, error) {
	if hidden { // before anybody is asked to type
		show, err := hideTyping(int(os.Stdin.Fd()))
		if err != nil {
			return "", fmt.Errorf("hide what is typed: %w", err)
		}
		defer func() {
			show()
			fmt.Fprintln(c.App.ErrWriter)
		}()
	}
	fmt.Fprint(c.App.ErrWriter, question)
	line, err := readLine(input{c.Context})
	if err != nil && !hidden { // no Enter was shown
		fmt.Fprintln(c.App.ErrWriter)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}

// confirm asks a question that only yes means yes to.
func confirm(c *cli.Context, question string) (bool, error) {
	answer, err := ask(c, question+" [y/N] ", false)
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", err
}

// readLine reads up to the end of a line and not further. The last one may end
// with io.EOF.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for {
		var b [1]byte
		n, err := r.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n', n == 0 && errors.Is(err, io.EOF):
			return strings.TrimSuffix(string(line), "\r"), err
		case n == 0 && err != nil:
			return "", err
		case n == 1 && len(line) == maxTyped:
			return "", fmt.Errorf("the line has more than %d bytes", maxTyped)
		case n == 1:
			line = append(line, b[0])
		}
	}
}

// input is stdin until the context ends.
type input struct{ ctx context.Context }

func (in input) Read(b []byte) (int, error) {
	if err := awaitInput(in.ctx, int(os.Stdin.Fd())); err != nil {
		return 0, err
	}
	return os.Stdin.Read(b)
}

// errInterrupted is for what a person ended before it was done: no success for
// a script.
var errInterrupted = failed(errors.New("interrupted"), "")

// hideTyping has the terminal show nothing that is typed until show is called.
// Should the program end before, restoreTerminal does it.
func hideTyping(fd int) (show func(), err error) {
	tty.Lock()
	defer tty.Unlock()
	before, err := term.GetState(fd)
	if err == nil {
		err = echoOff(fd)
	}
	if err != nil {
		return nil, err
	}
	tty.before = before
	return func() {
		tty.Lock()
		defer tty.Unlock()
		_ = term.Restore(fd, before)
		tty.before = nil
	}, nil
}
