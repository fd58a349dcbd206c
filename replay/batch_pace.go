package replay

import (
	"context"
	"sync"
	"time"
)

// pace keeps a rate: one may pass in each interval.
type pace struct {
	interval time.Duration

	mu   sync.Mutex
	next time.Time // when the next one may
}

// paceSlack is how much may be made up for, since sleeping is not exact.
const paceSlack = 10 * time.Millisecond

// wait waits for its turn, and reports whether it came before ctx ended.
func (p *pace) wait(ctx context.Context) bool {
	p.mu.Lock()
	now := time.Now()
	switch earliest := now.Add(-paceSlack); {
	case p.next.IsZero():
		p.next = now
	case p.next.Before(earliest):
		p.next = earliest
	}
	turn := p.next
	p.next = turn.Add(p.interval)
	p.mu.Unlock()
	if wait := turn.Sub(now); wait > 0 {
		pause(ctx, wait)
	}
	return ctx.Err() == nil
}

// spacing keeps the time between deliveries.
type spacing struct {
	speed       float64
	begun, base time.Time
}

func newSpacing(speed float64) *spacing { return &spacing{speed: speed} }

// wait waits until a delivery of this time is due, or ctx ends. The first is due
// at once, and so is what is older than it.
func (s *spacing) wait(ctx context.Context, received time.Time) {
	if s.speed <= 0 {
		return
	}
	if s.base.IsZero() {
		s.begun, s.base = time.Now(), received
		return
	}
	since := time.Duration(float64(received.Sub(s.base)) / s.speed)
	if wait := time.Until(s.begun.Add(since)); wait > 0 {
		pause(ctx, wait)
	}
}
