package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	progressAfter = time.Second // shorter runs show none
	progressEvery = 100 * time.Millisecond
)

// progress is a bar in the last line of a terminal, on stderr, for as long as
// something takes. Elsewhere it shows nothing.
type progress struct {
	w     io.Writer // nil: shows nothing
	width func() int
	begun time.Time
	stop  chan struct{}
	done  sync.WaitGroup

	mu                  sync.Mutex
	drawn               bool
	total, sent, failed int
}

// newProgress makes a bar for stderr; end has to follow.
func newProgress(stderr io.Writer) *progress {
	p := &progress{begun: time.Now(), stop: make(chan struct{})}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		s := newScreen(stderr, true)
		p.w = s.Writer
		p.width = func() int {
			width, _, err := term.GetSize(int(f.Fd()))
			if err != nil || width <= 0 {
				return s.width
			}
			return width
		}
		p.done.Go(p.run)
	}
	return p
}

// shows tells whether there is a bar, and a total is worth counting.
func (p *progress) shows() bool { return p.w != nil }

// expect changes how many there will be by n.
func (p *progress) expect(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += n
}

// step says that one more is done.
func (p *progress) step(failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	if failed {
		p.failed++
	}
}

// above has f print lines, to whichever stream, where the bar is; it is drawn
// again below them.
func (p *progress) above(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	f()
}

// end takes the bar away.
func (p *progress) end() {
	if p.w == nil {
		return
	}
	close(p.stop)
	p.done.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) run() {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		if took := time.Since(p.begun); took >= progressAfter {
			p.draw(took)
		}
	}
}

// draw shows the bar. One write, so that nothing comes between.
func (p *progress) draw(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drawn = true
	_, _ = io.WriteString(p.w, "\r"+progressText(p.sent, p.total, p.failed, took, p.width()-1)+"\x1b[K")
}

func (p *progress) clear() {
	if p.drawn {
		p.drawn = false
		_, _ = io.WriteString(p.w, "\r\x1b[K")
	}
}

// progressText is the bar in at most width columns.
func progressText(sent, total, failed int, took time.Duration, width int) string {
	total = max(total, sent)
	parts := []string{fmt.Sprintf("%d/%d", sent, total), rateText(sent, took)}
	if failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", failed))
	}
	if sent > 0 && total > sent {
		left := time.Duration(float64(took) / float64(sent) * float64(total-sent))
		parts = append(parts, "ETA "+left.Round(time.Second).String())
	}
	text := strings.Join(parts, "  ")
	if cells := min(width-len(text)-4, 30); cells >= 5 && total > 0 {
		full := int(int64(cells) * int64(sent) / int64(total))
		text = "[" + strings.Repeat("#", full) + strings.Repeat("-", cells-full) + "]  " + text
	}
	return text[:max(0, min(len(text), width))]
}
