//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay/sqlite"
)

// What others have put in the place of a store, or of a file beside it, is not
// waited for, not written and not locked.
func TestWhatIsInThePlaceOfAStore(t *testing.T) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock"} {
		for name, c := range map[string]struct {
			put  func(theirs, path string) error
			want error
		}{
			"a pipe":      {func(_, path string) error { return syscall.Mkfifo(path, 0o600) }, sqlite.ErrNotRegular},
			"a folder":    {func(_, path string) error { return os.Mkdir(path, 0o700) }, sqlite.ErrNotRegular},
			"a link":      {os.Symlink, sqlite.ErrNotRegular},
			"a hard link": {os.Link, sqlite.ErrSecondName},
			"a device":    {func(_, path string) error { return os.Symlink("/dev/zero", path) }, sqlite.ErrNotRegular},
		} {
			t.Run(name+" at "+suffix, func(t *testing.T) {
				dir := t.TempDir()
				path, theirs := filepath.Join(dir, "store.db"), filepath.Join(dir, "theirs")
				if suffix != "" {
					added(t, path)
					for _, other := range []string{"-wal", "-shm", "-journal", ".lock"} {
						_ = os.Remove(path + other)
					}
				}
				write(t, theirs, []byte("theirs"))
				require.NoError(t, c.put(theirs, path+suffix))

				_, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
				assert.ErrorIs(t, err, c.want)
				_, err = sqlite.Check(t.Context(), path)
				assert.ErrorIs(t, err, c.want)
				_, err = sqlite.Newest(t.Context(), path, 1)
				assert.ErrorIs(t, err, c.want)
				if suffix == ".lock" {
					_, err = sqlite.User(path)
					assert.ErrorIs(t, err, c.want)
				}
				text, err := os.ReadFile(theirs)
				require.NoError(t, err)
				assert.Equal(t, "theirs", string(text))
			})
		}
	}
	// A link that leads nowhere is not followed to make a file there.
	dir := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "store.db.lock")))
	_, err := sqlite.User(filepath.Join(dir, "store.db"))
	assert.ErrorIs(t, err, sqlite.ErrNotRegular)
	assert.NoFileExists(t, filepath.Join(dir, "nowhere"))
}
