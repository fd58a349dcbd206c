package replay

import "slices"

// line is what waits for one target, in order for each lane. A lane is a repo:
// one of its deliveries is sent at a time, and the next one when the attempt is
// recorded. A line holds no deliveries, only their IDs, and not more than limit
// of them.
type line struct {
	limit   int
	lanes   map[string]*lane
	ready   []*lane            // have something waiting and nothing being sent
	waiting map[int64]struct{} // deliveries in a lane
	// sent has the deliveries that are being sent, or were and are not
	// recorded yet, and their lanes.
	sent map[int64]*lane
}

type lane struct {
	name  string
	items []item
	busy  bool // one of the lane is sent, or being sent
}

// item is a place in a line.
type item struct {
	delivery int64
	arrival  int64 // that it is there for
	lane     string
}

func newLine(limit int) *line {
	return &line{
		limit:   limit,
		lanes:   make(map[string]*lane),
		waiting: make(map[int64]struct{}),
		sent:    make(map[int64]*lane),
	}
}

func (l *line) full() bool { return len(l.waiting) >= l.limit }

// add puts an item at the end of its lane, unless its delivery waits already.
func (l *line) add(it item) {
	if _, ok := l.waiting[it.delivery]; ok {
		return
	}
	l.waiting[it.delivery] = struct{}{}
	n := l.lane(it.lane)
	n.items = append(n.items, it)
	if !n.busy && len(n.items) == 1 {
		l.ready = append(l.ready, n)
	}
}

// next takes an item to be sent; recorded or back has to follow.
func (l *line) next() (item, bool) {
	if len(l.ready) == 0 {
		return item{}, false
	}
	n := l.ready[0]
	l.ready = slices.Delete(l.ready, 0, 1)
	it := n.items[0]
	n.items = n.items[1:]
	n.busy = true
	delete(l.waiting, it.delivery)
	l.sent[it.delivery] = n
	return it, true
}

// back undoes next: the item waits again, before all others of its lane.
func (l *line) back(it item) {
	n := l.lane(it.lane)
	// News of a later arrival may have brought it back already.
	if _, ok := l.waiting[it.delivery]; ok {
		n.items = slices.DeleteFunc(n.items, func(o item) bool { return o.delivery == it.delivery })
	}
	l.waiting[it.delivery] = struct{}{}
	n.items = slices.Insert(n.items, 0, it)
	delete(l.sent, it.delivery)
	l.leave(n)
}

// begun reports whether a delivery is being sent, or was and is not recorded
// yet.
func (l *line) begun(delivery int64) bool {
	_, ok := l.sent[delivery]
	return ok
}

// recorded forgets a delivery that was sent: its lane goes on. If it went on
// before, a process that is killed would leave behind deliveries of a repo that
// were sent and are sent again, after later ones.
func (l *line) recorded(delivery int64) {
	if n, ok := l.sent[delivery]; ok {
		delete(l.sent, delivery)
		l.leave(n)
	}
}

func (l *line) lane(name string) *lane {
	n := l.lanes[name]
	if n == nil {
		n = &lane{name: name}
		l.lanes[name] = n
	}
	return n
}

func (l *line) leave(n *lane) {
	n.busy = false
	if len(n.items) == 0 {
		delete(l.lanes, n.name)
		return
	}
	l.ready = append(l.ready, n)
}
