// Package memory keeps deliveries in memory: for tests, and for programs that
// need no more than the order and the repeats.
package memory

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// Store is a replay.Store that is gone when the process ends: nothing in it is
// durable. Its methods may be called at the same time.
type Store struct {
	keep replay.Keep // all its fields set

	mu         sync.Mutex
	closed     chan struct{}
	deliveries []*record // by ID, the first one's being first; nil: removed
	first      int64
	count      int   // of deliveries
	bytes      int64 // of theirs
	known      map[identity]*record
	events     map[int64]*record // by the ID of an arrival or attempt
	lastEvent  int64
	more       chan struct{} // closed and replaced when there is another event
}

// record is a kept delivery. Its Queued is in queue.
type record struct {
	replay.Delivery
	id    identity
	queue []queued
	bytes int64
	since time.Time // it is here
}

// queued is a place in a target's queue, for the arrival that put it there.
type queued struct {
	target  string
	arrival int64
}

// identity is what makes an arrival one more of a kept delivery.
type identity struct {
	webhookID string
	body      [sha256.Size]byte
	size      int64
	rejected  bool
}

var _ replay.Store = (*Store)(nil)

// New gives an empty Store that keeps everything.
func New() *Store {
	return NewKeep(replay.Keep{Deliveries: replay.NoLimit, Bytes: replay.NoLimit})
}

// NewKeep gives an empty Store that removes what keep does not keep. Never the
// newest delivery.
func NewKeep(keep replay.Keep) *Store {
	return &Store{
		keep:   keep.WithDefaults(),
		first:  1,
		closed: make(chan struct{}),
		known:  make(map[identity]*record),
		events: make(map[int64]*record),
		more:   make(chan struct{}),
	}
}

// lock locks the store unless it, or ctx, has come to its end.
func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return replay.ErrClosed
	}
	return nil
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Append implements replay.Store.
func (s *Store) Append(ctx context.Context, in replay.Incoming) (replay.Receipt, error) {
	if err := s.lock(ctx); err != nil {
		return replay.Receipt{}, err
	}
	defer s.mu.Unlock()

	r, repeat := s.take(in.Delivery)
	arrival := replay.Arrival{
		ID:         s.happened(r),
		DeliveryID: r.ID,
		Time:       in.Arrival.Time.UTC().Truncate(time.Microsecond),
		RemoteAddr: in.Arrival.RemoteAddr,
		Repeat:     repeat,
	}
	r.Arrivals = append(r.Arrivals, arrival)
	receipt := replay.Receipt{DeliveryID: r.ID, Arrival: arrival}
	if r.Verdict == replay.Accepted {
		receipt.Queued = r.enqueue(arrival, in.Targets)
	}
	s.remove()
	return receipt, nil
}

// take finds the record that d is one more arrival of, or makes one.
func (s *Store) take(d replay.Delivery) (*record, replay.Repeat) {
	d.BodySize = max(d.BodySize, int64(len(d.Body)))
	id := identity{
		webhookID: d.WebhookID,
		body:      sha256.Sum256(d.Body),
		size:      d.BodySize,
		rejected:  d.Verdict == replay.Rejected,
	}
	if d.WebhookID != "" {
		if r := s.known[id]; r != nil {
			return r, r.repeat()
		}
		was := id
		was.rejected = true
		if r := s.known[was]; r != nil {
			delete(s.known, was)
			s.known[id], r.id = r, id
			d.ID, d.Body, d.Arrivals, d.Attempts = r.ID, r.Body, r.Arrivals, r.Attempts
			d.Header = d.Header.Clone()
			r.Delivery = d
			return r, replay.Retry
		}
	}
	d.ID = s.first + int64(len(s.deliveries))
	d.Header, d.Body = d.Header.Clone(), slices.Clone(d.Body)
	d.Arrivals, d.Attempts, d.Queued = nil, nil, nil
	r := &record{Delivery: d, id: id, since: time.Now()}
	s.deliveries = append(s.deliveries, r)
	s.count++
	s.grow(r, size(d.Header, d.Body))
	if d.WebhookID != "" {
		s.known[id] = r
	}
	return r, replay.First
}

// repeat says what one more arrival is.
func (r *record) repeat() replay.Repeat {
	if slices.ContainsFunc(r.Arrivals, func(a replay.Arrival) bool { return a.Answer/100 == 2 }) {
		return replay.Replay
	}
	return replay.Retry
}

// enqueue puts the record in the queues of those targets that arrival is for,
// and returns their names.
func (r *record) enqueue(arrival replay.Arrival, targets []string) []string {
	var names []string
	for _, target := range targets {
		waits := slices.IndexFunc(r.queue, func(q queued) bool { return q.target == target })
		if slices.Contains(names, target) ||
			arrival.Repeat == replay.Retry && (waits >= 0 || r.answered(target)) {
			continue
		}
		names = append(names, target)
		if waits >= 0 {
			r.queue[waits].arrival = arrival.ID
		} else {
			r.queue = append(r.queue, queued{target, arrival.ID})
		}
	}
	return names
}

