package replay

import "sync"

const (
	// A commit costs the same for one attempt and for many, so as many share
	// one as came while the last one took its time.
	maxOutcomes     = 512
	maxOutcomeBytes = 4 << 20 // of bodies
)

// batchOutcomes is what waits to be recorded.
type batchOutcomes struct {
	mu      sync.Mutex
	room    sync.Cond // for add
	some    sync.Cond // for take
	waiting []Outcome
	bytes   int
	closed  bool
}

func newBatchOutcomes() *batchOutcomes {
	q := &batchOutcomes{}
	q.room.L, q.some.L = &q.mu, &q.mu
	return q
}

// add waits until there is room.
func (q *batchOutcomes) add(o Outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) >= maxOutcomes || q.bytes >= maxOutcomeBytes {
		q.room.Wait()
	}
	q.waiting = append(q.waiting, o)
	q.bytes += len(o.Delivery.Body)
	if o.Attempt != nil {
		q.bytes += len(o.Attempt.Body)
	}
	q.some.Signal()
}

// close says that no more is added.
func (q *batchOutcomes) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Signal()
}

// take waits for outcomes and gives all of them, or none at the end. It uses
// the memory of those that it gave before.
func (q *batchOutcomes) take(before []Outcome) []Outcome {
	clear(before)
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.some.Wait()
	}
	taken := q.waiting
	q.waiting, q.bytes = before[:0], 0
	q.room.Broadcast()
	return taken
}
