package memory

import (
	"context"
	"iter"

	"github.com/hfhook/hfhook/replay"
)

// news is a place in the list of what happened. It is filled in before ready
// is closed, and next is the place after it.
type news struct {
	ready   chan struct{}
	next    *news
	arrival *record
	count   int // of arrival's arrivals, the news included
	attempt *replay.Attempt
}

func (s *Store) tell(n news) {
	at := s.end
	s.end = &news{ready: make(chan struct{})}
	at.next, at.arrival, at.count, at.attempt = s.end, n.arrival, n.count, n.attempt
	close(at.ready)
}

// Watch implements replay.Store.
func (s *Store) Watch(ctx context.Context) iter.Seq2[replay.News, error] {
	at := s.now()
	return func(yield func(replay.News, error) bool) {
		done := ctx.Done()
		var last *news // where it stops, once ctx has ended
		for at != last {
			select {
			case <-done:
				last, done = s.now(), nil
				continue
			case <-s.closed:
				yield(replay.News{}, replay.ErrClosed)
				return
			case <-at.ready:
			}
			if !yield(s.give(at), nil) {
				return
			}
			at = at.next
		}
	}
}

// now is the place of what happens next.
func (s *Store) now() *news {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end
}

func (s *Store) give(n *news) replay.News {
	if n.attempt != nil {
		a := *n.attempt
		return replay.News{Attempt: &a}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := n.arrival.delivery()
	d.Arrivals = d.Arrivals[:n.count:n.count]
	return replay.News{Arrival: d}
}
