package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// raw runs SQL on the file with another connection, as another program would.
// It returns a function that ends that program.
func raw(t *testing.T, path string, sql ...string) (end func()) {
	t.Helper()
	c, err := sqlite.RawConn(path)
	require.NoError(t, err)
	for _, s := range sql {
		require.NoError(t, c.Script(s), s)
	}
	return func() { require.NoError(t, c.Close()) }
}

// added is a store that somebody has added to.
func added(t *testing.T, path string, sql ...string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	raw(t, path, sql...)()
}

// A stranger's schema can call what is harmless, and none of our functions.
func TestTheSchemaIsNotTrusted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	added(t, path, "PRAGMA trusted_schema = 1", "ALTER TABLE targets ADD COLUMN x integer AS (hfhook_refs(name))")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err == nil {
		defer s.Close()
		_, err = s.Append(t.Context(), replay.Incoming{Delivery: replay.Delivery{Method: "POST", Path: "/", Verdict: replay.Accepted}, Targets: []string{"x"}})
	}
	assert.ErrorContains(t, err, "unsafe use of hfhook_refs")
}

func TestOpenRefuses(t *testing.T) {
	foreign := func(t *testing.T, path string) {
		raw(t, path, "CREATE TABLE theirs (x)", "INSERT INTO theirs VALUES (1)")()
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"text":                 {func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("no database\n"), 500)) }, sqlite.ErrNotDatabase},
		"almost a page":        {func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("x"), 513)) }, sqlite.ErrNotDatabase},
		"a short text":         {func(t *testing.T, path string) { write(t, path, []byte("x")) }, sqlite.ErrNotDatabase},
		"a foreign database":   {foreign, sqlite.ErrNotDatabase},
		"a foreign, versioned": {func(t *testing.T, path string) { foreign(t, path); raw(t, path, "PRAGMA user_version = 1")() }, sqlite.ErrNotDatabase},
		"a foreign, marked": {func(t *testing.T, path string) {
			raw(t, path, "PRAGMA application_id = 7")()
		}, sqlite.ErrNotDatabase},
		"a newer store": {func(t *testing.T, path string) {
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			raw(t, path, "PRAGMA user_version = 4711")()
		}, sqlite.ErrNewerSchema},
		"a trigger": {func(t *testing.T, path string) {
			added(t, path, "CREATE TRIGGER t AFTER INSERT ON deliveries BEGIN DELETE FROM deliveries; END")
		}, sqlite.ErrNotDatabase},
		"a view": {func(t *testing.T, path string) {
			added(t, path, "ALTER TABLE targets RENAME TO t", "CREATE VIEW targets AS SELECT * FROM t")
		}, sqlite.ErrNotDatabase},
		"a virtual table": {func(t *testing.T, path string) { added(t, path, "CREATE VIRTUAL TABLE v USING fts5(x)") }, sqlite.ErrNotDatabase},
		"a virtual table in disguise": {func(t *testing.T, path string) {
			added(t, path, "PRAGMA writable_schema = 1",
				"INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING csv(filename=''/etc/passwd'')')")
		}, sqlite.ErrNotDatabase},
		"a folder": {func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) }, sqlite.ErrNotRegular},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, path)
			after, _ := os.ReadFile(path)
			assert.Equal(t, before, after, "the file was touched")

			if c.want == sqlite.ErrNewerSchema {
				var e *sqlite.SchemaError
				require.ErrorAs(t, err, &e)
				assert.Equal(t, 4711, e.Found)
				assert.Equal(t, sqlite.KnownSchema(t), e.Known)
			}
		})
	}
}

func TestOpenFollowsNoLink(t *testing.T) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock"} {
		dir := t.TempDir()
		path, elsewhere := filepath.Join(dir, "store.db"), filepath.Join(dir, "elsewhere")
		for _, there := range []bool{false, true} {
			if there {
				write(t, elsewhere, nil)
			} else if err := os.Symlink(elsewhere, path+suffix); err != nil {
				require.Equal(t, "windows", runtime.GOOS, "%v", err) // links need a right there
				return
			}
			_, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
			assert.ErrorIs(t, err, sqlite.ErrNotRegular, "link at %q, target there: %v", suffix, there)
			info, err := os.Stat(elsewhere)
			assert.Equal(t, there, err == nil, "the target was made")
			assert.True(t, err != nil || info.Size() == 0, "the target was written")
		}
	}
}

func TestOpenCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b %41?#&=", "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.NoError(t, err)
	_, err = s.Append(t.Context(), incoming(1))
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		for file, want := range map[string]os.FileMode{path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + ".lock": 0o600, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700} {
			info, err := os.Stat(file)
			require.NoError(t, err)
			assert.Equal(t, want, info.Mode().Perm(), file)
		}
	}
	require.NoError(t, s.Close())
	c, err := sqlite.RawConn(path)
	require.NoError(t, err)
	size, err := c.Text("SELECT CAST(page_size AS text) FROM pragma_page_size")
	require.NoError(t, err)
	assert.Equal(t, "8192", size, "something was written before the page size was set")
	require.NoError(t, c.Close())

	// An empty file is a new store.
	path = filepath.Join(t.TempDir(), "empty")
	write(t, path, nil)
	s, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sqlite.Open(ctx, path, sqlite.Options{})
	assert.ErrorIs(t, err, context.Canceled)
}

