package main

import (
	"context"
	"errors"
	"sync"

	"github.com/hfhook/hfhook/replay"
)

// showing says which deliveries the person at the keyboard is shown of those
// that --only leaves. All others are received, kept and forwarded the same way.
type showing struct {
	mu     sync.Mutex
	text   string         // of the filter, as it was typed
	filter *replay.Filter // nil: everything is shown
	hidden int            // by this filter
	former int            // by those before
	last   int64          // the newest accepted one that was shown; 0: none
}

// choose sets a filter, or none, and gives how many the one before has hidden.
func (s *showing) choose(text string, f *replay.Filter) (hidden int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hidden = s.hidden
	s.former += hidden
	s.text, s.filter, s.hidden, s.last = text, f, 0, 0
	return hidden
}

// hiddenInAll is how many deliveries were not shown.
func (s *showing) hiddenInAll() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.former + s.hidden
}

// arrival reports whether a delivery is shown that came in.
func (s *showing) arrival(d *replay.Delivery) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.filter != nil && !s.filter.Match(d) {
		s.hidden++
		return false
	}
	if d.Verdict == replay.Accepted {
		s.last = d.ID
	}
	return true
}

// attempt reports whether an attempt is shown: as its delivery is.
func (s *showing) attempt(ctx context.Context, store replay.Store, a *replay.Attempt) bool {
	filter, _, _ := s.state()
	if filter == nil {
		return true
	}
	d, err := store.Get(ctx, a.DeliveryID)
	return err != nil || filter.Match(d)
}

// state gives the filter, which may be nil, its text, and how many it has
// hidden.
func (s *showing) state() (f *replay.Filter, text string, hidden int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.filter, s.text, s.hidden
}

// newest gives the newest accepted delivery that is shown and that only chooses,
// which may be nil: the last one of this session, else one from before. The
// error may be ErrNotFound.
func (s *showing) newest(ctx context.Context, store replay.Store, only *replay.Filter) (*replay.Delivery, error) {
	s.mu.Lock()
	id, f := s.last, s.filter
	s.mu.Unlock()
	if id != 0 {
		if d, err := store.Get(ctx, id); !errors.Is(err, replay.ErrNotFound) {
			return d, err
		}
	}
	chosen := replay.Filter{Verdicts: []replay.Verdict{replay.Accepted}}
	for _, f := range []*replay.Filter{f, only} {
		if f != nil {
			chosen = chosen.And(*f)
		}
	}
	chosen.Limit, chosen.Newest = 1, true
	for d, err := range store.List(ctx, chosen) {
		return d, err
	}
	return nil, replay.ErrNotFound
}
