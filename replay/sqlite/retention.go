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

	// Ages go by the clock as it was when this process began, at since: it may
	// be set while the process runs. What came after a mark is as old as the mark
	// at the most, whenever it says that it was received.
	since time.Time
	up    func() time.Duration // for how long the process runs; the computer's sleep counts
	marks [2]ageMark           // the older first, half of an age apart

	// Everything up to these was seen and stays: it is queued. Looked at
	// again after a rewind.
	seen, seenRejected int64

	// behind says that there is more to remove at once.
	behind bool
}

// ageMark says which was the newest delivery at a moment.
type ageMark struct {
	up     time.Duration
	newest int64
}

// sinceStart gives the clock for retention.up.
func sinceStart() func() time.Duration {
	start := elapsed()
	return func() time.Duration { return elapsed() - start }
}

// rewind makes the next apply start with the oldest again.
func (r *retention) rewind() { r.seen, r.seenRejected = 0, 0 }

func (r *retention) apply(t *tx, group int) error {
	budget := maxRemove
	if group > 0 {
		budget = min(2*group+removeAlong, maxRemove)
	}
	r.behind = false
	r.mark(t.state.delivery)
	if t.state.rejected > 0 {
		if err := r.sweep(t, &r.seenRejected, rejectedSQL, budget, func(c *candidate, left state) bool {
			return left.rejected > maxRejected || left.rejectedBytes > maxRejectedBytes || r.old(c)
		}); err != nil {
			return err
		}
	}
	return r.sweep(t, &r.seen, keptSQL, budget, func(c *candidate, left state) bool {
		return r.keep.Deliveries > 0 && left.kept > int64(r.keep.Deliveries) ||
			r.keep.Bytes > 0 && left.keptBytes > r.keep.Bytes || r.old(c)
	})
}

// mark renews the marks.
func (r *retention) mark(newest int64) {
	if up := r.up(); up-r.marks[1].up >= r.keep.Age/2 {
		r.marks = [2]ageMark{r.marks[1], {up, newest}}
	}
}

func (r *retention) old(c *candidate) bool {
	up, m := r.up(), r.marks[0]
	if r.keep.Age <= 0 || c.id > m.newest && up-m.up <= r.keep.Age {
		return false
	}
	return r.since.Add(up).Sub(c.received) > r.keep.Age
}

// candidate is a delivery that may be removed.
type candidate struct {
	id, arrivalID  int64
	key            int64 // 0 for none
	weight         int64
	attemptsWeight int64
	received       time.Time
	verdict        replay.Verdict
}

// These have no LIMIT: a statement whose limit changes to or from 1 is planned
// again each time. Who reads stops instead.
const (
	candidateSQL = `SELECT d.id, d.arrival_id, a.key, d.weight, d.received, d.verdict,
			(SELECT sum(?1 + coalesce(length(header), 0) + coalesce(length(body), 0)
				+ coalesce(length(sent_header), 0) + coalesce(length(sent_body), 0)) FROM attempts WHERE delivery_id = d.id),
			EXISTS (SELECT 1 FROM targets t CROSS JOIN queue q ON q.target_id = t.id AND q.delivery_id = d.id)
		FROM deliveries d CROSS JOIN arrivals a ON a.id = d.arrival_id `
	keptSQL     = candidateSQL + "WHERE d.id > ?2 ORDER BY d.id"
	rejectedSQL = candidateSQL + "WHERE d.id > ?2 AND d.verdict = 'rejected' ORDER BY d.id"
)

// sweep removes deliveries that are too many, oldest first, and looks at no
// more than budget.
func (r *retention) sweep(t *tx, seen *int64, sql string, budget int, tooMany func(c *candidate, left state) bool) error {
	left := t.state
	var found []candidate
	looked := 0
	err := t.query(background, sql, []driver.Value{int64(rowBytes), *seen}, func(row []driver.Value) bool {
		c := candidate{
			id: integer(row[0]), arrivalID: integer(row[1]), key: integer(row[2]), weight: integer(row[3]),
			received: time.UnixMicro(integer(row[4])), verdict: replay.Verdict(text(row[5])), attemptsWeight: integer(row[6]),
		}
		queued := integer(row[7]) != 0
		switch {
		case c.verdict == replay.Rejected && sql == keptSQL:
			*seen = c.id
		case !tooMany(&c, left):
			return false
		case queued:
			*seen = c.id
		default:
			c.uncount(&left)
			found = append(found, c)
		}
		looked++
		return looked < budget
	})
	if err != nil {
		return err
	}
	for len(found) > 0 {
		n := 1
		for n < len(found) && found[n].id == found[n-1].id+1 {
			n++
		}
		if err := remove(t, found[:n]); err != nil {
			return err
		}
		found = found[n:]
	}
	r.behind = r.behind || looked == budget
	return nil
}

func (c *candidate) uncount(s *state) {
	s.count(c.verdict, -1, -c.weight)
	s.keptBytes -= c.attemptsWeight
}

// remove deletes all that is known of deliveries whose ids follow each other.
// The ids of their first arrivals do too, with others in between.
func remove(t *tx, run []candidate) error {
	first, last := &run[0], &run[len(run)-1]
	for _, sql := range []string{
		"DELETE FROM attempts WHERE delivery_id BETWEEN ?1 AND ?2",
		"DELETE FROM arrivals WHERE delivery_id BETWEEN ?1 AND ?2 AND repeat <> ''",
		"DELETE FROM arrivals WHERE id BETWEEN ?3 AND ?4 AND delivery_id BETWEEN ?1 AND ?2 AND repeat = ''",
		"DELETE FROM deliveries WHERE id BETWEEN ?1 AND ?2",
	} {
		if _, err := t.exec(background, sql, first.id, last.id, first.arrivalID, last.arrivalID); err != nil {
			return err
		}
	}
	for i := range run {
		t.keys.remove(run[i].key, run[i].id)
		run[i].uncount(&t.state)
	}
	return nil
}
