package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

var (
	// ErrHeld is returned while a target cannot be reached.
	ErrHeld = errors.New("target is held")
	// ErrNotQueued is returned for a delivery that is not for the target.
	ErrNotQueued = errors.New("delivery is not queued for the target")
)

// Await waits for the live attempt that an arrival gave rise to, or the one
// that made another unnecessary, and gives it as it is recorded. It returns
// ErrHeld as soon as the target is held, ErrPaused as soon as sending is paused
// and the attempt was not begun, ErrNotQueued, ErrStopped, or what the store
// says.
func (d *Dispatcher) Await(ctx context.Context, r Receipt, target string) (*Attempt, error) {
	s := d.sender(target)
	if s == nil {
		return nil, fmt.Errorf("no target is named %s", target)
	}
	// Registered before the store is asked, so that nothing comes in between.
	wake := make(chan struct{}, 1)
	s.join(r.DeliveryID, wake)
	defer s.leave(r.DeliveryID, wake)
	for stopped := false; ; {
		held, paused := s.held(), s.stays(r.DeliveryID)
		kept, err := d.o.Store.Get(ctx, r.DeliveryID)
		if err != nil {
			return nil, fmt.Errorf("waiting for the answer to delivery %d: %w", r.DeliveryID, err)
		}
		if a := answerTo(kept, r.Arrival.ID, target); a != nil {
			return a, nil
		}
		switch {
		case !slices.Contains(kept.Queued, target):
			return nil, ErrNotQueued
		case paused:
			return nil, ErrPaused
		case held:
			return nil, ErrHeld
		case stopped:
			return nil, ErrStopped
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-d.stopped:
			stopped = true // a last look: it may be recorded just now
		case <-wake:
		}
	}
}

// answerTo finds the first live attempt that is for this arrival, or a later
// one. When nothing is queued any more, the last one has to do.
func answerTo(d *Delivery, arrival int64, target string) *Attempt {
	var last *Attempt
	for i := range d.Attempts {
		a := &d.Attempts[i]
		if a.Kind != Live || a.Target != target {
			continue
		}
		if a.ArrivalID >= arrival {
			return a
		}
		last = a
	}
	if slices.Contains(d.Queued, target) {
		return nil
	}
	return last
}

func (s *sender) held() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hold != nil
}

func (s *sender) join(delivery int64, wake chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiters[delivery] = append(s.waiters[delivery], wake)
}

func (s *sender) leave(delivery int64, wake chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.DeleteFunc(s.waiters[delivery], func(c chan struct{}) bool { return c == wake })
	if len(left) == 0 {
		delete(s.waiters, delivery)
		return
	}
	s.waiters[delivery] = left
}
