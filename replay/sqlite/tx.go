package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/hfhook/hfhook/replay"
)

// tx is the transaction under way. The writer's statements run without the
// callers' contexts: one that gave up must not end a group.
type tx struct {
	*conn
	patience time.Duration // see lock

	state  state
	stored state         // as it is in the table
	before int64         // state.event when it began
	news   []replay.News // one an event; empty where a reader has to look it up

	targets map[string]int64
	keys    keys
}

// state is the row of that table.
type state struct {
	delivery, event         int64
	kept, keptBytes         int64
	rejected, rejectedBytes int64
}

// maxID is further than anybody comes. Behind the largest number ids would go
// on with the smallest, where nobody looks for them.
const maxID = 1 << 62

var errNoIDs = fmt.Errorf("%w: its ids have come to an end", ErrDamaged)

var errNoState = fmt.Errorf("%w: it has lost its state", ErrDamaged)

var background = context.Background()

func (t *tx) begin() error {
	if err := t.lock(); err != nil {
		return err
	}
	row, err := t.stateRow(background, "delivery, event, kept, kept_bytes, rejected, rejected_bytes")
	if err == nil && (row[0] < 0 || row[0] > maxID || row[1] < 0 || row[1] > maxID) {
		err = errNoIDs
	}
	if err != nil {
		_, rollback := t.exec(background, "ROLLBACK")
		return errors.Join(err, rollback)
	}
	t.stored = state{row[0], row[1], row[2], row[3], row[4], row[5]}
	t.state = t.stored
	t.before = t.state.event
	t.news = nil
	return nil
}

// lock begins the transaction once no other process is in one. SQLite's own
// patience sleeps for up to 100 ms between two looks, and so hardly ever meets
// the short gaps that a busy process leaves.
func (t *tx) lock() error {
	for deadline := time.Now().Add(t.patience); ; {
		_, err := t.exec(background, "BEGIN IMMEDIATE")
		if code(err) != lib.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
		time.Sleep(time.Duration(100+rand.IntN(900)) * time.Microsecond)
	}
}

func (t *tx) commit() error {
	if s := t.state; s != t.stored {
		_, err := t.exec(background, "UPDATE state SET delivery = ?, event = ?, kept = ?, kept_bytes = ?, rejected = ?, rejected_bytes = ?",
			s.delivery, s.event, s.kept, s.keptBytes, s.rejected, s.rejectedBytes)
		if err != nil {
			return err
		}
	}
	if _, err := t.exec(background, "COMMIT"); err != nil {
		return err
	}
	t.keys.commit(t.before, t.state.event)
	return nil
}

func (t *tx) rollback(log *slog.Logger) {
	t.targets = nil // some may be gone with it
	t.keys.rollback()
	if _, err := t.exec(background, "ROLLBACK"); err != nil && code(err) != lib.SQLITE_ERROR {
		log.Warn("roll back", "err", err) // SQLITE_ERROR: it rolled back by itself
	}
}

// count adds deliveries and their bytes to what retention counts.
func (s *state) count(verdict replay.Verdict, deliveries, bytes int64) {
	if verdict == replay.Rejected {
		s.rejected += deliveries
		s.rejectedBytes += bytes
	} else {
		s.kept += deliveries
		s.keptBytes += bytes
	}
}

// target gives the id of a target's name.
func (t *tx) target(name string) (int64, error) {
	if id, ok := t.targets[name]; ok {
		return id, nil
	}
	if _, err := t.exec(background, "INSERT INTO targets (name) VALUES (?) ON CONFLICT DO NOTHING", name); err != nil {
		return 0, err
	}
	ids, err := t.ints(background, "SELECT id FROM targets WHERE name = ?", name)
	if err == nil && len(ids) == 0 { // an index that is not ours had it left out
		err = fmt.Errorf("%w: it keeps no target", ErrDamaged)
	}
	if err != nil {
		return 0, err
	}
	if t.targets == nil {
		t.targets = map[string]int64{}
	}
	t.targets[name] = ids[0]
	return ids[0], nil
}
