package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// Newest gives the newest n deliveries of the store at path, the newest first,
// with what a line about each needs: id, verdict, scope, action, repo, method,
// path, summary and body size. Everything else of them is left out.
//
// It is for a look in passing, such as completing a word: it makes and changes
// nothing, waits for nobody, and takes no notice of a store that is not as this
// version makes them. Where there is no file, it fails with fs.ErrNotExist.
func Newest(ctx context.Context, path string, n int) (found []*replay.Delivery, err error) {
	defer func() {
		if ctx.Err() != nil {
			err = ctx.Err() // SQLite says that it was interrupted
		}
		if err != nil {
			found, err = nil, fmt.Errorf("look into store %s: %w", path, classify(err))
		}
	}()
	file, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(file); err != nil {
		return nil, access(err)
	}
	if err := lookAt(file); err != nil {
		return nil, err
	}
	mode, err := glance(file)
	if err != nil {
		return nil, err
	}
	c, err := connect(ctx, dsn(file, pragma("busy_timeout", 0))+mode)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	version, err := inspect(ctx, c, migrations())
	if err != nil || version == 0 {
		return nil, err
	}
	err = c.query(ctx, `SELECT id, verdict, scope, action, repo_type, repo, method, path, summary, body_size
		FROM deliveries ORDER BY id DESC LIMIT ?`, []driver.Value{int64(n)}, func(row []driver.Value) bool {
		found = append(found, &replay.Delivery{
			ID:       integer(row[0]),
			Verdict:  replay.Verdict(text(row[1])),
			Scope:    payload.Scope(text(row[2])),
			Action:   payload.Action(text(row[3])),
			RepoType: payload.RepoType(text(row[4])),
			Repo:     text(row[5]),
			Method:   text(row[6]),
			Path:     text(row[7]),
			Summary:  text(row[8]),
			BodySize: integer(row[9]),
		})
		return true
	})
	return found, err
}

// glance says how to open the store at path without making the files beside
// it. Without a log nobody has the store open, and it can be read as a file
// that does not change; with one, others share its index with a reader.
// Source: https://sqlite.org/wal.html#read_only_databases
func glance(path string) (mode string, err error) {
	switch _, err := os.Lstat(path + "-wal"); {
	case errors.Is(err, fs.ErrNotExist):
		return "&mode=ro&immutable=1", nil
	case err != nil:
		return "", access(err)
	}
	return "&mode=ro&readonly_shm=1", nil
}
