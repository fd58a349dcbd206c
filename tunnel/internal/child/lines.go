package child

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/plain"
)

const (
	lineBytes  = 8 << 10 // kept of a line
	lastLines  = 20      // kept of a program
	shownRunes = 200     // shown of a line
	logRate    = 100     // lines a second that go to the log
)

// output keeps the last lines that a program wrote, in memory that it uses
// again and again.
type output struct {
	line   func([]byte)
	redact *tunnel.Redactor
	log    *slog.Logger // nil: nobody reads it

	mu    sync.Mutex
	ring  [lastLines][]byte
	count int

	second  time.Time // since when logged counts
	logged  int
	omitted int
}

func newOutput(p Program) *output {
	o := &output{line: p.Line, redact: p.Redact}
	if p.Log != nil && p.Log.Enabled(context.Background(), slog.LevelDebug) {
		o.log = p.Log
	}
	return o
}

func (o *output) add(line []byte) {
	line = plain.Bytes(line)
	if len(line) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	slot := &o.ring[o.count%lastLines]
	*slot = append((*slot)[:0], line...)
	o.count++
	if o.log != nil {
		o.tell(line)
	}
	if o.line != nil {
		o.line(line)
	}
}

// tell logs a line unless there were too many in this second.
func (o *output) tell(line []byte) {
	if now := time.Now(); now.Sub(o.second) >= time.Second {
		if o.omitted > 0 {
			o.log.Debug("output left out", "lines", o.omitted)
		}
		o.second, o.logged, o.omitted = now, 0, 0
	}
	if o.logged == logRate {
		o.omitted++
		return
	}
	o.logged++
	o.log.Debug("output", "line", Show(o.redact.String(string(line))))
}

func (o *output) last(n int) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = min(n, o.count, lastLines)
	all := make([]string, 0, n)
	for i := o.count - n; i < o.count; i++ {
		all = append(all, o.redact.String(string(o.ring[i%lastLines])))
	}
	return all
}

// Show makes text from a program fit to be shown: printable, on one line, and
// not too long. It has to be redacted before: half a secret is one too.
func Show(s string) string { return plain.Short(s, shownRunes) }

// lines is a Writer that cuts one stream into lines. A line that is too long
// loses its end.
type lines struct {
	to   *output
	part []byte // of a line that has not ended
}

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		if !ended || len(l.part) > 0 {
			l.part = append(l.part, line[:min(len(line), lineBytes-len(l.part))]...)
			line = l.part
		}
		if !ended {
			return n, nil
		}
		l.to.add(line[:min(len(line), lineBytes)])
		l.part = l.part[:0]
		p = rest
	}
}

// flush is for a last line without an end.
func (l *lines) flush() {
	l.to.add(l.part)
	l.part = nil
}
