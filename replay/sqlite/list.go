package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

const (
	// A list is read in chunks: between two of them it holds nothing, and
	// within one not much memory.
	chunkRows  = 256
	chunkBytes = 8 << 20
	countRows  = 4096
)

// List implements replay.Store. Each delivery is as it was at some moment
// during the call, and one that arrives meanwhile may be among them.
func (s *Store) List(ctx context.Context, f replay.Filter) iter.Seq2[*replay.Delivery, error] {
	return func(yield func(*replay.Delivery, error) bool) {
		var err error
		if f.Newest && f.Limit > 0 {
			err = s.listNewest(ctx, &f, yield)
		} else {
			err = s.listOldest(ctx, &f, yield)
		}
		if err != nil && err != errStopped {
			yield(nil, fmt.Errorf("list deliveries: %w", err))
		}
	}
}

// errStopped says that the reader of a list wants no more.
var errStopped = errors.New("stopped")

func (s *Store) listOldest(ctx context.Context, f *replay.Filter, yield func(*replay.Delivery, error) bool) error {
	left := math.MaxInt
	if f.Limit > 0 {
		left = f.Limit
	}
	q, err := s.search(ctx, f, "")
	if err != nil {
		return err
	}
	for _, span := range q.spans {
		for more := true; more && left > 0; {
			rows := min(left, chunkRows)
			var found []*replay.Delivery
			err := s.read(ctx, func(c *conn) (err error) {
				found, err = q.load(ctx, c, span, rows, chunkBytes)
				return err
			})
			if err != nil {
				return err
			}
			if err := yieldAll(found, yield); err != nil {
				return err
			}
			if more = len(found) > 0; more {
				if more, err = span.behind(found[len(found)-1].ID); err != nil {
					return err
				}
				left -= len(found)
			}
		}
	}
	return nil
}

func (s *Store) listNewest(ctx context.Context, f *replay.Filter, yield func(*replay.Delivery, error) bool) error {
	q, err := s.search(ctx, f, " DESC")
	if err != nil {
		return err
	}
	slices.Reverse(q.spans)
	var entries []entry
	err = s.read(ctx, func(c *conn) error {
		for _, span := range q.spans {
			if len(entries) == f.Limit {
				break
			}
			some, err := q.find(ctx, c, span, f.Limit-len(entries), math.MaxInt64)
			if err != nil {
				return err
			}
			entries = append(entries, some...)
		}
		return nil
	})
	slices.Reverse(entries)
	for len(entries) > 0 && err == nil {
		n, bytes := 0, int64(0)
		for n < len(entries) && n < chunkRows && bytes < chunkBytes {
			bytes += entries[n].weight
			n++
		}
		var found []*replay.Delivery
		err = s.read(ctx, func(c *conn) (err error) {
			found, err = load(ctx, c, entries[:n])
			return err
		})
		if err == nil {
			err = yieldAll(found, yield)
		}
		entries = entries[n:]
	}
	return err
}

// Count counts what List would give. It reads no more than it has to.
func (s *Store) Count(ctx context.Context, f replay.Filter) (n int, err error) {
	left := math.MaxInt
	if f.Limit > 0 {
		left = f.Limit
	}
	q, err := s.search(ctx, &f, "")
	if err != nil {
		return 0, fmt.Errorf("count deliveries: %w", err)
	}
	for _, span := range q.spans {
		for more := true; more && left > 0; {
			var entries []entry
			err := s.read(ctx, func(c *conn) (err error) {
				entries, err = q.find(ctx, c, span, min(left, countRows), math.MaxInt64)
				return err
			})
			if err != nil {
				return 0, fmt.Errorf("count deliveries: %w", err)
			}
			if more = len(entries) > 0; more {
				if more, err = span.behind(entries[len(entries)-1].id); err != nil {
					return 0, fmt.Errorf("count deliveries: %w", err)
				}
				left, n = left-len(entries), n+len(entries)
			}
		}
	}
	return n, nil
}

