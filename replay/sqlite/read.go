package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// maxReaders is how many reads run at the same time.
const maxReaders = 4

// readers is a pool of connections that cannot write. A nil in it is one that
// was not needed so far.
type readers struct {
	dsn  string
	pool chan *conn
}

func newReaders(path string, busy time.Duration) *readers {
	r := &readers{
		dsn: dsn(path, pragma("busy_timeout", busy.Milliseconds()), pragma("wal_autocheckpoint", 0),
			pragma("cache_size", -2<<10), pragma("query_only", 1)),
		pool: make(chan *conn, maxReaders),
	}
	for range maxReaders {
		r.pool <- nil
	}
	return r
}

// close must not be called while a connection is out.
func (r *readers) close() error {
	var errs []error
	for range maxReaders {
		if c := <-r.pool; c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}

// hold waits until no connection is out, closes them, and lets none out until
// release is called.
func (r *readers) hold() (release func()) {
	for range maxReaders {
		if c := <-r.pool; c != nil {
			_ = c.close() // nothing was written with it
		}
	}
	return func() {
		for range maxReaders {
			r.pool <- nil
		}
	}
}

// read gives f a connection that sees one state of the store. It is short: a
// long one would keep the log from being tidied up.
func (s *Store) read(ctx context.Context, f func(c *conn) error) (err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return replay.ErrClosed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var c *conn
	select {
	case c = <-s.readers.pool:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.readers.pool <- c }()
	if c == nil {
		if c, err = connect(ctx, s.readers.dsn); err != nil {
			return classifyRead(err)
		}
	}
	if _, err := c.exec(background, "BEGIN"); err != nil {
		return classifyRead(err)
	}
	err = f(c)
	if _, end := c.exec(background, "COMMIT"); err == nil {
		err = end
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return classifyRead(err)
}

// Get implements replay.Store.
func (s *Store) Get(ctx context.Context, id int64) (*replay.Delivery, error) {
	var found []*replay.Delivery
	err := s.read(ctx, func(c *conn) (err error) {
		// Too short to be interrupted: being ready for that costs a goroutine
		// for each query.
		found, err = load(background, c, []entry{{id: id}})
		return err
	})
	if err == nil && len(found) == 0 {
		err = replay.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("delivery %d: %w", id, err)
	}
	return found[0], nil
}

const (
	arrivalColumns = "a.id, a.delivery_id, a.time, a.answer, a.repeat, a.remote"
	attemptColumns = "t.id, t.delivery_id, t.arrival_id, t.started, t.duration, t.status, t.body_cut, t.kind, t.failure, t.error, t.header, t.body, n.name, t.exit, t.edited, t.sent_header, t.sent_body"

	// With the delivery's own id: what an arrival says may be a stranger's.
	deliveryColumns = `a.id, d.id, a.time, a.answer, a.repeat, a.remote, d.body_size, d.verdict, d.endpoint, d.scope, d.action, d.repo_type, d.repo,
			d.webhook_id, d.method, d.path, d.query, d.host, d.reason, d.summary, d.header, d.body`

	// CROSS JOIN tells SQLite to begin with the ids.
	loadSQL = `SELECT ` + deliveryColumns + `
		FROM json_each(?) j CROSS JOIN deliveries d CROSS JOIN arrivals a ON a.id = d.arrival_id WHERE d.id = j.value`
	loadRepeatsSQL = `SELECT ` + arrivalColumns + `
		FROM json_each(?) j CROSS JOIN arrivals a WHERE a.delivery_id = j.value AND a.repeat <> ''`
	loadAttemptsSQL = `SELECT ` + attemptColumns + `
		FROM json_each(?) j CROSS JOIN attempts t CROSS JOIN targets n ON n.id = t.target_id WHERE t.delivery_id = j.value`
	loadQueueSQL = `SELECT q.delivery_id, t.name
		FROM json_each(?) j CROSS JOIN targets t CROSS JOIN queue q ON q.target_id = t.id WHERE q.delivery_id = j.value`
)

// loading is the queries that make up deliveries.
type loading struct{ deliveries, repeats, attempts, queue string }

func loadingBy(in func(sql string) string) loading {
	return loading{in(loadSQL), in(loadRepeatsSQL), in(loadAttemptsSQL), in(loadQueueSQL)}
}

var (
	loadMany = loadingBy(func(sql string) string { return sql })
	// With an id in place of JSON it takes half as long, which matters where
	// one delivery after the other is sent.
	loadOne = loadingBy(strings.NewReplacer("json_each(?) j CROSS JOIN ", "", "= j.value", "= ?").Replace)
	// From one id to another, others in between may not be wanted.
	loadRange = loadingBy(strings.NewReplacer("json_each(?) j CROSS JOIN ", "", "= j.value", "BETWEEN ? AND ?").Replace)
)

// load gives those of the deliveries that are there, complete, in that
// order, with four queries for all. No id is among them twice.
func load(ctx context.Context, c *conn, entries []entry) ([]*replay.Delivery, error) {
	sql, ids := loadMany, driver.Value(nil)
	if len(entries) == 1 {
		sql, ids = loadOne, entries[0].id
	} else {
		ids = jsonList(entries)
	}
	l := newLoad(len(entries))
	l.query(ctx, c, sql.deliveries, []driver.Value{ids}, func(row []driver.Value) bool {
		l.delivery(row)
		return true
	})
	l.complete(ctx, c, sql, ids)
	return l.end()
}

// loaded is deliveries that are being put together.
type loaded struct {
	found []*replay.Delivery
	byID  map[int64]*replay.Delivery
	errs  []error
}

func newLoad(n int) *loaded {
	return &loaded{make([]*replay.Delivery, 0, n), make(map[int64]*replay.Delivery, n), nil}
}

func (l *loaded) query(ctx context.Context, c *conn, sql string, args []driver.Value, f func(row []driver.Value) bool) {
	if err := c.query(ctx, sql, args, f); err != nil {
		l.errs = append(l.errs, err)
	}
}

// delivery adds one with its first arrival, and tells about how large it is.
func (l *loaded) delivery(row []driver.Value) int {
	d, err := scanDelivery(row)
	if err != nil {
		l.errs = append(l.errs, err)
	}
	l.found = append(l.found, d)
	l.byID[d.ID] = d
	return rowBytes + len(d.Body)
}

// complete adds to the deliveries what else is known of them.
func (l *loaded) complete(ctx context.Context, c *conn, sql loading, ids ...driver.Value) {
	l.query(ctx, c, sql.repeats, ids, func(row []driver.Value) bool {
		a := scanArrival(row)
		if d := l.byID[a.DeliveryID]; d != nil {
			d.Arrivals = append(d.Arrivals, a)
		}
		return true
	})
	l.query(ctx, c, sql.attempts, ids, func(row []driver.Value) bool {
		d := l.byID[integer(row[1])]
		if d == nil {
			return true
		}
		a, err := scanAttempt(row)
		if err != nil {
			l.errs = append(l.errs, err)
		}
		d.Attempts = append(d.Attempts, a)
		return true
	})
	l.query(ctx, c, sql.queue, ids, func(row []driver.Value) bool {
		if d := l.byID[integer(row[0])]; d != nil {
			d.Queued = append(d.Queued, text(row[1]))
		}
		return true
	})
}

func (l *loaded) end() ([]*replay.Delivery, error) {
	for _, d := range l.found {
		slices.SortFunc(d.Arrivals, func(a, b replay.Arrival) int { return int(a.ID - b.ID) })
		slices.SortFunc(d.Attempts, func(a, b replay.Attempt) int { return int(a.ID - b.ID) })
	}
	return l.found, errors.Join(l.errs...)
}

func jsonList(entries []entry) string {
	b := []byte{'['}
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, e.id, 10)
	}
	return string(append(b, ']'))
}

