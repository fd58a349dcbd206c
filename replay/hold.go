package replay

import "time"

// Hold says that a target cannot be reached, or that the store does not give
// what is to be sent there. The deliveries wait in their order, one of them is
// tried again and again, and when it gets through all the others follow.
type Hold struct {
	Target  string
	Since   time.Time
	Waiting int    // deliveries, at least
	Reason  string // what the last try said
	Over    bool   // the target is back
}

// hold is a Hold as long as it lasts.
type hold struct {
	since   time.Time
	reason  string
	tries   int
	retry   time.Time
	probing bool // a try is under way
}

// Kick tries held targets at once, instead of after their backoff.
func (d *Dispatcher) Kick() {
	for _, s := range d.senders {
		s.mu.Lock()
		if s.hold != nil {
			s.hold.tries, s.hold.retry = 0, time.Now()
			s.changed()
		}
		s.mu.Unlock()
	}
}

// Holds gives the holds of this moment.
func (d *Dispatcher) Holds() []Hold {
	var holds []Hold
	for _, s := range d.senders {
		s.mu.Lock()
		if s.hold != nil {
			holds = append(holds, s.describeHold(false))
		}
		s.mu.Unlock()
	}
	return holds
}

// postpone takes back an item that could not be sent, and holds the target. The
// caller has the lock.
func (s *sender) postpone(it item, probe bool, reason string) {
	s.line.back(it)
	now := time.Now()
	switch {
	case s.hold == nil:
		s.hold = &hold{since: now, reason: reason, retry: now.Add(backoff(0))}
		s.notices = append(s.notices, s.describeHold(false))
		for _, waiters := range s.waiters {
			signal(waiters...)
		}
	case probe:
		s.hold.tries++
		s.hold.reason, s.hold.probing = reason, false
		s.hold.retry = now.Add(backoff(s.hold.tries))
	}
}

// endHold says that a probe reached the target. The caller has the lock.
func (s *sender) endHold() {
	s.notices = append(s.notices, s.describeHold(true))
	s.hold = nil
}

func (s *sender) describeHold(over bool) Hold {
	return Hold{
		Target:  s.name,
		Since:   s.hold.since,
		Waiting: len(s.line.waiting),
		Reason:  s.hold.reason,
		Over:    over,
	}
}
