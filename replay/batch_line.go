package replay

import (
	"context"
	"sync"
)

// maxBatchBytes is how much of bodies waits in a batch's line, besides the one
// that is more than that.
const maxBatchBytes = 8 << 20

// batchLine is what a batch has read and not sent yet: a little more than is
// sent at once, so that reading and sending do not wait for each other.
type batchLine struct {
	ctx   context.Context // no more is given when it has ended
	limit int

	mu    sync.Mutex
	room  sync.Cond   // for add
	work  sync.Cond   // for take
	ready []batchItem // may be sent now
	// lanes has those of which one is being sent, with what waits behind it.
	lanes  map[batchLane][]Outgoing
	size   int // of what waits, in number
	bytes  int // and in bytes
	closed bool
}

// batchLane is a name for what goes one after the other. The zero value is for
// what waits for nothing.
type batchLane struct {
	target, repo string
	ordered      bool
}

type batchItem struct {
	out  Outgoing
	lane batchLane
}

func newBatchLine(ctx context.Context, concurrency int) *batchLine {
	l := &batchLine{ctx: ctx, limit: max(64, 4*concurrency), lanes: make(map[batchLane][]Outgoing)}
	l.room.L, l.work.L = &l.mu, &l.mu
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.room.Broadcast()
		l.work.Broadcast()
	})
	return l
}

// add waits until there is room. It takes the item in any case, and reports
// whether more may follow.
func (l *batchLine) add(out Outgoing, lane batchLane) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.size > 0 && (l.size >= l.limit || l.bytes >= maxBatchBytes) && l.ctx.Err() == nil {
		l.room.Wait()
	}
	l.count(out, 1)
	switch waiting, busy := l.lanes[lane]; {
	case busy:
		l.lanes[lane] = append(waiting, out)
	case lane.ordered:
		l.lanes[lane] = nil
		fallthrough
	default:
		l.begin(out, lane)
	}
	return l.ctx.Err() == nil
}

// begin lets an item be sent. The caller has the lock.
func (l *batchLine) begin(out Outgoing, lane batchLane) {
	l.ready = append(l.ready, batchItem{out, lane})
	l.work.Signal()
}

// close says that no more is added.
func (l *batchLine) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.work.Broadcast()
}

// take waits for an item; passed or back has to follow. There is none any more
// when the line is closed and empty, or its context has ended.
func (l *batchLine) take() (Outgoing, batchLane, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.ctx.Err() == nil {
		if len(l.ready) > 0 {
			it := l.ready[0]
			l.ready[0] = batchItem{}
			l.ready = l.ready[1:]
			l.count(it.out, -1)
			l.room.Signal()
			if l.closed && l.size == 0 {
				l.work.Broadcast()
			}
			return it.out, it.lane, true
		}
		if l.closed && l.size == 0 {
			break
		}
		l.work.Wait()
	}
	return Outgoing{}, batchLane{}, false
}

// passed says that an item of this lane was sent: the next one may be.
func (l *batchLine) passed(lane batchLane) {
	if !lane.ordered {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.lanes[lane]
	if len(waiting) == 0 {
		delete(l.lanes, lane)
		return
	}
	l.lanes[lane] = waiting[1:]
	l.begin(waiting[0], lane)
}

// back undoes take.
func (l *batchLine) back(out Outgoing, lane batchLane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(out, 1)
	l.ready = append([]batchItem{{out, lane}}, l.ready...)
}

func (l *batchLine) count(out Outgoing, n int) {
	l.size += n
	l.bytes += n * len(out.Delivery.Body)
	if out.Sent != nil {
		l.bytes += n * len(out.Sent.Body)
	}
}

// left takes all that waits.
func (l *batchLine) left() []Outgoing {
	l.mu.Lock()
	defer l.mu.Unlock()
	var left []Outgoing
	for _, it := range l.ready {
		left = append(left, it.out)
	}
	for _, waiting := range l.lanes {
		left = append(left, waiting...)
	}
	l.ready, l.lanes, l.size, l.bytes = nil, nil, 0, 0
	return left
}
