package replay

import "errors"

// ErrPaused is returned while nothing is sent, because somebody asked for that.
var ErrPaused = errors.New("sending is paused")

// Pause has no more sent, to any target, until Resume. What is under way is
// finished; what is queued stays in the store, in its order, also when Run ends
// meanwhile. It may be called at any time, before Run too, and again.
func (d *Dispatcher) Pause() { d.setPaused(true) }

// Resume undoes Pause: what waits is sent, in order for each repo. Without a
// Pause it does nothing.
func (d *Dispatcher) Resume() { d.setPaused(false) }

func (d *Dispatcher) setPaused(paused bool) {
	for _, s := range d.senders {
		s.mu.Lock()
		s.paused = paused
		s.changed()
		for _, waiters := range s.waiters {
			signal(waiters...)
		}
		s.mu.Unlock()
	}
}

// stays reports whether a delivery stays in the queue, because sending is paused
// and it was not begun.
func (s *sender) stays(delivery int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused && !s.line.begun(delivery)
}
