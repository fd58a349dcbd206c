package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// sender is what a Dispatcher has for each target. Its line says what may be
// sent next; whether it is still to be sent, the store says.
type sender struct {
	target  Target
	name    string
	route   *Filter // nil: every delivery
	o       *DispatcherOptions
	most    int // sends at once
	records chan<- *Attempt

	wake chan struct{} // something changed that run waits for
	room chan struct{} // something left the line

	mu      sync.Mutex
	line    *line
	flying  int   // sends under way
	hold    *hold // nil while the target can be reached
	paused  bool
	notices []Hold
	waiters map[int64][]chan struct{} // of Await, by delivery
}

func newSender(t Target, o *DispatcherOptions, records chan<- *Attempt) *sender {
	most := o.Concurrency
	if l, ok := t.(Limited); ok {
		most = max(1, min(most, l.Limit()))
	}
	return &sender{
		target:  t,
		name:    t.Name(),
		o:       o,
		most:    most,
		records: records,
		wake:    make(chan struct{}, 1),
		room:    make(chan struct{}, 1),
		line:    newLine(o.MaxWaiting),
		waiters: make(map[int64][]chan struct{}),
	}
}

// signal wakes who waits at these channels, of which each has room for one.
func signal(channels ...chan struct{}) {
	for _, c := range channels {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (s *sender) changed() { signal(s.wake) }

// feed puts into the line what the store has queued, in the order of arrival.
// When the line is full it waits, and the rest stays where it is. The error is
// ErrClosed.
func (s *sender) feed(ctx context.Context) error {
	for tries := 0; ; tries++ {
		err := s.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrClosed):
			return fmt.Errorf("reading the queue of %s: %w", s.name, err)
		}
		wait := backoff(tries)
		s.o.Log.Error("queue cannot be read", "target", s.name, "err", err, "retry_in", wait)
		pause(ctx, wait)
	}
}

func (s *sender) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Watched from before the backlog is read, so that there is no gap
	// between the two. What comes both ways finds its delivery waiting, or out
	// of the queue.
	news := s.o.Store.Watch(ctx)
	if err := s.backlog(ctx); err != nil {
		return err
	}
	for n, err := range news {
		if err != nil {
			return err
		}
		d := n.Arrival
		if d == nil || !slices.Contains(d.Queued, s.name) {
			continue
		}
		if err := s.add(ctx, s.item(d)); err != nil {
			return err
		}
	}
	return errors.New("the store has no more news")
}

// firstPage is how many deliveries of a backlog are read before the first is sent.
const firstPage = 64

// backlog puts into the line what is queued from before.
func (s *sender) backlog(ctx context.Context) error {
	var from, last int64
	for size := firstPage; ; size *= 8 {
		size = min(size, s.o.MaxWaiting)
		page, rest, err := s.page(ctx, size, from, last)
		if err != nil {
			return err
		}
		for _, it := range page {
			if err := s.add(ctx, it); err != nil {
				return err
			}
		}
		if rest == 0 {
			return nil
		}
		from, last = rest, page[len(page)-1].arrival
	}
}

// page gives the first items, up to size, of the queued deliveries from an ID on
// that arrived after a given arrival, in the order of arrival. rest is the ID
// from which on there may be more, and 0 at the end.
func (s *sender) page(ctx context.Context, size int, from, after int64) (page []item, rest int64, err error) {
	for d, err := range s.o.Store.List(ctx, Filter{Queued: s.name, FromID: from}) {
		if err != nil {
			return nil, 0, err
		}
		full := len(page) == size
		// IDs are in the order of first arrivals: only what came again has a
		// later place than its ID says, and nothing an earlier one.
		if full && d.Arrivals[0].ID > page[len(page)-1].arrival {
			return page, cmp.Or(rest, d.ID), nil
		}
		it := s.item(d)
		if it.arrival <= after {
			continue
		}
		i, _ := slices.BinarySearchFunc(page, it, func(a, b item) int { return cmp.Compare(a.arrival, b.arrival) })
		page = slices.Insert(page, i, it)
		if full {
			left := page[size]
			page = page[:size]
			if rest == 0 || left.delivery < rest {
				rest = left.delivery
			}
		}
	}
	return page, rest, nil
}

