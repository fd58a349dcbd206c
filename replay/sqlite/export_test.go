package sqlite

import (
	"context"
	"database/sql/driver"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Raw is a connection without anything of ours.
type Raw struct{ *conn }

func RawConn(path string) (Raw, error) {
	c, err := connect(context.Background(), dsn(path, pragma("busy_timeout", 5000)))
	return Raw{c}, err
}

func (r Raw) Script(sql string) error { return r.script(background, sql) }
func (r Raw) Close() error            { return r.close() }

// Text gives the first value of the first row.
func (r Raw) Text(sql string) (s string, err error) {
	err = r.query(background, sql, nil, func(row []driver.Value) bool { s = text(row[0]); return false })
	return s, err
}

// WriterScript runs SQL on the writer's connection.
func (s *Store) WriterScript(t *testing.T, sql string) {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	require.NoError(t, s.writer.conn.script(background, sql))
}

// CheckpointEvery makes stores that are opened from now on look so often whether
// there is something to move out of the log, until the test ends.
func CheckpointEvery(t *testing.T, d time.Duration) {
	before := checkpointEvery
	checkpointEvery = d
	t.Cleanup(func() { checkpointEvery = before })
}

// NearlyFull makes the disk so for stores that are opened from now on, and has
// them look all the time, until the test ends.
func NearlyFull(t *testing.T) {
	before := freeSpace
	freeSpace = func(string) (uint64, bool) { return 2 << 20, true }
	t.Cleanup(func() { freeSpace = before })
	CheckpointEvery(t, time.Millisecond)
}

// SyncedFolders gives the folders in which names were to be made durable since,
// in order. The first times fail with errs.
func SyncedFolders(t *testing.T, errs ...error) func() []string {
	var folders []string
	syncDir = func(dir string) error {
		folders = append(folders, dir)
		if n := len(folders); n <= len(errs) {
			return errs[n-1]
		}
		return syncFolder(dir)
	}
	t.Cleanup(func() { syncDir = syncFolder })
	return func() []string { return folders }
}

// Checkpoint moves the log now. It must not be called while the store would by
// itself.
func (s *Store) Checkpoint() { s.writer.checkpoint() }

// HoldWriter keeps the writer busy until release is called.
func (s *Store) HoldWriter() (release func()) {
	o := holdOp{entered: make(chan struct{}), released: make(chan struct{})}
	done := make(chan error)
	go func() { done <- s.do(background, o) }()
	<-o.entered
	return func() {
		close(o.released)
		<-done
	}
}

type holdOp struct{ entered, released chan struct{} }

func (holdOp) weight() int { return 0 }

func (o holdOp) apply(*tx) error {
	close(o.entered)
	<-o.released
	return nil
}

// Waiting is how many writes wait for the writer.
func (s *Store) Waiting() int { return len(s.jobs) }

func TestMigrate(t *testing.T) {
	path := t.TempDir() + "/store.db"
	c, err := RawConn(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	files := fstest.MapFS{"1.sql": {Data: []byte("CREATE TABLE one (x); INSERT INTO one VALUES ('kept')")}}
	require.NoError(t, migrate(t.Context(), c.conn, files))

	files["2.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE two (x); INSERT INTO nowhere VALUES (1)")}
	require.Error(t, migrate(t.Context(), c.conn, files))
	version, err := inspect(t.Context(), c.conn, files)
	require.NoError(t, err)
	assert.Equal(t, 1, version, "half a migration")
	tables, err := c.Text("SELECT group_concat(name) FROM sqlite_schema")
	require.NoError(t, err)
	assert.Equal(t, "one", tables, "half a migration")

	files["2.sql"] = &fstest.MapFile{Data: []byte("ALTER TABLE one ADD COLUMN y DEFAULT 'new'")}
	files["3.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE three AS SELECT x || y AS z FROM one")}
	for range 2 { // the second time there is nothing to do
		require.NoError(t, migrate(t.Context(), c.conn, files))
	}
	z, err := c.Text("SELECT z FROM three")
	require.NoError(t, err)
	assert.Equal(t, "keptnew", z)

	delete(files, "3.sql")
	err = migrate(t.Context(), c.conn, files)
	require.ErrorIs(t, err, ErrNewerSchema)
	assert.EqualError(t, err, "store was written by a newer version: schema 3, this one knows up to 2")
}

// KnownSchema is the newest schema.
func KnownSchema(t *testing.T) int {
	n, err := latest(migrations())
	require.NoError(t, err)
	return n
}

// FirstSchema makes a store of the first version, with delivery 1, which is
// answered.
func FirstSchema(t *testing.T, path string) {
	c, err := RawConn(path)
	require.NoError(t, err)
	first, err := fs.ReadFile(migrations(), "1.sql")
	require.NoError(t, err)
	require.NoError(t, migrate(t.Context(), c.conn, fstest.MapFS{"1.sql": {Data: first}}))
	require.NoError(t, c.Script(`
		INSERT INTO targets VALUES (1, 'http://localhost');
		INSERT INTO arrivals VALUES (1, 1, NULL, 0, 200, '', '');
		INSERT INTO deliveries VALUES (1, 1, 0, 0, 1, 'accepted', '', '', '', '', '', '', 'POST', '/', '', '', '', '', NULL, x'7b');
		INSERT INTO attempts VALUES (2, 1, 1, 1, 0, 0, 204, 0, 'live', '', '', NULL, NULL);
		UPDATE state SET delivery = 1, event = 2, kept = 1`))
	require.NoError(t, c.Close())
}

// A store of the first version keeps what is in it.
func TestMigrateTheFirstSchema(t *testing.T) {
	path := t.TempDir() + "/store.db"
	FirstSchema(t, path)
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	d, err := s.Get(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, d.Attempts, 1)
	assert.True(t, d.Attempts[0].OK())
	assert.Nil(t, d.Attempts[0].Exit)
	assert.Nil(t, d.Attempts[0].Sent)
}
