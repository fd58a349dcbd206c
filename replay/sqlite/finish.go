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
// after an ErrWrite it can still come back as for Append. ErrNotFound says that
// one of the deliveries is not, or no longer, there.
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
	if err := o.allThere(t); err != nil {
		return err
	}
	for i, a := range o.attempts {
		target, err := t.target(a.Target)
		if err != nil {
			return err
		}
		t.state.event++
		o.ids[i] = t.state.event
		t.state.keptBytes += int64(o.attemptWeight(i))
		if err := o.insert(t, i, target); err != nil {
			return err
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

// allThere gives ErrNotFound unless all deliveries are in the store. Those of
// many attempts mostly follow each other, and are counted in one step.
func (o *finishOp) allThere(t *tx) error {
	ids := make([]int64, len(o.attempts))
	for i, a := range o.attempts {
		ids[i] = a.DeliveryID
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for len(ids) > 0 {
		n := 1
		for n < len(ids) && ids[n] == ids[0]+int64(n) {
			n++
		}
		there, err := t.ints(background, "SELECT count(*) FROM deliveries WHERE id BETWEEN ? AND ?", ids[0], ids[n-1])
		if err != nil {
			return err
		}
		if there[0] != int64(n) {
			return replay.ErrNotFound
		}
		ids = ids[n:]
	}
	return nil
}

// insert writes one attempt. What few of them have is apart, since each value
// takes its time.
func (o *finishOp) insert(t *tx, i int, target int64) error {
	a := o.attempts[i]
	if a.Exit == nil && a.Sent == nil && a.Failure == "" && a.Error == "" {
		_, err := t.exec(background, `INSERT INTO attempts (id, delivery_id, target_id, arrival_id, started, duration,
				status, body_cut, kind, failure, error, header, body)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?, ?)`,
			o.ids[i], a.DeliveryID, target, a.ArrivalID, a.Started.UnixMicro(), int64(a.Duration),
			int64(a.Status), flag(a.BodyCut), string(a.Kind), o.headers[i], a.Body)
		return err
	}
	var exit driver.Value
	if a.Exit != nil {
		exit = int64(*a.Exit)
	}
	var sent []byte
	if a.Sent != nil {
		sent = a.Sent.Body
	}
	_, err := t.exec(background, `INSERT INTO attempts (id, delivery_id, target_id, arrival_id, started, duration,
			status, body_cut, kind, failure, error, header, body, exit, edited, sent_header, sent_body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		o.ids[i], a.DeliveryID, target, a.ArrivalID, a.Started.UnixMicro(), int64(a.Duration),
		int64(a.Status), flag(a.BodyCut), string(a.Kind), string(a.Failure), a.Error, o.headers[i], a.Body,
		exit, flag(a.Sent != nil), o.sent[i], sent)
	return err
}
