package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hfhook/hfhook/replay"
)

const (
	// A list is read in chunks: between two of them it holds nothing, and
	// within one not much memory.
	chunkRows  = 128
	chunkBytes = 8 << 20
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
var errStopped = fmt.Errorf("stopped")

func (s *Store) listOldest(ctx context.Context, f *replay.Filter, yield func(*replay.Delivery, error) bool) error {
	left := math.MaxInt
	if f.Limit > 0 {
		left = f.Limit
	}
	where, args := condition(f)
	sql := "SELECT d.id, d.weight FROM deliveries d WHERE d.id > ?" + where + " ORDER BY d.id LIMIT ?"
	for cursor := int64(math.MinInt64); left > 0; {
		rows := min(left, chunkRows)
		var found []*replay.Delivery
		ids, full := []int64(nil), false
		err := s.read(ctx, func(c *conn) (err error) {
			ids, full, err = chunk(ctx, c, sql, slices.Concat([]driver.Value{cursor}, args, []driver.Value{int64(rows)}))
			if err == nil {
				found, err = load(ctx, c, ids)
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range found {
			if !yield(d, nil) {
				return errStopped
			}
		}
		if !full && len(ids) < rows {
			return nil
		}
		left -= len(ids)
		cursor = ids[len(ids)-1]
	}
	return nil
}

// chunk gives the ids of the next deliveries; full says that it ended because
// of their size.
func chunk(ctx context.Context, c *conn, sql string, args []driver.Value) (ids []int64, full bool, err error) {
	bytes := int64(0)
	err = c.query(ctx, sql, args, func(row []driver.Value) bool {
		ids = append(ids, integer(row[0]))
		bytes += integer(row[1])
		full = bytes > chunkBytes
		return !full
	})
	return ids, full, err
}

func (s *Store) listNewest(ctx context.Context, f *replay.Filter, yield func(*replay.Delivery, error) bool) error {
	where, args := condition(f)
	sql := "SELECT d.id, d.weight FROM deliveries d WHERE d.id < ?" + where + " ORDER BY d.id DESC LIMIT ?"
	type entry struct{ id, weight int64 }
	var entries []entry
	err := s.read(ctx, func(c *conn) error {
		args := slices.Concat([]driver.Value{int64(math.MaxInt64)}, args, []driver.Value{int64(f.Limit)})
		return c.query(ctx, sql, args, func(row []driver.Value) bool {
			entries = append(entries, entry{integer(row[0]), integer(row[1])})
			return true
		})
	})
	if err != nil {
		return err
	}
	slices.Reverse(entries)
	for len(entries) > 0 {
		var ids []int64
		bytes := int64(0)
		for len(ids) < len(entries) && len(ids) < chunkRows && bytes < chunkBytes {
			bytes += entries[len(ids)].weight
			ids = append(ids, entries[len(ids)].id)
		}
		entries = entries[len(ids):]
		var found []*replay.Delivery
		err := s.read(ctx, func(c *conn) (err error) {
			found, err = load(ctx, c, ids)
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range found {
			if !yield(d, nil) {
				return errStopped
			}
		}
	}
	return nil
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
	oneOf(and, "(d.scope = ?1 OR substr(d.scope, 1, length(?1) + 1) = ?1 || '.')", f.Scopes)
	repos(and, f.Repos)
	attempts(and, f.Attempts)
	if f.Queued != "" {
		and("EXISTS (SELECT 1 FROM queue q WHERE q.target_id = (SELECT id FROM targets WHERE name = ?) AND q.delivery_id = d.id)", f.Queued)
	}
	if f.Text != "" {
		and("instr(CAST(lower(CAST(d.body AS TEXT)) AS BLOB), CAST(lower(?) AS BLOB)) > 0", f.Text)
	}
	return b.String(), args
}

type andFunc = func(sql string, values ...driver.Value)

// oneOf adds a condition that one of the values has to meet. In it, ?1 stands
// for the value where it is needed more than once.
func oneOf[T ~string](and andFunc, sql string, values []T) {
	if len(values) == 0 {
		return
	}
	var conditions []string
	var args []driver.Value
	for _, v := range values {
		conditions = append(conditions, strings.ReplaceAll(sql, "?1", "?"))
		for range max(1, strings.Count(sql, "?1")) {
			args = append(args, string(v))
		}
	}
	and("("+strings.Join(conditions, " OR ")+")", args...)
}

// repos compares with LIKE, which ignores case and calls * and ? by other
// names. A single name without either is found by the index.
func repos(and andFunc, globs []string) {
	if len(globs) == 1 && !strings.ContainsAny(globs[0], "*?") && globs[0] != "" {
		and("d.repo <> '' AND d.repo = ? COLLATE NOCASE", globs[0])
		return
	}
	patterns := make([]string, len(globs))
	for i, glob := range globs {
		patterns[i] = likePattern.Replace(glob)
	}
	oneOf(and, `d.repo LIKE ? ESCAPE '\'`, patterns)
}

var likePattern = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`, `?`, `_`)

func attempts(and andFunc, statuses []replay.AttemptStatus) {
	const last = "EXISTS (SELECT 1 FROM attempts t WHERE t.id = (SELECT max(id) FROM attempts WHERE delivery_id = d.id) AND "
	const ok = "(t.failure = '' AND t.status BETWEEN 200 AND 299)"
	var conditions []string
	var args []driver.Value
	for _, status := range statuses {
		switch class, isClass := strings.CutSuffix(string(status), "xx"); {
		case status == "none":
			conditions = append(conditions, "NOT EXISTS (SELECT 1 FROM attempts WHERE delivery_id = d.id)")
		case status == "ok":
			conditions = append(conditions, last+ok+")")
		case status == "failed":
			conditions = append(conditions, last+"NOT "+ok+")")
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
