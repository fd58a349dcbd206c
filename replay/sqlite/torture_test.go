//go:build linux

package sqlite_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/replay/sqlite/faultfs"
)

// torture is one torture test: chance that can be repeated, and a count.
type torture struct {
	*testing.T
	seed uint64
	long bool
	disk *faultfs.FS

	what                              string
	faults, acknowledged, lost, twice int
}

// newTorture takes the seed from TORTURE_SEED, which asks for the long form
// unless TORTURE_SHORT is set too.
func newTorture(t *testing.T, what string) *torture {
	disk, err := faultfs.Install()
	require.NoError(t, err)
	tt := &torture{T: t, seed: rand.Uint64(), disk: disk, what: what}
	if text := os.Getenv("TORTURE_SEED"); text != "" {
		tt.seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		tt.long = os.Getenv("TORTURE_SHORT") == ""
	}
	t.Logf("TORTURE_SEED=%d TORTURE_SHORT=1 repeats this", tt.seed)
	t.Cleanup(func() {
		disk.Heal()
		disk.Record(nil)
		disk.Quick(false)
	})
	// What a power loss leaves is told by the log: nothing is gained by waiting
	// for the real disk.
	disk.Quick(true)
	return tt
}

func (t *torture) summary() {
	t.Helper()
	t.Logf("torture: %s: faults=%d acknowledged=%d lost=%d doubled=%d", t.what, t.faults, t.acknowledged, t.lost, t.twice)
	require.Zero(t, t.lost, "lost")
	require.Zero(t, t.twice, "doubled")
}

func (t *torture) rng(n uint64) *rand.Rand { return rand.New(rand.NewPCG(t.seed, n)) }

// times is how often something is done in the short and in the long form.
func (t *torture) times(short, long int) int {
	if t.long {
		return long
	}
	return short
}

// mark is something that the store has acknowledged, or is about to.
type mark struct {
	What      string   // "appended", "finishing" or "finished"
	Delivery  int64    //
	Event     int64    // the id of the arrival or the attempt
	WebhookID string   `json:",omitempty"`
	Sum       string   `json:",omitempty"` // of the body
	Queued    []string `json:",omitempty"`
	Rejected  bool     `json:",omitempty"`
}

// ledger is what a store owes: what it has acknowledged.
type ledger struct {
	mu         sync.Mutex
	log        *faultfs.Log // gets the marks too; may be nil
	deliveries map[int64]mark
	finishing  map[int64]bool  // by delivery
	finished   map[int64]int64 // attempt to delivery
	arrivals   map[int64]int64 // repeats too, to delivery
	delivery   int64           // the highest that was given
	event      int64
	repeated   []string // ids that were given twice
	keep       int      // so many retention leaves at least; 0 for all
}

func newLedger(log *faultfs.Log) *ledger {
	return &ledger{
		log: log, deliveries: map[int64]mark{}, finishing: map[int64]bool{}, finished: map[int64]int64{}, arrivals: map[int64]int64{},
	}
}

func (l *ledger) note(m mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.log != nil {
		b, err := json.Marshal(m)
		if err != nil {
			panic(err)
		}
		l.log.Mark(string(b))
	}
	if m.What == "finishing" {
		l.finishing[m.Delivery] = true
		return
	}
	if m.What == "finished" {
		l.once(l.finished, m.Event)
		l.finished[m.Event] = m.Delivery
	} else {
		l.once(l.arrivals, m.Event)
		l.arrivals[m.Event] = m.Delivery
		if first, ok := l.deliveries[m.Delivery]; !ok {
			l.deliveries[m.Delivery] = m
		} else if first.WebhookID != m.WebhookID {
			l.repeated = append(l.repeated, fmt.Sprintf("delivery %d", m.Delivery))
		}
	}
	l.delivery, l.event = max(l.delivery, m.Delivery), max(l.event, m.Event)
}

func (l *ledger) once(ids map[int64]int64, id int64) {
	if _, ok := ids[id]; ok {
		l.repeated = append(l.repeated, fmt.Sprintf("event %d", id))
	}
}

// marked notes what a mark in a log says.
func (l *ledger) marked(text string) {
	var m mark
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		panic(err)
	}
	l.note(m)
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:8])
}

