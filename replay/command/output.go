package command

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/internal/redact"
)

// Line is a line of a running program's output.
type Line struct {
	Target     string // Target.Name
	DeliveryID int64
	Stream     string // "stdout" or "stderr"
	// Text is without its end, without the escape sequences that colour it,
	// printable, and without secrets. One that is longer than 8 KiB is cut and
	// ends in "…". Of what a progress bar writes over again and again it is the
	// last, and one each second.
	Text string
}

const (
	minHidden = 8       // bytes of what Options.Hide hides
	lineBytes = 8 << 10 // shown of a line
	headBytes = 64 << 10
	tailBytes = replay.MaxAnswer - headBytes - 64 // the rest is for what is put between
	seamBytes = 4 << 10                           // given up at a cut to have whole lines
)

// output takes what one run prints, on both of its streams.
type output struct {
	secrets *redact.Secrets
	tell    func(stream, text string) // nil: nobody reads it live

	mu   sync.Mutex
	head []byte
	tail []byte
	left int64 // bytes that are in neither
}

func newOutput(t *Target, delivery int64) *output {
	o := &output{secrets: t.secrets}
	if t.o.Output != nil {
		o.tell = func(stream, text string) {
			t.telling.Lock()
			defer t.telling.Unlock()
			t.o.Output(Line{Target: t.name, DeliveryID: delivery, Stream: stream, Text: text})
		}
	}
	return o
}

func (o *output) keep(text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(text), headBytes-len(o.head))
	o.head = append(o.head, text[:n]...)
	o.tail = append(o.tail, text[n:]...)
	if over := len(o.tail) - tailBytes; over > tailBytes { // not for each bit that comes
		o.dropTail(over)
	}
}

func (o *output) dropTail(n int) {
	o.left += int64(n)
	o.tail = append(o.tail[:0], o.tail[n:]...)
}

// body is what is kept: the beginning and the end, where errors are.
func (o *output) body() (body []byte, cut bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if over := len(o.tail) - tailBytes; over > 0 {
		o.dropTail(over)
	}
	if o.left == 0 {
		return append(o.head, o.tail...), false
	}
	// Whole lines if they are short, whole characters if there are any.
	if i := bytes.LastIndexByte(o.head, '\n'); i >= len(o.head)-seamBytes {
		o.left += int64(len(o.head) - i - 1)
		o.head = o.head[:i+1]
	}
	if i := bytes.IndexByte(o.tail[:min(seamBytes, len(o.tail))], '\n'); i >= 0 {
		o.dropTail(i + 1)
	}
	for range utf8.UTFMax - 1 {
		if r, size := utf8.DecodeLastRune(o.head); r == utf8.RuneError && size == 1 {
			o.left++
			o.head = o.head[:len(o.head)-1]
		}
		if len(o.tail) > 0 && !utf8.RuneStart(o.tail[0]) {
			o.dropTail(1)
		}
	}
	note := fmt.Sprintf("[... %d bytes left out ...]\n", o.left)
	if len(o.head) > 0 && o.head[len(o.head)-1] != '\n' {
		note = "\n" + note
	}
	return slices.Concat(o.head, []byte(note), o.tail), true
}

// stream is one of the two that a program has.
type stream struct {
	out     *output
	name    string
	pending []byte // may be the beginning of a secret

	line  []byte    // that has not ended
	long  bool      // it had more
	again bool      // it begins anew with the next character
	told  time.Time // when a line that begins anew was shown last
}

func (o *output) stream(name string) *stream { return &stream{out: o, name: name} }

// Write takes out the secrets. What may be a part of one waits for the rest,
// though not beyond the end of a line, where none goes on.
func (s *stream) Write(p []byte) (int, error) {
	s.pending = append(s.pending, p...)
	safe := max(len(s.pending)-s.out.secrets.Longest()+1, bytes.LastIndexByte(s.pending, '\n')+1, bytes.LastIndexByte(s.pending, '\r')+1)
	s.pass(min(max(safe, 0), len(s.pending)))
	return len(p), nil
}

// pass hands on what is pending, up to safe: no secret begins before it of which
// the end is missing.
func (s *stream) pass(safe int) {
	done := 0
	for at, size := range s.out.secrets.Find(s.pending) {
		if at >= safe {
			break
		}
		s.emit(s.pending[done:at])
		s.emit([]byte(replay.Redacted))
		done = at + size
	}
	if done < safe {
		s.emit(s.pending[done:safe])
		done = safe
	}
	s.pending = append([]byte(nil), s.pending[done:]...) // let go of what is done
}

// flush is for what has no end.
func (s *stream) flush() {
	s.pass(len(s.pending))
	if len(s.line) > 0 {
		s.show()
	}
}

func (s *stream) emit(text []byte) {
	s.out.keep(text)
	if s.out.tell == nil {
		return
	}
	for len(text) > 0 {
		i := bytes.IndexAny(text, "\r\n")
		if i != 0 {
			part := text
			if i > 0 {
				part = text[:i]
			}
			s.extend(part)
			text = text[len(part):]
			continue
		}
		if text[0] == '\n' {
			s.show()
		} else {
			s.again = true
		}
		text = text[1:]
	}
}

func (s *stream) extend(part []byte) {
	if s.again {
		s.again = false
		if now := time.Now(); len(s.line) > 0 && now.Sub(s.told) >= time.Second {
			s.told = now
			s.show()
		}
		s.line, s.long = s.line[:0], false
	}
	n := min(len(part), lineBytes-len(s.line))
	s.line = append(s.line, part[:n]...)
	s.long = s.long || n < len(part)
}

// show tells of the line and begins a new one.
func (s *stream) show() {
	text := string(s.line)
	if strings.ContainsRune(text, '\x1b') {
		text = escapes.ReplaceAllString(text, "")
	}
	if s.long {
		for range utf8.UTFMax - 1 {
			if r, size := utf8.DecodeLastRuneInString(text); r == utf8.RuneError && size == 1 {
				text = text[:len(text)-1]
			}
		}
		text += "…"
	}
	s.out.tell(s.name, payload.PrintableLines(text))
	s.line, s.long, s.again = s.line[:0], false, false
}

// escapes are what terminals take for colours and other commands: CSI and OSC
// sequences.
var escapes = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?)`)
