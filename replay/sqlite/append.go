package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// Append implements replay.Store. When it gives an error, nothing was kept; after
// an ErrWrite it can still come back if the process is killed, or the power
// fails, before the next write.
//
// An arrival with the Webhook-Id of a kept delivery and another body is a
// delivery of its own. A rejected arrival never becomes one of a delivery that
// was let in; the other way round, a rejected delivery whose Webhook-Id and
// body come again and are let in is from then on what the new arrival is.
func (s *Store) Append(ctx context.Context, in replay.Incoming) (replay.Receipt, error) {
	d := &in.Delivery
	in.Arrival.Time = in.Arrival.Time.UTC().Truncate(time.Microsecond)
	o := &appendOp{in: in, header: encodeHeader(d.Header)}
	if d.WebhookID != "" {
		o.key = keyOf(d)
	}
	if s.feed.watched() {
		o.news = snapshot(d)
	}
	if err := s.do(ctx, o); err != nil {
		return replay.Receipt{}, fmt.Errorf("keep delivery: %w", err)
	}
	return o.receipt, nil
}

// keyOf is what an arrival is looked for under if it is let in. That of a
// rejected one is its complement: neither is ever found by the other's.
func keyOf(d *replay.Delivery) int64 {
	h := sha256.New()
	// The length in front keeps "a" with body "bc" apart from "ab" with "c".
	h.Write(binary.AppendUvarint(nil, uint64(len(d.WebhookID))))
	h.Write([]byte(d.WebhookID))
	h.Write(d.Body)
	return int64(binary.LittleEndian.Uint64(h.Sum(nil)))
}

// snapshot copies what the caller may change after Append.
func snapshot(d *replay.Delivery) *replay.Delivery {
	c := *d
	c.Header = d.Header.Clone()
	c.Body = bytes.Clone(d.Body)
	return &c
}

type appendOp struct {
	in     replay.Incoming
	header []byte
	key    int64            // when it has a Webhook-Id
	news   *replay.Delivery // nil when nobody watches

	receipt replay.Receipt
}

// rowBytes is about what a row takes besides its content.
const rowBytes = 200

func (o *appendOp) weight() int {
	return rowBytes + len(o.in.Delivery.Body) + len(o.header)
}

func (o *appendOp) apply(t *tx) error {
	a := o.in.Arrival
	t.state.event++
	a.ID, a.Repeat, a.Answer = t.state.event, replay.First, 0

	if err := o.place(t, &a); err != nil {
		return err
	}
	var key driver.Value
	if o.in.Delivery.WebhookID != "" && a.Repeat == replay.First {
		key = o.kept()
		t.keys.add(o.kept(), a.DeliveryID)
	}
	if _, err := t.exec(background, "INSERT INTO arrivals (id, delivery_id, key, time, answer, repeat, remote) VALUES (?, ?, ?, ?, 0, ?, ?)",
		a.ID, a.DeliveryID, key, a.Time.UnixMicro(), string(a.Repeat), a.RemoteAddr); err != nil {
		return err
	}
	queued, err := o.queue(t, &a)
	if err != nil {
		return err
	}
	o.receipt = replay.Receipt{DeliveryID: a.DeliveryID, Arrival: a, Queued: queued}

	// What else is known of a delivery that came before is looked up by the
	// reader.
	var news replay.News
	if o.news != nil && a.Repeat == replay.First {
		d := o.news
		d.ID, d.Arrivals, d.Attempts, d.Queued = a.DeliveryID, []replay.Arrival{a}, nil, slices.Clone(queued)
		d.BodySize = o.bodySize()
		news.Arrival = d
	}
	t.news = append(t.news, news)
	return nil
}

// place finds the delivery that this is one more arrival of, or makes a new
// one, and notes in a which it is.
func (o *appendOp) place(t *tx, a *replay.Arrival) error {
	if o.in.Delivery.WebhookID != "" {
		if err := t.keys.catchUp(t); err != nil {
			return err
		}
		id, err := o.lookup(t, o.kept(), o.rejected())
		if err != nil {
			return err
		}
		if id == 0 && !o.rejected() {
			if id, err = o.lookup(t, ^o.key, true); err != nil {
				return err
			}
			if id != 0 {
				return o.promote(t, a, id)
			}
		}
		if id != 0 {
			return o.repeat(t, a, id)
		}
	}
	return o.insert(t, a)
}

func (o *appendOp) rejected() bool { return o.in.Delivery.Verdict == replay.Rejected }

// kept is the key that this delivery is kept under.
func (o *appendOp) kept() int64 {
	if o.rejected() {
		return ^o.key
	}
	return o.key
}

// lookup gives the kept delivery with this key, if it is the same in Webhook-Id
// and body, and rejected or not.
func (o *appendOp) lookup(t *tx, key int64, rejected bool) (id int64, err error) {
	found := t.keys.find(key)
	if found == 0 {
		return 0, nil
	}
	err = t.query(background, "SELECT webhook_id, verdict, body_size, body FROM deliveries WHERE id = ?", []driver.Value{found},
		func(row []driver.Value) bool {
			if text(row[0]) == o.in.Delivery.WebhookID && (text(row[1]) == string(replay.Rejected)) == rejected &&
				integer(row[2]) == o.bodySize() && bytes.Equal(blob(row[3]), o.in.Delivery.Body) {
				id = found
			}
			return false
		})
	return id, err
}

