package memory

import (
	"net/http"
	"time"
)

// size is what a message counts for in Keep.Bytes.
func size(h http.Header, body []byte) int64 {
	n := len(body)
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return int64(n)
}

func (s *Store) grow(r *record, bytes int64) {
	r.bytes += bytes
	s.bytes += bytes
}

// remove removes the oldest deliveries that need not be kept. The caller has
// the lock.
func (s *Store) remove() {
	for i, r := range s.deliveries[:max(0, len(s.deliveries)-1)] {
		if r == nil || len(r.queue) > 0 {
			continue
		}
		if !s.tooMuch() && (s.keep.Age <= 0 || time.Since(r.since) <= s.keep.Age) {
			break
		}
		s.deliveries[i] = nil
		s.count--
		s.bytes -= r.bytes
		if s.known[r.id] == r {
			delete(s.known, r.id)
		}
		for _, a := range r.Arrivals {
			delete(s.events, a.ID)
		}
		for _, a := range r.Attempts {
			delete(s.events, a.ID)
		}
	}
	for len(s.deliveries) > 0 && s.deliveries[0] == nil {
		s.deliveries = s.deliveries[1:]
		s.first++
	}
}

func (s *Store) tooMuch() bool {
	return s.keep.Deliveries > 0 && s.count > s.keep.Deliveries ||
		s.keep.Bytes > 0 && s.bytes > s.keep.Bytes
}

// oldest gives the lowest ID that there may be.
func (s *Store) oldest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}
