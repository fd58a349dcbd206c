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

// Append implements replay.Store. When it gives an error, nothing was kept.
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
		o.idHash, o.bodyHash = hash([]byte(d.WebhookID)), hash(d.Body)
	}
	if s.feed.watched() {
		o.news = snapshot(d)
	}
	if err := s.do(ctx, o); err != nil {
		return replay.Receipt{}, fmt.Errorf("keep delivery: %w", err)
	}
	return o.receipt, nil
}

func hash(b []byte) int64 {
	sum := sha256.Sum256(b)
	return int64(binary.LittleEndian.Uint64(sum[:]))
}

// snapshot copies what the caller may change after Append.
func snapshot(d *replay.Delivery) *replay.Delivery {
	c := *d
	c.Header = d.Header.Clone()
	c.Body = bytes.Clone(d.Body)
	return &c
}

type appendOp struct {
	in       replay.Incoming
	header   []byte
	idHash   int64
	bodyHash int64
	news     *replay.Delivery // nil when nobody watches

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
	if _, err := t.exec(background, "INSERT INTO arrivals (id, delivery_id, time, answer, repeat, remote) VALUES (?, ?, ?, 0, ?, ?)",
		a.ID, a.DeliveryID, a.Time.UnixMicro(), string(a.Repeat), a.RemoteAddr); err != nil {
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
		d.ID, d.Arrivals, d.Attempts, d.Queued = a.DeliveryID, []replay.Arrival{a}, nil, queued
		d.BodySize = o.bodySize()
		news.Arrival = d
	}
	t.news = append(t.news, news)
	return nil
}

// place finds the delivery that this is one more arrival of, or makes a new
// one, and notes in a which it is.
func (o *appendOp) place(t *tx, a *replay.Arrival) error {
	d := &o.in.Delivery
	rejected := d.Verdict == replay.Rejected
	if d.WebhookID == "" {
		_, err := o.insert(t, a, nil, nil)
		return err
	}

	// The insert notices by itself that it is no new one. What it does not
	// notice is a rejected one that is let in now.
	if !rejected && t.state.rejected > 0 {
		id, _, err := o.lookup(t, false)
		if err != nil {
			return err
		}
		if id != 0 {
			return o.repeat(t, a, id)
		}
		if id, _, err = o.lookup(t, true); err != nil {
			return err
		}
		if id != 0 {
			return o.promote(t, a, id)
		}
	}
	inserted, err := o.insert(t, a, o.idHash, o.key(rejected, 0))
	if err != nil || inserted {
		return err
	}
	id, free, err := o.lookup(t, rejected)
	if err != nil {
		return err
	}
	if id != 0 {
		return o.repeat(t, a, id)
	}
	_, err = o.insert(t, a, o.idHash, free)
	return err
}

// key is the body_hash that this arrival is looked for under. Those that were
// let in and those that were rejected are never found by each other's. n is
// the number of others in its place that only look the same.
func (o *appendOp) key(rejected bool, n int64) int64 {
	if rejected {
		return ^(o.bodyHash + n)
	}
	return o.bodyHash + n
}

// lookup gives the kept delivery with this Webhook-Id and body, or 0 and a key
// that is free.
func (o *appendOp) lookup(t *tx, rejected bool) (id, free int64, err error) {
	for n := int64(0); ; n++ {
		free = o.key(rejected, n)
		found := false
		err := t.query(background, "SELECT id, webhook_id, verdict, body_size, body FROM deliveries WHERE id_hash = ? AND body_hash = ?",
			[]driver.Value{o.idHash, free},
			func(row []driver.Value) bool {
				found = true
				if text(row[1]) == o.in.Delivery.WebhookID && (text(row[2]) == string(replay.Rejected)) == rejected &&
					integer(row[3]) == o.bodySize() && bytes.Equal(blob(row[4]), o.in.Delivery.Body) {
					id = integer(row[0])
				}
				return false
			})
		if err != nil || id != 0 || !found {
			return id, free, err
		}
	}
}

func (o *appendOp) bodySize() int64 {
	return max(o.in.Delivery.BodySize, int64(len(o.in.Delivery.Body)))
}

// insert makes a new delivery, unless there is one with this key.
func (o *appendOp) insert(t *tx, a *replay.Arrival, idHash, bodyHash driver.Value) (bool, error) {
	d := &o.in.Delivery
	id := t.state.delivery + 1
	n, err := t.exec(background, `INSERT INTO deliveries (id, arrival_id, received, id_hash, body_hash, weight, body_size,
			verdict, endpoint, scope, action, repo_type, repo, webhook_id, method, path, query, host, reason, summary, header, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		id, a.ID, a.Time.UnixMicro(), idHash, bodyHash, int64(o.weight()), o.bodySize(),
		string(d.Verdict), d.Endpoint, string(d.Scope), string(d.Action), string(d.RepoType), d.Repo,
		d.WebhookID, d.Method, d.Path, d.Query, d.Host, d.Reason, d.Summary, o.header, d.Body)
	if err != nil || n == 0 {
		return false, err
	}
	a.DeliveryID = id
	t.state.delivery = id
	t.state.count(d.Verdict, 1, int64(o.weight()))
	return true, nil
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
	old, err := t.ints(background, "SELECT weight FROM deliveries WHERE id = ?", id)
	if err != nil {
		return err
	}
	_, free, err := o.lookup(t, false)
	if err != nil {
		return err
	}
	weight := old[0] + rowBytes
	t.state.count(replay.Rejected, -1, -old[0])
	t.state.count(d.Verdict, 1, weight)
	a.DeliveryID, a.Repeat = id, replay.Retry
	_, err = t.exec(background, `UPDATE deliveries SET body_hash = ?, weight = ?, verdict = ?, endpoint = ?, scope = ?, action = ?,
			repo_type = ?, repo = ?, method = ?, path = ?, query = ?, host = ?, reason = ?, summary = ?, header = ?
		WHERE id = ?`,
		free, weight, string(d.Verdict), d.Endpoint, string(d.Scope), string(d.Action),
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
					AND failure = '' AND status BETWEEN 200 AND 299)`, target, a.DeliveryID)
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
