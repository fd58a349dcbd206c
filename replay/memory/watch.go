package memory

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/hfhook/hfhook/replay"
)

// happened gives r one more event. The caller has the lock.
func (s *Store) happened(r *record) (id int64) {
	s.lastEvent++
	s.events[s.lastEvent] = r
	close(s.more)
	s.more = make(chan struct{})
	return s.lastEvent
}

// Watch implements replay.Store. What is removed before the reader came to it is
// not among the news.
func (s *Store) Watch(ctx context.Context) iter.Seq2[replay.News, error] {
	start := s.last()
	return func(yield func(replay.News, error) bool) {
		done := ctx.Done()
		at, last := start, int64(math.MaxInt64) // last is where it stops, once ctx has ended
		for {
			select {
			case <-done:
				last, done = s.last(), nil
			default:
			}
			n, id, more := s.after(at, last)
			switch at = id; {
			case n != replay.News{}:
				if !yield(n, nil) {
					return
				}
				continue
			case at >= last:
				return
			}
			select {
			case <-done:
			case <-s.closed:
				yield(replay.News{}, replay.ErrClosed)
				return
			case <-more:
			}
		}
	}
}

func (s *Store) last() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastEvent
}

// after gives the first event after at that is still kept, up to last, and its
// ID. When there is none it gives the ID of the newest, and a channel that is
// closed when there is more.
func (s *Store) after(at, last int64) (n replay.News, id int64, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at < min(s.lastEvent, last) {
		at++
		if r := s.events[at]; r != nil {
			return r.news(at), at, nil
		}
	}
	return replay.News{}, at, s.more
}

// news gives the event with this ID, which is one of r's.
func (r *record) news(id int64) replay.News {
	arrivals, isArrival := slices.BinarySearchFunc(r.Arrivals, id, func(a replay.Arrival, id int64) int { return cmp.Compare(a.ID, id) })
	attempts, _ := slices.BinarySearchFunc(r.Attempts, id, func(a replay.Attempt, id int64) int { return cmp.Compare(a.ID, id) })
	if !isArrival {
		a := r.Attempts[attempts]
		return replay.News{Attempt: &a}
	}
	arrivals++
	d := r.delivery()
	d.Arrivals, d.Attempts = d.Arrivals[:arrivals:arrivals], d.Attempts[:attempts:attempts]
	return replay.News{Arrival: d}
}