func (o *appendOp) bodySize() int64 {
	return max(o.in.Delivery.BodySize, int64(len(o.in.Delivery.Body)))
}

// insert makes a new delivery.
func (o *appendOp) insert(t *tx, a *replay.Arrival) error {
	d := &o.in.Delivery
	t.state.delivery++
	t.state.count(d.Verdict, 1, int64(o.weight()))
	a.DeliveryID = t.state.delivery
	_, err := t.exec(background, `INSERT INTO deliveries (id, arrival_id, received, weight, body_size,
			verdict, endpoint, scope, action, repo_type, repo, webhook_id, method, path, query, host, reason, summary, header, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.DeliveryID, a.ID, a.Time.UnixMicro(), int64(o.weight()), o.bodySize(),
		string(d.Verdict), d.Endpoint, string(d.Scope), string(d.Action), string(d.RepoType), d.Repo,
		d.WebhookID, d.Method, d.Path, d.Query, d.Host, d.Reason, d.Summary, o.header, d.Body)
	return err
}

// repeat notes that a is one more arrival of the delivery.
func (o *appendOp) repeat(t *tx, a *replay.Arrival, id int64) error {
	answered, err := t.ints(background, `SELECT
		EXISTS (SELECT 1 FROM arrivals WHERE id = (SELECT arrival_id FROM deliveries WHERE id = ?1) AND answer BETWEEN 200 AND 299) OR
		EXISTS (SELECT 1 FROM arrivals WHERE delivery_id = ?1 AND repeat <> '' AND answer BETWEEN 200 AND 299)`, id)
	if err != nil {
		return err
	}
	a.DeliveryID, a.Repeat = id, replay.Retry
	if answered[0] != 0 {
		a.Repeat = replay.Replay
	}
	// It takes space as well, so that many of them count.
	t.state.count(o.in.Delivery.Verdict, 0, rowBytes)
	_, err = t.exec(background, "UPDATE deliveries SET weight = weight + ? WHERE id = ?", int64(rowBytes), id)
	return err
}

// promote makes a rejected delivery what the new arrival is.
func (o *appendOp) promote(t *tx, a *replay.Arrival, id int64) error {
	d := &o.in.Delivery
	old, err := t.ints(background, "SELECT weight, arrival_id FROM deliveries WHERE id = ?", id)
	if err != nil {
		return err
	}
	t.keys.remove(^o.key, id)
	t.keys.add(o.key, id)
	if _, err := t.exec(background, "UPDATE arrivals SET key = ? WHERE id = ?", o.key, old[1]); err != nil {
		return err
	}
	weight := old[0] + rowBytes
	t.state.count(replay.Rejected, -1, -old[0])
	t.state.count(d.Verdict, 1, weight)
	a.DeliveryID, a.Repeat = id, replay.Retry
	_, err = t.exec(background, `UPDATE deliveries SET weight = ?, verdict = ?, endpoint = ?, scope = ?, action = ?,
			repo_type = ?, repo = ?, method = ?, path = ?, query = ?, host = ?, reason = ?, summary = ?, header = ?
		WHERE id = ?`,
		weight, string(d.Verdict), d.Endpoint, string(d.Scope), string(d.Action),
		string(d.RepoType), d.Repo, d.Method, d.Path, d.Query, d.Host, d.Reason, d.Summary, o.header, id)
	return err
}

// queue puts the delivery into the queues that this arrival calls for.
func (o *appendOp) queue(t *tx, a *replay.Arrival) (queued []string, err error) {
	if o.in.Delivery.Verdict != replay.Accepted {
		return nil, nil
	}
	for _, name := range o.in.Targets {
		target, err := t.target(name)
		if err != nil {
			return nil, err
		}
		if a.Repeat == replay.Retry {
			served, err := t.ints(background, `SELECT
				EXISTS (SELECT 1 FROM queue WHERE target_id = ?1 AND delivery_id = ?2) OR
				EXISTS (SELECT 1 FROM attempts WHERE delivery_id = ?2 AND target_id = ?1 AND kind = 'live'
					AND failure = '' AND iif(exit IS NULL, status BETWEEN 200 AND 299, exit = 0))`, target, a.DeliveryID)
			if err != nil {
				return nil, err
			}
			if served[0] != 0 {
				continue
			}
		}
		if slices.Contains(queued, name) {
			continue
		}
		if _, err := t.exec(background, `INSERT INTO queue (target_id, delivery_id, arrival_id) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET arrival_id = excluded.arrival_id`, target, a.DeliveryID, a.ID); err != nil {
			return nil, err
		}
		queued = append(queued, name)
	}
	return queued, nil
}
