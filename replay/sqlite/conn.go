package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// conn is one connection with its prepared statements, for one goroutine at a
// time. It calls the driver without database/sql in between, whose share of a
// small insert is as large as SQLite's own.
type conn struct {
	raw   driver.Conn
	stmts map[string]*stmt
	args  []driver.NamedValue
}

// dsn names the file at path. Pragmas hold per connection, so this is their
// place. The path is escaped: it may hold "?", "#" and "%".
//
// The file may be a stranger's: what stands in its schema calls no function that
// has an effect, and a page that is not sound is an error.
func dsn(path string, pragmas ...string) string {
	pragmas = append(slices.Clip(pragmas), pragma("trusted_schema", 0), pragma("cell_size_check", 1))
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}

func connect(ctx context.Context, dsn string) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	raw, err := engine.Open(dsn)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, stmts: map[string]*stmt{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.raw.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// writable gives ErrReadOnly when SQLite has opened the file for reading only,
// as it does without a word when it may not write.
func (c *conn) writable() error {
	readOnly, err := c.raw.(interface {
		IsReadOnly(schema string) (bool, error)
	}).IsReadOnly("main")
	if err == nil && readOnly {
		err = ErrReadOnly
	}
	return err
}

// script runs statements that take no arguments.
func (c *conn) script(ctx context.Context, sql string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(ctx, sql, nil)
	return err
}

// stmt is a prepared statement of one connection.
type stmt struct {
	raw  driver.Stmt
	conn *conn
	row  []driver.Value
}

// maxStmts bounds the statements of a connection that lists with ever
// different filters.
const maxStmts = 100

// prepare gives the statement for sql.
func (c *conn) prepare(ctx context.Context, sql string) (*stmt, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStmts {
		for _, s := range c.stmts {
			if err := s.raw.Close(); err != nil {
				return nil, err
			}
		}
		clear(c.stmts)
	}
	raw, err := c.raw.(driver.ConnPrepareContext).PrepareContext(ctx, sql)
	if err != nil {
		return nil, err
	}
	s := &stmt{raw: raw, conn: c}
	c.stmts[sql] = s
	return s, nil
}

func (c *conn) bind(args []driver.Value) []driver.NamedValue {
	c.args = c.args[:0]
	for i, v := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return c.args
}

// exec runs sql and tells how many rows it changed.
func (c *conn) exec(ctx context.Context, sql string, args ...driver.Value) (int64, error) {
	s, err := c.prepare(ctx, sql)
	if err != nil {
		return 0, err
	}
	result, err := s.raw.(driver.StmtExecContext).ExecContext(ctx, c.bind(args))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query gives each row of sql to f, until f returns false. The row is reused,
// what it refers to is not.
func (c *conn) query(ctx context.Context, sql string, args []driver.Value, f func(row []driver.Value) bool) (err error) {
	s, err := c.prepare(ctx, sql)
	if err != nil {
		return err
	}
	rows, err := s.raw.(driver.StmtQueryContext).QueryContext(ctx, c.bind(args))
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	if s.row == nil {
		s.row = make([]driver.Value, len(rows.Columns()))
	}
	for {
		switch err := rows.Next(s.row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !f(s.row):
			return nil
		}
	}
}

// ints gives the first row of sql, all of integers, or nil when there is none.
func (c *conn) ints(ctx context.Context, sql string, args ...driver.Value) (ints []int64, err error) {
	err = c.query(ctx, sql, args, func(row []driver.Value) bool {
		for _, v := range row {
			ints = append(ints, integer(v))
		}
		return false
	})
	return ints, err
}

// stateRow gives columns of the one row of that table.
func (c *conn) stateRow(ctx context.Context, columns string) ([]int64, error) {
	row, err := c.ints(ctx, "SELECT "+columns+" FROM state")
	if err == nil && len(row) == 0 {
		err = errNoState
	}
	return row, err
}

func integer(v driver.Value) int64 { n, _ := v.(int64); return n }
func text(v driver.Value) string   { s, _ := v.(string); return s }
func blob(v driver.Value) []byte   { b, _ := v.([]byte); return b }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// pragma spells one pragma for a DSN.
func pragma(name string, value any) string { return fmt.Sprintf("%s(%v)", name, value) }
