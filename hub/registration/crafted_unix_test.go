//go:build unix

package registration_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub/registration"
)

// What a stranger could put in the place of an entry, or of the files around
// it, is told, and nothing is asked of anybody for it.
func TestCraftedJournal(t *testing.T) {
	var asked atomic.Int32
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer evil.Close()
	edit := func(old, now string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b, err := os.ReadFile(path + ".json")
			require.NoError(t, err)
			line, _, _ := strings.Cut(string(b), "\n")
			require.Contains(t, line, old)
			require.NoError(t, os.WriteFile(path+".json", registration.Sealed([]byte(strings.Replace(line, old, now, 1))), 0o600))
		}
	}
	instead := func(ext string, put func(path string) error) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			path += ext
			if ext == "folder.lock" {
				path = filepath.Join(filepath.Dir(path), ext)
			}
			require.NoError(t, os.RemoveAll(path))
			require.NoError(t, put(path))
		}
	}
	fifo := func(path string) error { return syscall.Mkfifo(path, 0o600) }
	folder := func(path string) error { return os.Mkdir(path, 0o700) }
	link := func(path string) error { return os.Symlink(filepath.Join(t.TempDir(), "elsewhere"), path) }
	content := func(b []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, b, 0o600) }
	}
	for name, craft := range map[string]func(*testing.T, string){
		"another Hub":                      edit(`"endpoint":"http`, `"endpoint":"`+evil.URL+`/?`),
		"a Hub that steers a terminal":     edit(`"endpoint":"http`, `"endpoint":"\u001b]0;x\u0007\u202ehttp`),
		"a user that steers a terminal":    edit(`"user":"`, `"user":"\u001b[2J\u009b\nhint: rm`),
		"an id that is a path":             edit(`"webhook":"`, `"webhook":"../../repos/`),
		"an id with a query":               edit(`"webhook":"`, `"webhook":"x?`),
		"a URL with a password":            edit(`"urls":["https://`, `"urls":["https://me:word@`),
		"more URLs than there can be":      edit(`"urls":[`, `"urls":[`+strings.Repeat(`"https://a.b/",`, 100_000)),
		"JSON that is too deep":            instead(".json", content(registration.Sealed([]byte(`{"version":1,"urls":`+strings.Repeat("[", 1<<20))))),
		"a file that is too large":         instead(".json", content(make([]byte, 17<<20))),
		"a secret that is too large":       instead(".secret", content(make([]byte, 17<<20))),
		"a folder for an entry":            instead(".json", folder),
		"a folder for a secret":            instead(".secret", folder),
		"a folder for a lock":              instead(".lock", folder),
		"a link for a lock":                instead(".lock", link),
		"a folder for the folder's lock":   instead("folder.lock", folder),
		"a link for the folder's lock":     instead("folder.lock", link),
		"a file of somebody else":          func(t *testing.T, path string) { somebodyElses(t, path+".json") },
		"a secret of somebody else":        func(t *testing.T, path string) { somebodyElses(t, path+".secret") },
		"a folder of somebody else":        func(t *testing.T, path string) { somebodyElses(t, filepath.Dir(path)) },
		"a pipe for a secret":              instead(".secret", fifo),
		"an entry whose secret is missing": func(t *testing.T, path string) { require.NoError(t, os.Remove(path+".secret")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			id := s.Register(production, "", acme).ID
			s.borrow(id, registration.Loan{}).Die()
			now := s.shown(id)
			paths, err := filepath.Glob(filepath.Join(s.folder, "*.json"))
			require.NoError(t, err)
			require.Len(t, paths, 1)
			craft(t, strings.TrimSuffix(paths[0], ".json"))
			writes := s.writes()
			for _, o := range s.registry(s.Client()).Repair(limited(t)) {
				assert.Equal(t, registration.Skipped, o.Kind, o.Text)
				assert.NotEmpty(t, o.Hint)
				assert.NotRegexp(t, `[\x00-\x1f\x7f-\x9f\x{202e}]`, o.Text+o.Hint)
			}
			assert.Equal(t, writes, s.writes(), "something was changed at the Hub")
			assert.Equal(t, now, s.shown(id))
			assert.Zero(t, asked.Load(), "the token may have gone elsewhere")
			_, err = os.Lstat(paths[0])
			assert.NoError(t, err, "it is left as it is")
		})
	}
}

// Pipes in the place of locks make nobody wait.
func TestPipesForLocks(t *testing.T) {
	for _, name := range []string{"folder.lock", "AAAAAAAAAAAAAAAAAAAAAAAAAA.lock"} {
		s := newStage(t)
		require.NoError(t, os.MkdirAll(s.folder, 0o700))
		require.NoError(t, syscall.Mkfifo(filepath.Join(s.folder, name), 0o600))
		s.Repair(limited(t))
		if reg, err := s.Create(limited(t), newSettings()); err == nil {
			assert.NoError(t, reg.Release(limited(t), false).Err)
		}
		assert.Empty(t, s.Webhooks())
	}
}

// somebodyElses gives a path to another user, or where only root can, lets
// others write it.
func somebodyElses(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(path, 65534, 65534))
		return
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, info.Mode()|0o022))
}

// A folder that is fuller than anybody makes it is not taken for one that was
// read to its end: another session could have the webhook.
func TestTooManyFiles(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	require.NoError(t, os.MkdirAll(s.folder, 0o700))
	for n := range 10_001 {
		require.NoError(t, os.WriteFile(filepath.Join(s.folder, fmt.Sprintf("note%d", n)), nil, 0o600))
	}
	s.refusesToStart(id)
	o := s.repaired()
	assert.Equal(t, registration.Skipped, o.Kind)
	assert.Contains(t, o.Text, "there are more than 10000 files in it")
}
