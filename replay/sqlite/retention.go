package sqlite

import (
	"database/sql/driver"
	"time"

	"github.com/hfhook/hfhook/replay"
)

const (
	retentionEvery = 10 * time.Second

	// What a stranger may fill.
	maxRejected      = 1000
	maxRejectedBytes = 32 << 20

	// Rows that are removed along with a group, so that it is hardly slower:
	// twice as many as it brings, and some.
	removeAlong = 16
	maxRemove   = 256
)

// retention removes the oldest deliveries, a few with each group.
type retention struct {
	keep replay.Keep

	// Everything up to these was seen and stays: it is queued. Looked at
	// again after a rewind.
	seen, seenRejected int64

	// behind says that there is more to remove at once.
	behind bool
}

// rewind makes the next apply start with the oldest again.
func (r *retention) rewind() { r.seen, r.seenRejected = 0, 0 }

func (r *retention) apply(t *tx, group int) error {
	budget := maxRemove
	if group > 0 {
		budget = min(2*group+removeAlong, maxRemove)
	}
	r.behind = false
	now := time.Now()
	if err := r.sweep(t, &r.seenRejected, rejectedSQL, budget, func(c *candidate) bool {
		return t.state.rejected > maxRejected || t.state.rejectedBytes > maxRejectedBytes || r.old(c, now)
	}); err != nil {
		return err
	}
	return r.sweep(t, &r.seen, keptSQL, budget, func(c *candidate) bool {
		return r.keep.Deliveries > 0 && t.state.kept > int64(r.keep.Deliveries) ||
			r.keep.Bytes > 0 && t.state.keptBytes > r.keep.Bytes || r.old(c, now)
	})
}

func (r *retention) old(c *candidate, now time.Time) bool {
	return r.keep.Age > 0 && now.Sub(c.received) > r.keep.Age
}

// candidate is a delivery that may be removed.
type candidate struct {
	id, arrivalID, weight int64
	received              time.Time
	verdict               replay.Verdict
	queued                bool
	key                   int64 // 0 for none
}

const (
	candidateSQL = `SELECT d.id, d.arrival_id, d.weight, d.received, d.verdict, EXISTS (
			SELECT 1 FROM targets t CROSS JOIN queue q ON q.target_id = t.id AND q.delivery_id = d.id)
, a.key
		FROM deliveries d CROSS JOIN arrivals a ON a.id = d.arrival_id `
	keptSQL     = candidateSQL + "WHERE d.id > ? ORDER BY d.id LIMIT ?"
	rejectedSQL = candidateSQL + "WHERE d.id > ? AND d.verdict = 'rejected' ORDER BY d.id LIMIT ?"
)

// sweep removes up to budget deliveries that are too many, oldest first.
func (r *retention) sweep(t *tx, seen *int64, sql string, budget int, tooMany func(*candidate) bool) error {
	rejected := sql == rejectedSQL
	if rejected && t.state.rejected == 0 {
		return nil
	}
	// Most of the time the oldest one says that there is nothing to do.
	for _, limit := range []int{1, budget} {
		var found []candidate
		err := t.query(background, sql, []driver.Value{*seen, int64(limit)}, func(row []driver.Value) bool {
			found = append(found, candidate{
				id: integer(row[0]), arrivalID: integer(row[1]), weight: integer(row[2]),
				received: time.UnixMicro(integer(row[3])), verdict: replay.Verdict(text(row[4])), queued: integer(row[5]) != 0, key: integer(row[6]),
			})
			return true
		})
		if err != nil {
			return err
		}
		for i := range found {
			c := &found[i]
			if !rejected && c.verdict == replay.Rejected || c.queued {
				*seen = c.id
				continue
			}
			if !tooMany(c) {
				return nil
			}
			if err := remove(t, c); err != nil {
				return err
			}
		}
		if len(found) < limit {
			return nil
		}
	}
	r.behind = true
	return nil
}

// remove deletes all that is known of a delivery.
func remove(t *tx, c *candidate) error {
	weight, err := t.ints(background, `SELECT coalesce(sum(?1 + coalesce(length(header), 0) + coalesce(length(body), 0)), 0)
		FROM attempts WHERE delivery_id = ?2`, int64(rowBytes), c.id)
	if err != nil {
		return err
	}
	for _, d := range []struct {
		sql string
		id  int64
	}{
		{"DELETE FROM attempts WHERE delivery_id = ?", c.id},
		{"DELETE FROM arrivals WHERE delivery_id = ? AND repeat <> ''", c.id},
		{"DELETE FROM arrivals WHERE id = ?", c.arrivalID},
		{"DELETE FROM deliveries WHERE id = ?", c.id},
	} {
		if _, err := t.exec(background, d.sql, d.id); err != nil {
			return err
		}
	}
	t.keys.remove(c.key, c.id)
	t.state.count(c.verdict, -1, -c.weight)
	t.state.keptBytes -= weight[0]
	return nil
}
