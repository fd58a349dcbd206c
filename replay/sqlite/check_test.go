package sqlite_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay/sqlite"
)

// filled makes a store with n deliveries, and closes it.
func filled(t *testing.T, n int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	for i := range n {
		_, err := s.Append(t.Context(), incoming(i))
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	return path
}

func names(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCheckChangesNothing(t *testing.T) {
	path := filled(t, 3)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	h, err := sqlite.Check(t.Context(), path)
	require.NoError(t, err)
	assert.Equal(t, sqlite.Health{Deliveries: 3}, h)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Equal(t, []string{"store.db"}, names(t, filepath.Dir(path)))

	elsewhere := filepath.Join(t.TempDir(), "a")
	_, err = sqlite.Check(t.Context(), filepath.Join(elsewhere, "store.db"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.NoDirExists(t, elsewhere)

	empty := filepath.Join(t.TempDir(), "store.db")
	write(t, empty, nil)
	h, err = sqlite.Check(t.Context(), empty)
	require.NoError(t, err, "Open takes it for a new store")
	assert.Zero(t, h)
	assert.Equal(t, []string{"store.db"}, names(t, filepath.Dir(empty)))
}

func TestCheckOfAStoreInUse(t *testing.T) {
	path := filled(t, 1)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.NoError(t, err)
	h, err := sqlite.Check(t.Context(), path)
	require.NoError(t, err)
	require.NotNil(t, h.User)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.Getpid(), h.User.PID)
	}
	_, err = s.Append(t.Context(), incoming(7))
	require.NoError(t, err, "nobody is in its way")
	require.NoError(t, s.Close())

	h, err = sqlite.Check(t.Context(), path)
	require.NoError(t, err)
	assert.Nil(t, h.User, "the lock of a process that ended")
	assert.EqualValues(t, 2, h.Deliveries)
	s, err = sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.NoError(t, err, "Check keeps no lock")
	require.NoError(t, s.Close())
}

func TestUserOfAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	user, err := sqlite.User(path)
	require.NoError(t, err)
	assert.Nil(t, user, "there is no store")
	assert.NoFileExists(t, path+".lock")
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.NoError(t, err)
	user, err = sqlite.User(path)
	require.NoError(t, err)
	assert.NotNil(t, user)
	require.NoError(t, store.Close())
	user, err = sqlite.User(path)
	require.NoError(t, err)
	assert.Nil(t, user)
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		want  error
	}{
		"no database": {func(t *testing.T, path string) { write(t, path, make([]byte, 9999)) }, sqlite.ErrNotDatabase},
		"a foreign one": {func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			raw(t, path, "CREATE TABLE theirs (x)")()
		}, sqlite.ErrNotDatabase},
		"a newer one": {func(t *testing.T, path string) { raw(t, path, "PRAGMA user_version = 4711")() }, sqlite.ErrNewerSchema},
		"a folder": {func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		}, sqlite.ErrNotRegular},
		"damaged": {func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			require.NoError(t, err)
			info, err := f.Stat()
			require.NoError(t, err)
			_, err = f.WriteAt(make([]byte, info.Size()-8192), 8192) // all but the first page
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}, sqlite.ErrDamaged},
		"locked": {func(t *testing.T, path string) {
			t.Cleanup(raw(t, path, "PRAGMA locking_mode = exclusive", "BEGIN EXCLUSIVE"))
		}, sqlite.ErrLocked},
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t, 200)
			c.spoil(t, path)
			_, err := sqlite.Check(t.Context(), path)
			require.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, path)
		})
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	path := filled(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sqlite.Check(ctx, path)
	require.ErrorIs(t, err, context.Canceled)
}
