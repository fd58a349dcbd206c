package main

import (
	"io"
	"os"
	"strings"
	"sync"
	"unicode"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"github.com/hfhook/hfhook/payload"
)

// prompt is a line that a person types at the bottom of the terminal. What is
// printed meanwhile goes above it.
type prompt struct {
	mu       sync.Mutex
	w        io.Writer  // the terminal
	columns  func() int // of it
	lead     string     // in front of what is typed
	text     []rune
	open     bool
	shown    bool // the line is on the terminal now
	newLines bool // the terminal cannot erase
}

// newPrompt gives a prompt on the terminal that s is.
func newPrompt(s *screen) *prompt {
	return &prompt{
		w: s.trouble.w, newLines: os.Getenv("TERM") == "dumb",
		columns: func() int {
			if width, _, err := term.GetSize(int(s.file.Fd())); err == nil && width > 0 {
				return width
			}
			return s.width
		},
	}
}

// under has what s prints go above the line from now on, if s is a terminal.
func (p *prompt) under(s *screen) {
	if !s.terminal {
		return
	}
	s.trouble.mu.Lock()
	defer s.trouble.mu.Unlock()
	s.trouble.w = above{p, s.trouble.w}
}

// above writes above the line of a prompt.
type above struct {
	p *prompt
	w io.Writer
}

func (a above) Write(b []byte) (int, error) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	a.p.erase()
	n, err := a.w.Write(b)
	a.p.draw()
	return n, err
}

// begin opens the line, empty. It is shown by the next call of show.
func (p *prompt) begin(lead string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lead, p.text, p.open = lead, nil, true
}

// end takes the line away.
func (p *prompt) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.open = false
}

// isOpen reports whether a line is typed.
func (p *prompt) isOpen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

// typed takes a key that changes the line; others do nothing. The change is
// shown by the next call of show.
func (p *prompt) typed(key rune) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case key == keyErase && len(p.text) > 0:
		p.text = p.text[:len(p.text)-1]
	case key == keyEraseLine:
		p.text = nil
	case key == keyEraseWord:
		p.text = []rune(strings.TrimRightFunc(string(p.text), unicode.IsSpace))
		for n := len(p.text); n > 0 && !unicode.IsSpace(p.text[n-1]); n-- {
			p.text = p.text[:n-1]
		}
	case unicode.IsPrint(key) && len(string(p.text)) < maxTyped:
		p.text = append(p.text, key)
	}
}

// typedText is what is typed so far.
func (p *prompt) typedText() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.text)
}

// show draws the line anew, and hide takes it off the terminal for a while.
func (p *prompt) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.draw()
}

func (p *prompt) hide() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// raw writes what does not show, such as a sequence that only the terminal
// reads.
func (p *prompt) raw(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.w, text)
}

// draw shows the line, of which the end when it is long. The caller has the
// lock.
func (p *prompt) draw() {
	if !p.open || p.shown {
		return
	}
	text := payload.Printable(string(p.text))
	if room := max(p.columns()-columns(p.lead)-1, 8); columns(text) > room {
		text = runewidth.TruncatePrefix(text, room, "…")
	}
	_, _ = io.WriteString(p.w, p.lead+text)
	p.shown = true
}

// erase takes the line off the terminal. The caller has the lock.
func (p *prompt) erase() {
	if !p.shown {
		return
	}
	if p.newLines {
		_, _ = io.WriteString(p.w, "\n")
	} else {
		_, _ = io.WriteString(p.w, "\r\x1b[K")
	}
	p.shown = false
}
