package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// Answered implements replay.Store. It waits only while as many answers as may
// wait do so. An answer that is lost makes a later arrival a retry instead of
// a replay.
func (s *Store) Answered(ctx context.Context, arrivalID int64, status int) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	err := error(replay.ErrClosed)
	if !s.closed {
		select {
		case s.answers <- answer{arrivalID, status}:
			return nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return fmt.Errorf("note answer: %w", err)
}

type answer struct {
	arrivalID int64
	status    int
}

// note writes answers, which it sorts. Those of arrivals that follow each
// other are mostly the same, and take one step.
func (t *tx) note(answers []answer) error {
	slices.SortStableFunc(answers, func(a, b answer) int { return cmp.Compare(a.arrivalID, b.arrivalID) })
	for len(answers) > 0 {
		first, n := answers[0], 1
		for n < len(answers) && answers[n] == (answer{first.arrivalID + int64(n), first.status}) {
			n++
		}
		if _, err := t.exec(background, "UPDATE arrivals SET answer = ? WHERE id BETWEEN ? AND ?",
			int64(first.status), first.arrivalID, first.arrivalID+int64(n)-1); err != nil {
			return err
		}
		answers = answers[n:]
	}
	return nil
}

// Finish implements replay.Store. When it gives an error, nothing was kept;
// ErrNotFound says that one of the deliveries is not, or no longer, there.
func (s *Store) Finish(ctx context.Context, attempts ...*replay.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	o := &finishOp{
		attempts: attempts, headers: make([][]byte, len(attempts)), sent: make([][]byte, len(attempts)),
		ids: make([]int64, len(attempts)),
	}
	for i, a := range attempts {
		o.headers[i] = encodeHeader(a.Header)
		if a.Sent != nil {
			o.sent[i] = encodeHeader(a.Sent.Header)
		}
	}
	o.watched = s.feed.watched()
	if err := s.do(ctx, o); err != nil {
		return fmt.Errorf("keep attempt: %w", err)
	}
	for i, a := range attempts {
		a.ID = o.ids[i]
	}
	return nil
}

type finishOp struct {
	attempts []*replay.Attempt
	headers  [][]byte
	sent     [][]byte // headers too
	ids      []int64
	watched  bool
}

func (o *finishOp) weight() (sum int) {
	for i := range o.attempts {
		sum += o.attemptWeight(i)
	}
	return sum
}

func (o *finishOp) attemptWeight(i int) int {
	a := o.attempts[i]
	weight := rowBytes + len(o.headers[i]) + len(a.Body) + len(o.sent[i])
	if a.Sent != nil {
		weight += len(a.Sent.Body)
	}
	return weight
}

func (o *finishOp) apply(t *tx) error {
	for i, a := range o.attempts {
		target, err := t.target(a.Target)
		if err != nil {
			return err
		}
		t.state.event++
		o.ids[i] = t.state.event
		t.state.keptBytes += int64(o.attemptWeight(i))
		var exit driver.Value
		if a.Exit != nil {
			exit = int64(*a.Exit)
		}
		var sent []byte
		if a.Sent != nil {
			sent = a.Sent.Body
		}
		n, err := t.exec(background, `INSERT INTO attempts (id, delivery_id, target_id, arrival_id, started, duration,
				status, body_cut, kind, failure, error, header, body, exit, edited, sent_header, sent_body)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17
			WHERE EXISTS (SELECT 1 FROM deliveries WHERE id = ?2)`,
			o.ids[i], a.DeliveryID, target, a.ArrivalID, a.Started.UnixMicro(), int64(a.Duration),
			int64(a.Status), flag(a.BodyCut), string(a.Kind), string(a.Failure), a.Error, o.headers[i], a.Body,
			exit, flag(a.Sent != nil), o.sent[i], sent)
		if err != nil {
			return err
		}
		if n == 0 {
			return replay.ErrNotFound
		}
		if a.Kind == replay.Live {
			upTo := a.ArrivalID
			if upTo == 0 {
				upTo = math.MaxInt64
			}
			if _, err := t.exec(background, "DELETE FROM queue WHERE target_id = ? AND delivery_id = ? AND arrival_id <= ?",
				target, a.DeliveryID, upTo); err != nil {
				return err
			}
		}
		var news replay.News
		if o.watched {
			c := *a
			c.ID = o.ids[i]
			c.Started = c.Started.UTC().Truncate(time.Microsecond)
			c.Header, c.Body = a.Header.Clone(), bytes.Clone(a.Body)
			if a.Sent != nil {
				c.Sent = &replay.Sent{Header: a.Sent.Header.Clone(), Body: bytes.Clone(a.Sent.Body)}
			}
			news.Attempt = &c
		}
		t.news = append(t.news, news)
	}
	return nil
}
