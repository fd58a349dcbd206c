//go:build unix

package registration_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub/registration"
)

func TestModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	s := newStage(t)
	reg := s.borrow(s.Register(production, "", acme).ID, registration.Loan{})
	for _, folder := range []string{s.folder, filepath.Dir(s.folder)} {
		info, err := os.Stat(folder)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
	require.Len(t, s.files(), 3)
	for _, name := range append(s.files(), "folder.lock") {
		info, err := os.Stat(filepath.Join(s.folder, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
}

// A folder that others can use is not used, and a link is not followed.
func TestForeignFolder(t *testing.T) {
	for name, make := range map[string]func(t *testing.T, path string){
		"open": func(t *testing.T, path string) {
			require.NoError(t, os.Mkdir(path, 0o700))
			require.NoError(t, os.Chmod(path, 0o755))
		},
		"a link": func(t *testing.T, path string) { require.NoError(t, os.Symlink(t.TempDir(), path)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			id := s.Register(production, "", acme).ID
			require.NoError(t, os.MkdirAll(filepath.Dir(s.folder), 0o700))
			make(t, s.folder)
			s.refusesToStart(id)
			assert.Equal(t, registration.Skipped, s.repaired().Kind)
		})
	}
}

// Files that others can have written are not believed.
func TestForeignFiles(t *testing.T) {
	for _, ext := range []string{".json", ".secret"} {
		for name, change := range map[string]func(t *testing.T, path string){
			"open": func(t *testing.T, path string) { require.NoError(t, os.Chmod(path, 0o644)) },
			"a link": func(t *testing.T, path string) {
				elsewhere := filepath.Join(t.TempDir(), "x")
				require.NoError(t, os.Rename(path, elsewhere))
				require.NoError(t, os.Symlink(elsewhere, path))
			},
			"a pipe": func(t *testing.T, path string) {
				require.NoError(t, os.Remove(path))
				require.NoError(t, syscall.Mkfifo(path, 0o600))
			},
		} {
			t.Run(name+ext, func(t *testing.T) {
				s := newStage(t)
				s.borrow(s.Register(production, "", acme).ID, registration.Loan{}).Die()
				paths, err := filepath.Glob(filepath.Join(s.folder, "*"+ext))
				require.NoError(t, err)
				require.Len(t, paths, 1)
				change(t, paths[0])
				calls := len(s.Requests())
				o := s.repaired()
				assert.Equal(t, registration.Skipped, o.Kind)
				require.Error(t, o.Err)
				assert.NotEmpty(t, o.Hint)
				assert.Len(t, s.Requests(), calls)
			})
		}
	}
}

// A link where a file is about to be written is replaced, not followed.
func TestLinksAreNotWrittenThrough(t *testing.T) {
	s := newStage(t)
	reg := s.create()
	paths, err := filepath.Glob(filepath.Join(s.folder, "*.json"))
	require.NoError(t, err)
	require.Len(t, paths, 1)
	elsewhere := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(elsewhere, []byte("mine"), 0o600))
	require.NoError(t, os.Symlink(elsewhere, paths[0][:len(paths[0])-len(".json")]+".new"))
	require.NoError(t, reg.Point(limited(t), tunnelB))
	b, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(b))
	assert.Equal(t, registration.Deleted, reg.Release(limited(t), false).Kind)
}

// owned is a file of some user.
type owned struct {
	fs.FileInfo
	uid int
}

func (o owned) Mode() fs.FileMode { return 0o600 }
func (o owned) Sys() any          { return &syscall.Stat_t{Uid: uint32(o.uid)} }

func TestOwners(t *testing.T) {
	require.NoError(t, registration.Foreign(owned{uid: os.Geteuid()}))
	require.Error(t, registration.Foreign(owned{uid: os.Geteuid() + 1}))
}