func yieldAll(found []*replay.Delivery, yield func(*replay.Delivery, error) bool) error {
	for _, d := range found {
		if !yield(d, nil) {
			return errStopped
		}
	}
	return nil
}

// search is a filter made ready.
type search struct {
	sql     string // for what find gives
	loadSQL string // for deliveries
	args    []driver.Value
	spans   []span // of ids, to be searched one after the other
}

// span is a range of ids, both inclusive.
type span struct{ from, to int64 }

// behind takes off what a search has come to, and reports whether anything is
// left. Where ids do not go up, it would never end.
func (s *span) behind(last int64) (more bool, err error) {
	if last < s.from {
		return false, fmt.Errorf("%w: delivery %d comes after a later one", ErrDamaged, last)
	}
	if last >= s.to {
		return false, nil
	}
	s.from = last + 1
	return true, nil
}

// entry is a delivery that a search found.
type entry struct{ id, weight int64 }

// search prepares f. A search for one repo goes from bucket to bucket, as its
// index does, and one that decodes bodies too, so that it can be ended in
// between; any other has one span.
func (s *Store) search(ctx context.Context, f *replay.Filter, order string) (*search, error) {
	rest := *f
	repo, indexed := oneRepo(f.Repos)
	if indexed {
		rest.Repos = nil
	}
	where, args := condition(&rest)
	from, spans := "deliveries d", []span{{f.FromID, f.ToID}}
	if f.ToID == 0 {
		spans[0].to = math.MaxInt64
	}
	if indexed {
		from = "deliveries d INDEXED BY deliveries_repo"
		where = " AND d.id >> 10 = ?1 >> 10 AND d.repo = ? COLLATE NOCASE" + where
		args = slices.Insert(args, 0, driver.Value(repo))
	}
	if indexed || decodes(f) {
		var err error
		if spans, err = s.buckets(ctx, f); err != nil {
			return nil, err
		}
	}
	where = " WHERE d.id BETWEEN ?1 AND ?2" + where + " ORDER BY d.id" + order + " LIMIT ?"
	return &search{
		sql:     "SELECT d.id, max(d.weight, coalesce(length(d.body), 0)) FROM " + from + where,
		loadSQL: "SELECT " + deliveryColumns + " FROM " + from + " CROSS JOIN arrivals a ON a.id = d.arrival_id" + where,
		args:    args,
		spans:   spans,
	}, nil
}

func decodes(f *replay.Filter) bool {
	return len(f.Refs) > 0 || slices.ContainsFunc(f.Except, func(e replay.Filter) bool { return decodes(&e) })
}

func (s *Store) buckets(ctx context.Context, f *replay.Filter) (spans []span, err error) {
	last := int64(math.MaxInt64)
	if f.ToID != 0 {
		last = f.ToID
	}
	const size = 1 << 10 // as in the index
	err = s.read(ctx, func(c *conn) error {
		// From one that is there to the next: a stranger may have put years of
		// empty ones in between.
		for from := f.FromID; from <= last; {
			next, err := c.ints(ctx, "SELECT id FROM deliveries WHERE id >= ? ORDER BY id LIMIT 1", from)
			if err != nil {
				return err
			}
			if len(next) == 0 || next[0] < from || next[0] > last {
				break
			}
			first := next[0] &^ (size - 1)
			spans = append(spans, span{first, first + (size - 1)})
			if first > math.MaxInt64-size {
				break
			}
			from = first + size
		}
		return nil
	})
	return spans, err
}

// find gives up to so many deliveries, and stops after the one that fills
// maxBytes.
func (q *search) find(ctx context.Context, c *conn, in span, rows int, maxBytes int64) (found []entry, err error) {
	args := slices.Concat([]driver.Value{in.from, in.to}, q.args, []driver.Value{int64(rows)})
	err = c.query(ctx, q.sql, args, func(row []driver.Value) bool {
		e := entry{integer(row[0]), integer(row[1])}
		found = append(found, e)
		maxBytes -= e.weight
		return maxBytes > 0
	})
	return found, err
}

