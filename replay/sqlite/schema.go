package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
)

// applicationID marks a database as ours: "hfhk".
const applicationID = 0x6866686b

//go:embed schema/*.sql
var embedded embed.FS

// migrations brings a store from version n-1 to n with the file n.sql.
func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "schema")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return sub
}

// latest is the version that files lead to.
func latest(files fs.FS) (int, error) {
	names, err := fs.Glob(files, "*.sql")
	return len(names), err
}

// inspect tells the version of the database, 0 for an empty one, without
// changing it, and whether it is one that files can bring up to date.
func inspect(ctx context.Context, c *conn, files fs.FS) (version int, err error) {
	// Triggers, views and virtual tables have no pages.
	found, err := c.ints(ctx, `SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema),
			(SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index') OR coalesce(rootpage, 0) <= 0)
		FROM pragma_application_id a, pragma_user_version v`)
	if err != nil {
		return 0, err
	}
	id, version, tables := found[0], int(found[1]), found[2]
	known, err := latest(files)
	switch {
	case err != nil:
		return 0, err
	case id == 0 && version == 0 && tables == 0:
		return 0, nil
	case id != applicationID:
		return 0, fmt.Errorf("%w: a database of another program", ErrNotDatabase)
	case found[3] > 0:
		return 0, fmt.Errorf("%w: somebody has added to its schema", ErrNotDatabase)
	case version > known:
		return 0, &SchemaError{Found: version, Known: known}
	}
	return version, nil
}

// migrate brings the database up to date, in one transaction.
func migrate(ctx context.Context, c *conn, files fs.FS) (err error) {
	known, err := latest(files)
	if err != nil {
		return err
	}
	if version, err := inspect(ctx, c, files); err != nil || version == known {
		return err
	}
	if err := c.script(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// The error that led here is the one to tell.
			_ = c.script(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	// Another process may have been faster.
	version, err := inspect(ctx, c, files)
	if err != nil {
		return err
	}
	for n := version + 1; n <= known; n++ {
		script, err := fs.ReadFile(files, fmt.Sprintf("%d.sql", n))
		if err != nil {
			return err
		}
		if err := c.script(ctx, string(script)); err != nil {
			return fmt.Errorf("schema %d: %w", n, err)
		}
	}
	err = c.script(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, known))
	if err != nil {
		return err
	}
	return c.script(ctx, "COMMIT")
}
