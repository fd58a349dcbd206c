package archive

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// Importer puts deliveries of a file into a store, and leaves out those that
// are there. It may be used by one goroutine at a time.
type Importer struct {
	store replay.Store
	known map[identity]bool
}

// identity is what makes a delivery of a file one that is kept: the same
// request, at the same moment.
type identity [sha256.Size]byte

func identify(d *replay.Delivery) identity {
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(d.Received().UnixMicro())))
	for _, part := range []string{d.WebhookID, string(d.Verdict), d.Path} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	h.Write(d.Body)
	return identity(h.Sum(nil))
}

// NewImporter looks at all that the store holds.
func NewImporter(ctx context.Context, s replay.Store) (*Importer, error) {
	i := &Importer{store: s, known: map[identity]bool{}}
	for d, err := range s.List(ctx, replay.Filter{}) {
		if err != nil {
			return nil, fmt.Errorf("look for what is there already: %w", err)
		}
		i.known[identify(d)] = true
	}
	return i, nil
}

// Known reports whether d is in the store, or was added.
func (i *Importer) Known(d *replay.Delivery) bool { return i.known[identify(d)] }

// Add keeps a delivery with its arrivals and attempts, and gives the ID that it
// has in the store; 0 when it was there already. It is sent to no target. Where
// a delivery with its Webhook-Id and body is kept that arrived at another time,
// it is one more arrival of that.
func (i *Importer) Add(ctx context.Context, d *replay.Delivery) (int64, error) {
	id := identify(d)
	if i.known[id] {
		return 0, nil
	}
	var kept replay.Receipt
	var arrivals []int64
	for _, a := range d.Arrivals {
		r, err := i.store.Append(ctx, replay.Incoming{Delivery: *d, Arrival: replay.Arrival{Time: a.Time, RemoteAddr: a.RemoteAddr}})
		if err != nil {
			return 0, err
		}
		kept, arrivals = r, append(arrivals, r.Arrival.ID)
		if a.Answer != 0 {
			if err := i.store.Answered(ctx, r.Arrival.ID, a.Answer); err != nil {
				return 0, err
			}
		}
	}
	var attempts []*replay.Attempt
	for _, a := range d.Attempts {
		a.DeliveryID = kept.DeliveryID
		if n := a.ArrivalID; n > 0 {
			a.ArrivalID = arrivals[n-1]
		}
		attempts = append(attempts, &a)
	}
	if err := i.store.Finish(ctx, attempts...); err != nil {
		return 0, err
	}
	i.known[id] = true
	return kept.DeliveryID, nil
}

// SetTime gives a delivery a time whose file does not tell any.
func SetTime(d *replay.Delivery, at time.Time) {
	for i := range d.Arrivals {
		if d.Arrivals[i].Time.IsZero() {
			d.Arrivals[i].Time = at.UTC().Truncate(time.Microsecond)
		}
	}
}