// load is find for all that is known of the deliveries.
func (q *search) load(ctx context.Context, c *conn, in span, rows int, maxBytes int) ([]*replay.Delivery, error) {
	args := slices.Concat([]driver.Value{in.from, in.to}, q.args, []driver.Value{int64(rows)})
	l := newLoad(rows)
	l.query(ctx, c, q.loadSQL, args, func(row []driver.Value) bool {
		maxBytes -= l.delivery(row)
		return maxBytes > 0
	})
	n := len(l.found)
	if n == 0 {
		return l.end()
	}
	if first, last := l.found[0].ID, l.found[n-1].ID; last-first < int64(2*n) {
		l.complete(ctx, c, loadRange, first, last)
		return l.end()
	}
	ids := make([]entry, n)
	for i, d := range l.found {
		ids[i].id = d.ID
	}
	l.complete(ctx, c, loadMany, jsonList(ids))
	return l.end()
}

// condition is the filter as SQL on deliveries d, beginning with AND. The text
// depends on which fields are set and on how many values they have, never on
// the values.
func condition(f *replay.Filter) (string, []driver.Value) {
	var b strings.Builder
	var args []driver.Value
	and := func(sql string, values ...driver.Value) {
		b.WriteString(" AND ")
		b.WriteString(sql)
		args = append(args, values...)
	}
	if f.FromID != 0 {
		and("d.id >= ?", f.FromID)
	}
	if f.ToID != 0 {
		and("d.id <= ?", f.ToID)
	}
	if f.WebhookID != "" {
		and("d.webhook_id = ?", f.WebhookID)
	}
	if !f.Since.IsZero() {
		and("d.received >= ?", ceilMicro(f.Since))
	}
	if !f.Until.IsZero() {
		and("d.received < ?", ceilMicro(f.Until))
	}
	oneOf(and, "d.endpoint = ?", f.Endpoints)
	oneOf(and, "d.action = ?", f.Actions)
	oneOf(and, "d.repo_type = ?", f.RepoTypes)
	oneOf(and, "d.verdict = ?", f.Verdicts)
	scopes(and, f.Scopes)
	repos(and, f.Repos)
	attempts(and, f.Attempts)
	if f.Failed {
		failed(and, f.FailedAt)
	}
	if f.Queued != "" {
		and("EXISTS (SELECT 1 FROM queue q WHERE q.target_id = (SELECT id FROM targets WHERE name = ?) AND q.delivery_id = d.id)", f.Queued)
	}
	for _, e := range f.Except {
		sql, values := condition(&e)
		and("(TRUE"+sql+") IS NOT TRUE", values...)
	}
	if f.Text != "" {
		and("instr(CAST(lower(CAST(d.body AS TEXT)) AS BLOB), CAST(lower(?) AS BLOB)) > 0", f.Text)
	}
	if len(f.Refs) > 0 {
		var globs []driver.Value
		for _, glob := range f.Refs {
			globs = append(globs, glob)
		}
		// Last, as it decodes each body that it comes to.
		and("d.verdict = 'accepted' AND "+refsFunc+"(d.body"+strings.Repeat(", ?", len(globs))+")", globs...)
	}
	return b.String(), args
}

type andFunc = func(sql string, values ...driver.Value)

// oneOf adds a condition that one of the values has to meet.
func oneOf[T ~string](and andFunc, sql string, values []T) {
	if len(values) == 0 {
		return
	}
	var args []driver.Value
	for _, v := range values {
		args = append(args, string(v))
	}
	and("("+strings.Repeat(sql+" OR ", len(values)-1)+sql+")", args...)
}

