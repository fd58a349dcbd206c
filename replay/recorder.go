package replay

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxBatch is how many attempts are recorded in one step, and how many more may
// wait for that.
const maxBatch = 64

// record keeps the attempts that come in, many at a time, until there are no
// more. What the store refuses is tried again until ctx ends or the store is
// closed; from then on attempts are lost, as stop is told, and the error says.
func (d *Dispatcher) record(ctx context.Context, stop context.CancelCauseFunc) error {
	var lost int
	var why error
	for a := range d.records {
		batch := d.batch(a)
		if err := d.finish(ctx, batch); err != nil {
			lost, why = lost+len(batch), err
			stop(err)
		}
	}
	if why != nil {
		return fmt.Errorf("%d attempts are not recorded, and will be made again: %w", lost, why)
	}
	return nil
}

// batch adds to an attempt those that wait behind it.
func (d *Dispatcher) batch(first *Attempt) []*Attempt {
	batch := []*Attempt{first}
	for len(batch) < maxBatch {
		select {
		case a, ok := <-d.records:
			if !ok {
				return batch
			}
			batch = append(batch, a)
		default:
			return batch
		}
	}
	return batch
}

func (d *Dispatcher) finish(ctx context.Context, batch []*Attempt) error {
	for tries := 0; ; tries++ {
		err := d.o.Store.Finish(ctx, batch...)
		switch {
		case err == nil:
			d.recorded(batch)
			return nil
		case errors.Is(err, ErrNotFound) && len(batch) > 1:
			for i := range batch {
				if err := d.finish(ctx, batch[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		case errors.Is(err, ErrNotFound):
			d.o.Log.Warn("delivery was deleted while it was sent", "delivery", batch[0].DeliveryID, "target", batch[0].Target)
			d.recorded(batch)
			return nil
		case errors.Is(err, ErrClosed), ctx.Err() != nil:
			d.o.Log.Error("attempts are not recorded", "attempts", len(batch), "err", err)
			return err
		}
		wait := backoff(tries)
		d.o.Log.Error("attempts cannot be recorded yet", "attempts", len(batch), "err", err, "retry_in", wait)
		pause(ctx, wait)
	}
}

func (d *Dispatcher) recorded(batch []*Attempt) {
	for _, a := range batch {
		d.sender(a.Target).recorded(a.DeliveryID)
	}
}

// backoff is 50 ms, doubled with each try, and 2 s at most.
func backoff(tries int) time.Duration {
	return min(50*time.Millisecond<<min(tries, 10), 2*time.Second)
}

// pause waits, or returns as soon as ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