// item gives the place of a queued delivery: that of its first arrival since the
// last live attempt here.
func (s *sender) item(d *Delivery) item {
	it := item{delivery: d.ID, lane: strings.ToLower(d.Repo)}
	for _, a := range d.Attempts {
		if a.Kind == Live && a.Target == s.name {
			it.arrival = max(it.arrival, a.ArrivalID)
		}
	}
	for _, a := range d.Arrivals {
		if a.ID > it.arrival {
			it.arrival = a.ID
			break
		}
	}
	return it
}

func (s *sender) add(ctx context.Context, it item) error {
	for {
		s.mu.Lock()
		full := s.line.full()
		if !full {
			s.line.add(it)
			s.changed()
		}
		s.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.room:
		}
	}
}

// run sends what is in the line until ctx ends, and waits for what is under
// way. That ends with sending.
func (s *sender) run(ctx, sending context.Context) {
	var sends sync.WaitGroup
	defer sends.Wait()
	for {
		it, probe, ok := s.take(ctx)
		if !ok {
			return
		}
		sends.Go(func() { s.send(sending, it, probe) })
	}
}

// take waits for an item that may be sent now. It is a probe when the target is
// held.
func (s *sender) take(ctx context.Context) (it item, probe, ok bool) {
	for ctx.Err() == nil {
		s.mu.Lock()
		notices := s.notices
		s.notices = nil
		var wait time.Duration
		if len(notices) == 0 {
			it, wait, ok = s.pick(time.Now())
			probe = s.hold != nil
		}
		s.mu.Unlock()
		if ok {
			return it, probe, true
		}
		if len(notices) > 0 {
			for _, n := range notices {
				s.o.Log.Info("hold", "target", n.Target, "over", n.Over, "waiting", n.Waiting, "reason", n.Reason)
				s.o.Notify(n)
			}
			continue
		}
		var retry <-chan time.Time
		if wait > 0 {
			retry = time.After(wait)
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-retry:
		}
	}
	return item{}, false, false
}

// pick takes an item, or says after which time there may be one. The caller has
// the lock.
func (s *sender) pick(now time.Time) (it item, wait time.Duration, ok bool) {
	switch {
	case s.paused,
		s.hold == nil && s.flying >= s.most,
		s.hold != nil && s.hold.probing:
		return item{}, 0, false
	case s.hold != nil && s.hold.retry.After(now):
		return item{}, s.hold.retry.Sub(now), false
	}
	if it, ok = s.line.next(); ok {
		s.flying++
		if s.hold != nil {
			s.hold.probing = true
		}
		signal(s.room)
	}
	return it, 0, ok
}

// send makes the live attempt for an item and has it recorded.
func (s *sender) send(ctx context.Context, it item, probe bool) {
	a, err := s.attempt(ctx, it)
	s.mu.Lock()
	switch {
	case err != nil && ctx.Err() != nil:
		s.line.back(it)
	case err != nil:
		s.postpone(it, probe, err.Error())
	default:
		s.pass(it, probe, a)
	}
	s.changed()
	s.mu.Unlock()
	if a != nil {
		s.records <- a
	}
	// Only now, so that what is sent does not run away from what is recorded.
	s.mu.Lock()
	s.flying--
	s.changed()
	s.mu.Unlock()
}

// pass takes what came of an item. Its lane goes on when the attempt is
// recorded. The caller has the lock.
func (s *sender) pass(it item, probe bool, a *Attempt) {
	if a == nil {
		s.line.recorded(it.delivery)
	}
	if probe {
		s.hold.probing = false
		if a != nil {
			s.endHold()
		}
	}
}

// attempt sends an item. It gives no attempt where none is to be made any more,
// and an error where the item is to be sent again.
func (s *sender) attempt(ctx context.Context, it item) (*Attempt, error) {
	d, err := s.o.Store.Get(ctx, it.delivery)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading delivery %d: %w", it.delivery, err)
	case !slices.Contains(d.Queued, s.name):
		return nil, nil
	}
	a := send(ctx, s.target, d, Live)
	if a.Failure == FailRefused || a.Failure == FailDNS || a.Failure == FailCancelled && ctx.Err() != nil {
		return nil, errors.New(a.Error)
	}
	return a, nil
}

// recorded says that the attempt on a delivery is in the store.
func (s *sender) recorded(delivery int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line.recorded(delivery)
	signal(s.waiters[delivery]...)
	s.changed()
}