func scanArrival(row []driver.Value) replay.Arrival {
	return replay.Arrival{
		ID:         integer(row[0]),
		DeliveryID: integer(row[1]),
		Time:       time.UnixMicro(integer(row[2])).UTC(),
		Answer:     int(integer(row[3])),
		Repeat:     replay.Repeat(text(row[4])),
		RemoteAddr: text(row[5]),
	}
}

func scanDelivery(row []driver.Value) (*replay.Delivery, error) {
	first := scanArrival(row)
	row = row[6:]
	header, err := decodeHeader(blob(row[14]))
	return &replay.Delivery{
		ID:        first.DeliveryID,
		Arrivals:  []replay.Arrival{first},
		BodySize:  integer(row[0]),
		Verdict:   replay.Verdict(text(row[1])),
		Endpoint:  text(row[2]),
		Scope:     payload.Scope(text(row[3])),
		Action:    payload.Action(text(row[4])),
		RepoType:  payload.RepoType(text(row[5])),
		Repo:      text(row[6]),
		WebhookID: text(row[7]),
		Method:    text(row[8]),
		Path:      text(row[9]),
		Query:     text(row[10]),
		Host:      text(row[11]),
		Reason:    text(row[12]),
		Summary:   text(row[13]),
		Header:    header,
		Body:      blob(row[15]),
	}, err
}

func scanAttempt(row []driver.Value) (replay.Attempt, error) {
	header, err := decodeHeader(blob(row[10]))
	a := replay.Attempt{
		ID:         integer(row[0]),
		DeliveryID: integer(row[1]),
		ArrivalID:  integer(row[2]),
		Started:    time.UnixMicro(integer(row[3])).UTC(),
		Duration:   time.Duration(integer(row[4])),
		Status:     int(integer(row[5])),
		BodyCut:    integer(row[6]) != 0,
		Kind:       replay.Kind(text(row[7])),
		Failure:    replay.Failure(text(row[8])),
		Error:      text(row[9]),
		Header:     header,
		Body:       blob(row[11]),
		Target:     text(row[12]),
	}
	if row[13] != nil {
		a.Exit = new(int(integer(row[13])))
	}
	if integer(row[14]) != 0 {
		sent, sentErr := decodeHeader(blob(row[15]))
		a.Sent, err = &replay.Sent{Header: sent, Body: blob(row[16])}, errors.Join(err, sentErr)
	}
	return a, err
}
