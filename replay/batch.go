package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"
)

// Outgoing is a delivery that is to be sent to a target once more.
type Outgoing struct {
	Delivery *Delivery
	Target   Target
	Sent     *Sent // what is sent in place of what is kept; nil: the delivery itself
}

// Outcome is what became of an Outgoing.
type Outcome struct {
	Outgoing
	// Attempt is nil when nothing was sent, because the batch ended before. Its
	// ID is 0 when it is not kept: the delivery was deleted meanwhile, or Err
	// says why.
	Attempt *Attempt
	Err     error
}

// BatchOptions says how many deliveries are sent at once, and how fast.
type BatchOptions struct {
	Store Store // keeps the attempts; nobody does

	// Concurrency is how many sends run at once, for all targets together; 1.
	// One at a time go strictly in order. Of several, those of one repo to one
	// target go one after the other in order, and those of different repos at
	// the same time, as with the Dispatcher.
	Concurrency int
	// Unordered lets those of one repo run at the same time too; false.
	Unordered bool

	Rate float64 // sends per second at most; no limit
	// Speed keeps the time between the first arrivals of the deliveries: 1 as
	// it was, 10 in a tenth of it. What the target delays is caught up as soon
	// as it can be; 0: as fast as they go.
	Speed float64

	// Stop is asked about each attempt as soon as it was made, one after the
	// other. Once it returns true no more is sent; what is under way finishes.
	// Default: goes on.
	Stop func(*Attempt) bool
	// Done is told what became of each, one after the other, once the attempt
	// is kept; nobody is told.
	Done func(Outcome)
}

// SendBatch sends many deliveries once more, the way the Dispatcher does, and
// keeps the attempts where there is a store. It holds few of them at a time,
// however many there are.
//
// When ctx ends no more is sent; what is under way is cancelled, which is an
// attempt too. What the sequence has given is sent exactly once, or told to Done
// as not sent.
//
// The error is that of ctx, the one that ended the sequence, or is about
// keeping: nothing more is sent when attempts cannot be kept.
func SendBatch(ctx context.Context, out iter.Seq2[Outgoing, error], o BatchOptions) error {
	if o.Concurrency <= 0 {
		o.Concurrency = 1
	}
	if o.Stop == nil {
		o.Stop = func(*Attempt) bool { return false }
	}
	if o.Done == nil {
		o.Done = func(Outcome) {}
	}
	b := newBatch(ctx, o)
	defer b.stop(nil)
	var workers, recorder sync.WaitGroup
	for range o.Concurrency {
		workers.Go(func() { b.work(ctx) })
	}
	recorder.Go(b.record)

	err := b.feed(out)
	workers.Wait()
	for _, left := range b.line.left() {
		b.outcomes.add(Outcome{Outgoing: left})
	}
	b.outcomes.close()
	recorder.Wait()
	switch {
	case b.unkept != nil:
		return errors.Join(b.unkept, err)
	case err == nil && ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// batch is SendBatch as long as it runs.
type batch struct {
	o        BatchOptions
	line     *batchLine
	running  context.Context // ends when no more is to be sent
	stop     context.CancelCauseFunc
	limit    *pace // nil: none
	outcomes *batchOutcomes

	asking sync.Mutex // held during Stop
	unkept error      // of the recorder
}

func newBatch(ctx context.Context, o BatchOptions) *batch {
	b := &batch{o: o, outcomes: newBatchOutcomes()}
	b.running, b.stop = context.WithCancelCause(ctx)
	b.line = newBatchLine(b.running, o.Concurrency)
	if o.Rate > 0 {
		b.limit = &pace{interval: time.Duration(float64(time.Second) / o.Rate)}
	}
	return b
}

// feed puts what the sequence gives into the line, when it is due.
func (b *batch) feed(out iter.Seq2[Outgoing, error]) error {
	defer b.line.close()
	clock := newSpacing(b.o.Speed)
	for next, err := range out {
		if err != nil {
			return err
		}
		clock.wait(b.running, next.Delivery.Received())
		if !b.line.add(next, b.lane(next)) {
			return nil
		}
	}
	return nil
}

// lane is what goes one after the other.
func (b *batch) lane(out Outgoing) batchLane {
	if b.o.Concurrency == 1 || b.o.Unordered {
		return batchLane{}
	}
	return batchLane{out.Target.Name(), strings.ToLower(out.Delivery.Repo), true}
}

func (b *batch) work(ctx context.Context) {
	for {
		out, lane, ok := b.line.take()
		if !ok {
			return
		}
		if b.limit != nil && !b.limit.wait(b.running) {
			b.line.back(out, lane)
			return
		}
		a := out.send(ctx)
		b.ask(a)
		b.line.passed(lane)
		b.outcomes.add(Outcome{Outgoing: out, Attempt: a})
	}
}

func (b *batch) ask(a *Attempt) {
	b.asking.Lock()
	defer b.asking.Unlock()
	if b.o.Stop(a) {
		b.stop(nil)
	}
}

// send makes the attempt.
func (o *Outgoing) send(ctx context.Context) *Attempt {
	d := o.Delivery
	if o.Sent != nil {
		edited := *d
		edited.Header, edited.Body, edited.BodySize = o.Sent.Header, o.Sent.Body, int64(len(o.Sent.Body))
		d = &edited
	}
	a := send(ctx, o.Target, d, Replayed)
	a.Sent = o.Sent
	return a
}

// record keeps the attempts, many at a time, and tells Done.
func (b *batch) record() {
	// What was sent was sent, also when ctx ended over it.
	ctx := context.WithoutCancel(b.running)
	var attempts []*Attempt
	for group := b.outcomes.take(nil); len(group) > 0; group = b.outcomes.take(group) {
		attempts = attempts[:0]
		for i := range group {
			if a := group[i].Attempt; a != nil {
				attempts = append(attempts, a)
			}
		}
		if err := keep(ctx, b.o.Store, attempts); err != nil {
			b.unkept = fmt.Errorf("keeping attempts: %w", err)
			b.stop(err)
			for i := range group {
				if a := group[i].Attempt; a != nil && a.ID == 0 {
					group[i].Err = err
				}
			}
		}
		for _, outcome := range group {
			b.o.Done(outcome)
		}
	}
}

// keep keeps attempts in one step. When a delivery is not there any more, the
// others are kept without it.
func keep(ctx context.Context, s Store, attempts []*Attempt) error {
	if s == nil || len(attempts) == 0 {
		return nil
	}
	err := s.Finish(ctx, attempts...)
	switch {
	case !errors.Is(err, ErrNotFound):
		return err
	case len(attempts) == 1:
		return nil
	}
	for i := range attempts {
		if err := keep(ctx, s, attempts[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}