// scopes chooses each scope and those within it, "repo" and "repo.config".
// GLOB minds the case, as globs over scopes do, and has brackets that they do
// not have.
func scopes(and andFunc, scopes []payload.Scope) {
	var conditions []string
	var args []driver.Value
	for _, s := range scopes {
		if strings.ContainsAny(string(s), "*?") {
			glob := strings.ReplaceAll(string(s), "[", "[[]")
			conditions = append(conditions, unlessNUL("d.scope", "d.scope GLOB ? OR d.scope GLOB ?", scopeFunc))
			args = append(args, string(s), glob, glob+".*")
			continue
		}
		conditions = append(conditions, "instr(d.scope || '.', ?) = 1")
		args = append(args, string(s)+".")
	}
	if len(conditions) > 0 {
		and("("+strings.Join(conditions, " OR ")+")", args...)
	}
}

// oneRepo gives the repo that is asked for by its full name.
func oneRepo(globs []string) (string, bool) {
	if len(globs) == 1 && !strings.ContainsAny(globs[0], "*?") {
		return globs[0], true
	}
	return "", false
}

// repos compares with LIKE, which ignores case and calls * and ? by other
// names.
func repos(and andFunc, globs []string) {
	if len(globs) == 0 {
		return
	}
	like := unlessNUL("d.repo", `d.repo LIKE ? ESCAPE '\'`, repoFunc)
	var args []driver.Value
	for _, glob := range globs {
		args = append(args, glob, likePattern.Replace(glob))
	}
	and("("+strings.Repeat(like+" OR ", len(globs)-1)+like+")", args...)
}

// unlessNUL is a condition on a column, with a glob for a function before its
// own values: SQLite's GLOB and LIKE see a text up to its first NUL only.
func unlessNUL(column, condition, function string) string {
	return "iif(instr(" + column + ", char(0)), " + function + "(CAST(" + column + " AS BLOB), ?), " + condition + ")"
}

var likePattern = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`, `?`, `_`)

// isOK is Attempt.OK.
const isOK = "(t.failure = '' AND iif(t.exit IS NULL, t.status BETWEEN 200 AND 299, t.exit = 0))"

// failed chooses by the last attempt at each target, or at the one target.
func failed(and andFunc, target string) {
	const lastOf = "(SELECT max(id) FROM attempts WHERE delivery_id = d.id AND target_id = "
	if target == "" {
		and("EXISTS (SELECT 1 FROM attempts t WHERE t.delivery_id = d.id AND NOT " + isOK + " AND t.id = " + lastOf + "t.target_id))")
		return
	}
	and("EXISTS (SELECT 1 FROM attempts t WHERE NOT "+isOK+" AND t.id = coalesce("+lastOf+
		"(SELECT id FROM targets WHERE name = ?)), (SELECT max(id) FROM attempts WHERE delivery_id = d.id)))", target)
}

func attempts(and andFunc, statuses []replay.AttemptStatus) {
	const last = "EXISTS (SELECT 1 FROM attempts t WHERE t.id = (SELECT max(id) FROM attempts WHERE delivery_id = d.id) AND "
	var conditions []string
	var args []driver.Value
	for _, status := range statuses {
		switch class, isClass := strings.CutSuffix(string(status), "xx"); {
		case status == "none":
			conditions = append(conditions, "NOT EXISTS (SELECT 1 FROM attempts WHERE delivery_id = d.id)")
		case status == "ok":
			conditions = append(conditions, last+isOK+")")
		case status == "failed":
			conditions = append(conditions, last+"NOT "+isOK+")")
		case isClass:
			conditions = append(conditions, last+"t.status / 100 = ?)")
			args = append(args, number(class))
		default:
			conditions = append(conditions, last+"t.status = ?)")
			args = append(args, number(string(status)))
		}
	}
	if len(conditions) > 0 {
		and("("+strings.Join(conditions, " OR ")+")", args...)
	}
}

// number gives -1, which no status is, for what is no number.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return -1
	}
	return n
}

// ceilMicro gives the first whole microsecond that is not before t.
func ceilMicro(t time.Time) int64 {
	return t.Add(time.Microsecond - time.Nanosecond).UnixMicro()
}