// A folder that is new is as durable as the store in it.
func TestNewFoldersAreDurable(t *testing.T) {
	folder := t.TempDir()
	synced := sqlite.SyncedFolders(t)
	path := filepath.Join(folder, "a", "b", "store.db")
	for range 2 { // the second time there is nothing to make
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		require.NoError(t, err)
		require.NoError(t, s.Close())
		assert.Equal(t, []string{filepath.Dir(folder), folder, filepath.Join(folder, "a"), filepath.Join(folder, "a", "b")}, synced())
	}
	write(t, filepath.Join(folder, "file"), nil)
	_, err := sqlite.Open(t.Context(), filepath.Join(folder, "file", "b", "store.db"), sqlite.Options{})
	require.Error(t, err, "there is no folder to make it in")
}

// A start that failed has left folders whose names are not durable yet.
func TestFoldersOfAFailedStartAreDurable(t *testing.T) {
	folder := t.TempDir()
	broken := errors.New("input/output error")
	synced := sqlite.SyncedFolders(t, nil, broken)
	path := filepath.Join(folder, "a", "b", "store.db")
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.ErrorIs(t, err, broken)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	assert.Equal(t, []string{filepath.Dir(folder), folder, folder, filepath.Join(folder, "a"), filepath.Join(folder, "a", "b")}, synced())

	// Where others forbid to read a folder, or it cannot be synced, it need not be.
	for _, err := range []error{fs.ErrPermission, errors.ErrUnsupported, syscall.EINVAL} {
		sqlite.SyncedFolders(t, err)
		require.NoError(t, sqlite.MakeFolder(filepath.Join(folder, "c")))
	}
}

func TestOneExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	first, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.NoError(t, err)

	_, err = sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.ErrorIs(t, err, sqlite.ErrInUse)
	var e *sqlite.InUseError
	require.ErrorAs(t, err, &e)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.Getpid(), e.PID)
	}

	beside, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, beside.Close())
	require.NoError(t, first.Close())
	second, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.NoError(t, err)
	require.NoError(t, second.Close())
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: 50 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })

	end := raw(t, path, "BEGIN IMMEDIATE")
	r, err := s.Append(t.Context(), incoming(1))
	require.ErrorIs(t, err, sqlite.ErrLocked)
	assert.Zero(t, r)
	for range s.List(t.Context(), replay.Filter{}) {
		assert.Fail(t, "a delivery was kept")
	}
	end()
	r, err = s.Append(t.Context(), incoming(1))
	require.NoError(t, err)
	assert.Equal(t, int64(1), r.DeliveryID)

	// A new store that somebody else is busy with.
	path = filepath.Join(t.TempDir(), "store.db")
	end = raw(t, path, "BEGIN EXCLUSIVE", "CREATE TABLE t (x)")
	_, err = sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: 50 * time.Millisecond})
	assert.ErrorIs(t, err, sqlite.ErrLocked)
	end()
}

// TestFull fills the store up to a limit, and takes the limit away again.
func TestFull(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	s.WriterScript(t, "PRAGMA max_page_count = 40")
	kept := int64(0)
	for {
		var r replay.Receipt
		if r, err = s.Append(t.Context(), incoming(kept)); err != nil {
			break
		}
		kept = r.DeliveryID
		require.Less(t, kept, int64(1000))
	}
	require.ErrorIs(t, err, sqlite.ErrFull)
	require.ErrorIs(t, err, sqlite.ErrWrite)
	s.WriterScript(t, "PRAGMA max_page_count = 1000000")
	r, err := s.Append(t.Context(), incoming(kept))
	require.NoError(t, err)
	assert.Equal(t, kept+1, r.DeliveryID, "an id was lost or given twice")
}

// TestOneBadRow has one write of a group fail for itself.
func TestOneBadRow(t *testing.T) {
	s := open(t, sqlite.Options{})
	r, err := s.Append(t.Context(), incoming(1))
	require.NoError(t, err)
	errs := make(chan error, 40)
	release := s.HoldWriter()
	for i := range cap(errs) {
		go func() {
			if i%2 == 0 {
				_, err := s.Append(t.Context(), incoming(1))
				errs <- err
			} else {
				errs <- s.Finish(t.Context(), &replay.Attempt{DeliveryID: r.DeliveryID + 1000, Target: "t", Kind: replay.Live})
			}
		}()
	}
	require.Eventually(t, func() bool { return s.Waiting() == cap(errs) }, 10*time.Second, time.Millisecond)
	release()
	failed := 0
	for range cap(errs) {
		if err := <-errs; err != nil {
			require.ErrorIs(t, err, replay.ErrNotFound)
			failed++
		}
	}
	assert.Equal(t, cap(errs)/2, failed)
	r, err = s.Append(t.Context(), incoming(1))
	require.NoError(t, err)
	assert.Equal(t, int64(cap(errs)/2+2), r.DeliveryID)
}

// TestGivingUp leaves while the write still waits: then it is not kept.
func TestGivingUp(t *testing.T) {
	s := open(t, sqlite.Options{})
	release := s.HoldWriter()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := s.Append(ctx, incoming(1))
		result <- err
	}()
	require.Eventually(t, func() bool { return s.Waiting() == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	assert.ErrorIs(t, <-result, context.Canceled)
	release()
	r, err := s.Append(t.Context(), incoming(2))
	require.NoError(t, err)
	assert.Equal(t, int64(1), r.DeliveryID)
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, content, 0o600))
}