func (r *record) answered(target string) bool {
	return slices.ContainsFunc(r.Attempts, func(a replay.Attempt) bool {
		return a.Kind == replay.Live && a.Target == target && a.OK()
	})
}

// Answered implements replay.Store.
func (s *Store) Answered(ctx context.Context, arrivalID int64, status int) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	r := s.events[arrivalID]
	if r == nil { // removed meanwhile
		return nil
	}
	// A copy, because what was given out shares the old one.
	r.Arrivals = slices.Clone(r.Arrivals)
	for i := range r.Arrivals {
		if r.Arrivals[i].ID == arrivalID {
			r.Arrivals[i].Answer = status
		}
	}
	return nil
}

// Finish implements replay.Store.
func (s *Store) Finish(ctx context.Context, attempts ...*replay.Attempt) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, a := range attempts {
		if s.record(a.DeliveryID) == nil {
			return fmt.Errorf("attempt on delivery %d: %w", a.DeliveryID, replay.ErrNotFound)
		}
	}
	for _, a := range attempts {
		r := s.record(a.DeliveryID)
		a.ID = s.happened(r)
		kept := *a
		kept.Started = a.Started.UTC().Truncate(time.Microsecond)
		kept.Header, kept.Body = a.Header.Clone(), slices.Clone(a.Body)
		bytes := size(kept.Header, kept.Body)
		if a.Sent != nil {
			kept.Sent = &replay.Sent{Header: a.Sent.Header.Clone(), Body: slices.Clone(a.Sent.Body)}
			bytes += size(kept.Sent.Header, kept.Sent.Body)
		}
		r.Attempts = append(r.Attempts, kept)
		s.grow(r, bytes)
		if a.Kind == replay.Live {
			r.queue = slices.DeleteFunc(r.queue, func(q queued) bool {
				return q.target == a.Target && (a.ArrivalID == 0 || q.arrival <= a.ArrivalID)
			})
		}
	}
	s.remove()
	return nil
}

// Get implements replay.Store.
func (s *Store) Get(ctx context.Context, id int64) (*replay.Delivery, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r := s.record(id)
	if r == nil {
		return nil, fmt.Errorf("delivery %d: %w", id, replay.ErrNotFound)
	}
	return r.delivery(), nil
}

// List implements replay.Store. It sees what happens while it runs.
func (s *Store) List(ctx context.Context, f replay.Filter) iter.Seq2[*replay.Delivery, error] {
	if f.Newest && f.Limit > 0 {
		return s.newest(ctx, f)
	}
	return func(yield func(*replay.Delivery, error) bool) {
		for id, given := max(f.FromID, s.oldest()), 0; f.Limit <= 0 || given < f.Limit; id++ {
			d, more, err := s.match(ctx, f, id)
			switch {
			case err != nil:
				yield(nil, err)
				return
			case !more:
				return
			case d == nil:
				continue
			case !yield(d, nil):
				return
			}
			given++
		}
	}
}

func (s *Store) newest(ctx context.Context, f replay.Filter) iter.Seq2[*replay.Delivery, error] {
	return func(yield func(*replay.Delivery, error) bool) {
		s.mu.Lock()
		id := s.first + int64(len(s.deliveries)) - 1
		s.mu.Unlock()
		var found []*replay.Delivery
		for ; len(found) < f.Limit; id-- {
			d, more, err := s.match(ctx, f, id)
			if err != nil {
				yield(nil, err)
				return
			}
			if !more {
				break
			}
			if d != nil {
				found = append(found, d)
			}
		}
		for _, d := range slices.Backward(found) {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// match gives the delivery with this id if it is there and f chooses it, and
// whether it is worth going on.
func (s *Store) match(ctx context.Context, f replay.Filter, id int64) (d *replay.Delivery, more bool, err error) {
	if err := s.lock(ctx); err != nil {
		return nil, false, err
	}
	defer s.mu.Unlock()
	if id < s.first || id >= s.first+int64(len(s.deliveries)) {
		return nil, false, nil
	}
	r := s.record(id)
	if r == nil {
		return nil, true, nil
	}
	if d = r.delivery(); !f.Match(d) {
		d = nil
	}
	return d, true, nil
}

// Close implements replay.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isClosed() {
		close(s.closed)
	}
	return nil
}

func (s *Store) record(id int64) *record {
	if id < s.first || id >= s.first+int64(len(s.deliveries)) {
		return nil
	}
	return s.deliveries[id-s.first]
}

// delivery gives a copy that later events leave alone.
func (r *record) delivery() *replay.Delivery {
	d := r.Delivery
	// Both only grow, or are replaced: a full slice is as good as a copy.
	d.Arrivals = slices.Clip(d.Arrivals)
	d.Attempts = slices.Clip(d.Attempts)
	d.Queued = nil
	for _, q := range r.queue {
		d.Queued = append(d.Queued, q.target)
	}
	return &d
}
