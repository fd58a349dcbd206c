package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// screen is one of the program's two streams: stdout is data, stderr is talk.
type screen struct {
	io.Writer
	terminal bool
	file     *os.File // the terminal
	width    int      // columns; 0: not a terminal, so nothing is cut
	trouble  *trouble

	bold, dim, good, bad, warn, link, key paint
}

// paint colours a text, or leaves it as it is.
type paint func(string) string

// newScreen finds out what w is. Colour needs a terminal, no NO_COLOR and no
// --no-color.
func newScreen(w io.Writer, noColor bool) *screen {
	s := &screen{Writer: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.terminal, s.file = true, f
		s.width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			s.width = width
		}
		switch f { // on Windows these two translate escape sequences
		case os.Stdout:
			s.Writer = color.Output
		case os.Stderr:
			s.Writer = color.Error
		}
	}
	s.trouble = &trouble{w: s.Writer}
	s.Writer = s.trouble
	s.paint(s.terminal && !noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
	return s
}

// trouble remembers the first error of a writer, so that printing can go
// without asking each time. It takes one write after the other.
type trouble struct {
	mu     sync.Mutex
	w      io.Writer
	err    error
	broken func(error) // told of the first one; may be nil
}

func (t *trouble) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.w.Write(b)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("write the output: %w", err)
		if t.broken != nil {
			t.broken(t.err)
		}
	}
	return n, err
}

func (s *screen) paint(on bool) {
	brush := func(attributes ...color.Attribute) paint {
		if !on {
			return func(text string) string { return text }
		}
		c := color.New(attributes...)
		c.EnableColor()
		return func(text string) string { return c.Sprint(text) }
	}
	s.bold = brush(color.Bold)
	s.dim = brush(color.Faint)
	s.good = brush(color.FgGreen)
	s.bad = brush(color.FgRed)
	s.warn = brush(color.FgYellow)
	s.link = brush(color.FgCyan)
	s.key = brush(color.FgBlue)
}

// cut shortens a clean text to what fits behind indent columns.
func (s *screen) cut(text string, indent int) string {
	if s.width == 0 {
		return text
	}
	return runewidth.Truncate(text, max(s.width-indent, 8), "…")
}

// columns is how wide a clean text is on a terminal.
func columns(text string) int { return runewidth.StringWidth(text) }

// pad fills a clean text with blanks up to width columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

func (s *screen) line(format string, args ...any) {
	fmt.Fprintf(s, format+"\n", args...)
}

// bytesText is a size for people: 20 B, 1.2 KB, 16 MB.
func bytesText(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n), 0
	for value >= unit && suffix < 5 {
		value /= unit
		suffix++
	}
	text := strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0")
	return fmt.Sprintf("%s %cB", text, "BKMGTP"[suffix])
}

// isText reports whether b can be shown as text.
func isText(b []byte) bool {
	return utf8.Valid(b) && !strings.ContainsRune(string(b), 0)
}