// check finds what the store owes and does not have, and what it would send
// again though its success was kept.
func (l *ledger) check(ctx context.Context, s *sqlite.Store) (lost, twice []string, err error) {
	there := map[int64]*replay.Delivery{}
	attempts, arrivals := map[int64]int64{}, map[int64]int64{}
	for d, err := range s.List(ctx, replay.Filter{}) {
		if err != nil {
			return nil, nil, err
		}
		there[d.ID] = d
		for _, a := range d.Attempts {
			attempts[a.ID] = d.ID
		}
		for _, a := range d.Arrivals {
			arrivals[a.ID] = d.ID
		}
	}
	removable := map[int64]bool{}
	if l.keep > 0 {
		held, newer := 0, 0 // what retention counts and cannot remove; and what came later
		for id, m := range l.deliveries {
			if len(m.Queued) > 0 && !l.finishing[id] {
				held++
			}
		}
		for _, id := range slices.Backward(slices.Sorted(maps.Keys(l.deliveries))) {
			m := l.deliveries[id]
			free := len(m.Queued) == 0 || l.finishing[id]
			if free && !m.Rejected {
				removable[id] = held+newer >= l.keep
				newer++
			}
		}
	}
	gone := func(id int64) bool { return removable[id] && there[id] == nil }
	succeeded := map[int64]bool{}
	for id, delivery := range l.finished {
		succeeded[delivery] = true
		if attempts[id] != delivery && !gone(delivery) {
			lost = append(lost, fmt.Sprintf("attempt %d", id))
		}
	}
	for id, delivery := range l.arrivals {
		if arrivals[id] != delivery && !gone(delivery) {
			lost = append(lost, fmt.Sprintf("arrival %d", id))
		}
	}
	for id, m := range l.deliveries {
		d := there[id]
		switch {
		case gone(id):
		case d == nil:
			lost = append(lost, fmt.Sprintf("delivery %d", id))
		case d.WebhookID != m.WebhookID || sum(d.Body) != m.Sum || (d.Verdict == replay.Rejected) != m.Rejected:
			lost = append(lost, fmt.Sprintf("content of delivery %d", id))
		case succeeded[id] && len(d.Queued) > 0:
			twice = append(twice, fmt.Sprintf("delivery %d", id))
		case !l.finishing[id] && !slices.Equal(d.Queued, m.Queued):
			lost = append(lost, fmt.Sprintf("queue %v of delivery %d, which has %v", m.Queued, id, d.Queued))
		}
	}
	return lost, append(twice, l.repeated...), nil
}

// load is writers that append, answer, finish and repeat, and note in the
// ledger what was acknowledged.
type load struct {
	writers, each int
	maxBody       int
	// failed is told of errors. Nil: there must be none.
	failed func(error)
}

func (l load) run(t *torture, s *sqlite.Store, owed *ledger, salt uint64) {
	ctx := t.Context()
	failed := func(err error) bool {
		if err != nil {
			if l.failed == nil {
				t.Error(err)
			} else {
				l.failed(err)
			}
		}
		return err != nil
	}
	var writers sync.WaitGroup
	for w := range l.writers {
		rng := t.rng(salt<<8 + uint64(w))
		writers.Go(func() {
			for i := range l.each {
				in := incoming(int64(i))
				in.Delivery.Body = append(in.Delivery.Body, make([]byte, rng.IntN(l.maxBody))...)
				for i := range in.Delivery.Body {
					in.Delivery.Body[i] = byte(rng.Uint32())
				}
				in.Delivery.BodySize = 0
				in.Delivery.WebhookID = fmt.Sprintf("%d-%d-%d", salt, w, i)
				chance := rng.IntN(10)
				if chance > 1 {
					in.Targets = []string{target}
				}
				if chance == 1 {
					in.Delivery.Verdict = replay.Rejected
				}
				arrivals := 1
				if chance < 2 {
					arrivals = 2
				}
				var r replay.Receipt
				ok := true
				for range arrivals {
					var err error
					if r, err = s.Append(ctx, in); failed(err) {
						ok = false
						continue
					}
					owed.note(mark{
						What: "appended", Delivery: r.DeliveryID, Event: r.Arrival.ID, WebhookID: in.Delivery.WebhookID,
						Sum: sum(in.Delivery.Body), Queued: r.Queued, Rejected: chance == 1,
					})
					failed(s.Answered(ctx, r.Arrival.ID, 200))
				}
				if !ok || chance < 3 {
					continue
				}
				a := &replay.Attempt{DeliveryID: r.DeliveryID, ArrivalID: r.Arrival.ID, Target: target, Kind: replay.Live, Status: 200, Started: time.Now(), Body: []byte("ok")}
				owed.note(mark{What: "finishing", Delivery: r.DeliveryID})
				if !failed(s.Finish(ctx, a)) {
					owed.note(mark{What: "finished", Delivery: r.DeliveryID, Event: a.ID})
				}
			}
		})
	}
	writers.Wait()
}

// beside runs what keeps a store busy besides: a reader, and checkpoints that
// come thick and fast. By itself the store must make none meanwhile.
func beside(t *torture, s *sqlite.Store) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	others.Go(func() {
		for ctx.Err() == nil {
			for range s.List(ctx, replay.Filter{}) {
			}
			time.Sleep(time.Millisecond) // the others are to have their turn
		}
	})
	others.Go(func() {
		for ctx.Err() == nil {
			s.Checkpoint()
			time.Sleep(time.Millisecond)
		}
	})
	return func() {
		cancel()
		others.Wait()
	}
}

// sound makes sure that a file is as SQLite makes them.
func sound(t *torture, path string) {
	t.Helper()
	c, err := sqlite.RawConn(path)
	require.NoError(t, err)
	result, err := c.Text("PRAGMA integrity_check")
	require.NoError(t, err)
	require.Equal(t, "ok", result)
	require.NoError(t, c.Close())
}
