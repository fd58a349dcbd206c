package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// pollEvery is how often a reader that waits looks for what other processes
// wrote.
const pollEvery = 100 * time.Millisecond

// Watch implements replay.Store. What retention has removed before the reader
// came to it is not among the news.
func (s *Store) Watch(ctx context.Context) iter.Seq2[replay.News, error] {
	cursor, start := s.lastEvent(ctx)
	return func(yield func(replay.News, error) bool) {
		s.feed.enter()
		defer s.feed.leave()
		err := start
		if err == nil {
			err = s.follow(ctx, cursor, yield)
		}
		if err != nil && err != errStopped && ctx.Err() == nil {
			yield(replay.News{}, fmt.Errorf("watch: %w", err))
		}
	}
}

// lastEvent gives the number of the newest event.
func (s *Store) lastEvent(ctx context.Context) (event int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		row, err := c.stateRow(ctx, "event")
		if err == nil {
			event = row[0]
		}
		return err
	})
	return event, err
}

// follow gives all news after cursor until it cannot, and those that there are
// when ctx ends.
func (s *Store) follow(ctx context.Context, cursor int64, yield func(replay.News, error) bool) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	apart, done := context.WithoutCancel(ctx), ctx.Done()
	last := int64(math.MaxInt64)
	for cursor < last {
		select {
		case <-done:
			var err error
			if last, err = s.lastEvent(apart); err != nil {
				return err
			}
			done = nil
			continue
		default:
		}
		news, ok, more := s.feed.after(cursor)
		if ok {
			if news.Arrival != nil {
				d := *news.Arrival
				d.Arrivals, d.Queued = slices.Clone(d.Arrivals), slices.Clone(d.Queued)
				news.Arrival = &d
			} else {
				a := *news.Attempt
				news.Attempt = &a
			}
			if !yield(news, nil) {
				return errStopped
			}
			cursor++
			continue
		}
		found, next, err := s.newsAfter(apart, cursor)
		if err != nil {
			return err
		}
		for _, n := range found {
			if !yield(n, nil) {
				return errStopped
			}
		}
		if next > cursor {
			cursor = next
			continue
		}
		select {
		case <-more:
		case <-poll.C:
		case <-done:
		case <-s.done:
			return replay.ErrClosed
		}
	}
	return nil
}

const newsSQL = `SELECT a.id, a.delivery_id, d.weight FROM arrivals a JOIN deliveries d ON d.id = a.delivery_id WHERE a.id > ?1
	UNION ALL
	SELECT id, 0, 0 FROM attempts WHERE id > ?1
	ORDER BY 1 LIMIT ?2`

// newsAfter reads some news from the file and gives the cursor after them.
// A cursor that stays says that there are none.
func (s *Store) newsAfter(ctx context.Context, cursor int64) (news []replay.News, next int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		row, err := c.stateRow(ctx, "event")
		if err != nil || row[0] == cursor {
			next = cursor
			return err
		}
		last := row[0]

		type event struct{ id, delivery int64 }
		var events []event
		var deliveries []entry
		bytes, full := int64(0), false
		err = c.query(ctx, newsSQL, []driver.Value{cursor, int64(chunkRows)}, func(row []driver.Value) bool {
			e := event{integer(row[0]), integer(row[1])}
			events = append(events, e)
			if e.delivery != 0 {
				deliveries = append(deliveries, entry{id: e.delivery})
			}
			bytes += integer(row[2])
			full = bytes > chunkBytes
			return !full
		})
		if err != nil {
			return err
		}
		slices.SortFunc(deliveries, func(a, b entry) int { return int(a.id - b.id) })
		found, err := load(ctx, c, slices.Compact(deliveries))
		if err != nil {
			return err
		}
		byID := make(map[int64]*replay.Delivery, len(found))
		for _, d := range found {
			byID[d.ID] = d
		}
		for _, e := range events {
			n, err := look(ctx, c, e.id, byID[e.delivery])
			if err != nil {
				return err
			}
			news = append(news, n)
		}
		// With nothing left, what is missing was removed.
		next = last
		if full || len(events) == chunkRows {
			next = events[len(events)-1].id
		}
		return nil
	})
	return news, next, err
}

// look makes the event with this id news: an arrival of d, or without d an
// attempt.
func look(ctx context.Context, c *conn, id int64, d *replay.Delivery) (replay.News, error) {
	if d == nil {
		var a replay.Attempt
		var err error
		qerr := c.query(ctx, "SELECT "+attemptColumns+" FROM attempts t JOIN targets n ON n.id = t.target_id WHERE t.id = ?",
			[]driver.Value{id}, func(row []driver.Value) bool {
				a, err = scanAttempt(row)
				return false
			})
		if err == nil {
			err = qerr
		}
		return replay.News{Attempt: &a}, err
	}
	// As it was then, but for the queue: what is not to be sent any more is
	// not to be told.
	then := *d
	then.Arrivals = slices.DeleteFunc(slices.Clone(d.Arrivals), func(a replay.Arrival) bool { return a.ID > id })
	then.Attempts = slices.DeleteFunc(slices.Clone(d.Attempts), func(a replay.Attempt) bool { return a.ID > id })
	then.Queued = slices.Clone(d.Queued)
	return replay.News{Arrival: &then}, nil
}
