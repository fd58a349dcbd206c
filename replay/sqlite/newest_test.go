package sqlite_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// contents gives all files of a folder.
func contents(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range names(t, folder) {
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		all[name] = text
	}
	return all
}

func ids(found []*replay.Delivery) (ids []int64) {
	for _, d := range found {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestNewestChangesNothing(t *testing.T) {
	path := filled(t, 5)
	before := contents(t, filepath.Dir(path))
	found, err := sqlite.Newest(t.Context(), path, 3)
	require.NoError(t, err)
	assert.Equal(t, []int64{5, 4, 3}, ids(found))
	assert.Equal(t, before, contents(t, filepath.Dir(path)))

	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	whole, err := s.Get(t.Context(), 5)
	require.NoError(t, err)
	want := &replay.Delivery{
		ID: whole.ID, Verdict: whole.Verdict, Scope: whole.Scope, Action: whole.Action, RepoType: whole.RepoType,
		Repo: whole.Repo, Method: whole.Method, Path: whole.Path, Summary: whole.Summary, BodySize: whole.BodySize,
	}
	assert.Equal(t, want, found[0])
	require.NoError(t, s.Close())

	elsewhere := filepath.Join(t.TempDir(), "a")
	_, err = sqlite.Newest(t.Context(), filepath.Join(elsewhere, "store.db"), 3)
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.NoDirExists(t, elsewhere)
}

// What is new stands in the log beside the file, of a process that runs or of
// one that was killed.
func TestNewestReadsTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.NoError(t, err)
	for i := range int64(3) {
		_, err := s.Append(t.Context(), incoming(i))
		require.NoError(t, err)
	}
	found, err := sqlite.Newest(t.Context(), path, 50)
	require.NoError(t, err)
	assert.Equal(t, []int64{3, 2, 1}, ids(found))

	killed := filepath.Join(t.TempDir(), "store.db")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		text, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		write(t, killed+suffix, text)
	}
	require.NoError(t, s.Close())
	before := contents(t, filepath.Dir(killed))
	found, err = sqlite.Newest(t.Context(), killed, 50)
	require.NoError(t, err)
	assert.Equal(t, []int64{3, 2, 1}, ids(found))
	assert.Equal(t, before, contents(t, filepath.Dir(killed)))

	require.NoError(t, os.Remove(killed+"-shm"))
	before = contents(t, filepath.Dir(killed))
	_, err = sqlite.Newest(t.Context(), killed, 50)
	require.Error(t, err, "a log without its index, which only a writer makes")
	assert.Equal(t, before, contents(t, filepath.Dir(killed)))
}

func TestNewestRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "store.db")
	write(t, empty, nil)
	found, err := sqlite.Newest(t.Context(), empty, 3)
	require.NoError(t, err)
	assert.Empty(t, found)

	text := filepath.Join(t.TempDir(), "store.db")
	write(t, text, bytes.Repeat([]byte("no database\n"), 500))
	_, err = sqlite.Newest(t.Context(), text, 3)
	require.ErrorIs(t, err, sqlite.ErrNotDatabase)

	_, err = sqlite.Newest(t.Context(), t.TempDir(), 3)
	require.ErrorIs(t, err, sqlite.ErrNotRegular)

	newer := filled(t, 1)
	raw(t, newer, "PRAGMA user_version = 4711")()
	_, err = sqlite.Newest(t.Context(), newer, 3)
	require.ErrorIs(t, err, sqlite.ErrNewerSchema)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sqlite.Newest(ctx, filled(t, 1), 3)
	require.ErrorIs(t, err, context.Canceled)
}
