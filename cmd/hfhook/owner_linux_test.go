package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was open to others is closed, before anything is kept in it.
func TestTheStateFolderIsClosedToOthers(t *testing.T) {
	home := t.TempDir()
	p := startHFHook(t, home, "inspect")
	_, err := p.end(nil)
	require.NoError(t, err)
	p = startHFHook(t, home, "secret")
	_, err = p.end(nil)
	require.NoError(t, err)
	folder := filepath.Join(home, "state", "hfhook")
	require.NoError(t, os.Chmod(folder, 0o777))
	require.NoError(t, os.Chmod(filepath.Join(folder, "deliveries.db"), 0o644))
	require.NoError(t, os.Chmod(filepath.Join(folder, "secret"), 0o644))

	p = startHFHook(t, home, "dev", "--json", "--tunnel", "none", "--listen", "127.0.0.1:0")
	p.ready(t)
	assertClosed(t, folder)
	endsWell(t, p, os.Interrupt)
	assertClosed(t, folder)
}

// assertClosed finds what others than the user can read, below a folder.
func assertClosed(t *testing.T, folder string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := os.Lstat(path)
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, "%s is %s", path, info.Mode())
		return nil
	}))
}

// Another user of the machine has made the folder, or what is in it, before.
func TestWhatAnotherUserHasPreparedIsNotTaken(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, folder string){
		"the folder": func(t *testing.T, folder string) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "secret"), []byte("known-to-others\n"), 0o644))
			belongsToAnother(t, folder)
		},
		"the secret": func(t *testing.T, folder string) {
			file := filepath.Join(folder, "secret")
			require.NoError(t, os.WriteFile(file, []byte("known-to-others\n"), 0o644))
			belongsToAnother(t, file)
		},
		"a pipe for a secret": func(t *testing.T, folder string) {
			require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "secret"), 0o600))
		},
		"a link for a secret": func(t *testing.T, folder string) {
			require.NoError(t, os.Symlink("/dev/zero", filepath.Join(folder, "secret")))
		},
		"the store": func(t *testing.T, folder string) {
			file := filepath.Join(folder, "deliveries.db")
			require.NoError(t, os.WriteFile(file, nil, 0o666))
			belongsToAnother(t, file)
		},
		"the log": func(t *testing.T, folder string) {
			file := filepath.Join(folder, "deliveries.db-wal")
			require.NoError(t, os.WriteFile(file, nil, 0o666))
			belongsToAnother(t, file)
		},
		"a pipe for the lock": func(t *testing.T, folder string) {
			require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "deliveries.db.lock"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			folder := filepath.Join(home, "state", "hfhook")
			require.NoError(t, os.MkdirAll(folder, 0o777))
			prepare(t, folder)
			if os.Geteuid() != 0 && !strings.Contains(name, " for ") {
				return // it was only possible to close what is one's own
			}
			p := startHFHook(t, home, "dev", "--tunnel", "none", "--listen", "127.0.0.1:0", "--timeout", "30s")
			code, err := p.end(nil)
			require.NoError(t, err)
			assert.Equal(t, exitFailed, code)
			assert.Regexp(t, `(?m)^hfhook: .*(belongs to another user|may be somebody else's|no regular file|not a regular file)`, p.err.String())
			assert.Contains(t, p.err.String(), "\nhint: ")
			assert.NotContains(t, p.err.String(), "known-to-others")
		})
	}
}

// belongsToAnother gives a file away. Who is not root cannot, and looks that it
// would be noticed.
func belongsToAnother(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(path, 65534, 65534))
		require.Error(t, makeOwn(path, os.Lstat))
		return
	}
	require.NoError(t, makeOwn(path, os.Lstat))
	assertClosed(t, path)
}

// A user of this machine who is not the one that runs hfhook tries to read.
func TestAnotherUserReadsNothing(t *testing.T) {
	home := t.TempDir()
	// Others may go everywhere but where hfhook forbids it, and the mask is none.
	for d := home; len(d) > len(os.TempDir()); d = filepath.Dir(d) {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	require.NoError(t, os.Mkdir(filepath.Join(home, "state"), 0o755))
	p, err := launch(t.Cleanup, append(os.Environ(), homeEnv(home)...), home, "sh", "-c",
		`umask 0; exec hfhook dev --json --tunnel none --listen 127.0.0.1:0 --exec 'sh -c "cat; sleep 60"'`)
	require.NoError(t, err)
	ready := p.ready(t)
	secret, err := os.ReadFile(filepath.Join(home, "state", "hfhook", "secret"))
	require.NoError(t, err)
	body := samples(t)["repo.content.update.model.commit.composed.json"]
	require.Equal(t, 200, knock(t, ready.Local, strings.TrimSpace(string(secret)), body))
	_, err = p.await(&p.out, `"type":"output"`, 1)
	require.NoError(t, err, "the payload is in a file now")
	assertClosed(t, filepath.Join(home, "state", "hfhook"))
	if os.Geteuid() == 0 {
		out, err := asNobody(t, `ls "$0"; cat "$0"/* "$2"/hfhook-exec-*/*; echo planted > "$0"/secret; cat /proc/"$1"/environ; kill "$1"`,
			filepath.Join(home, "state", "hfhook"), strconv.Itoa(p.cmd.Process.Pid), os.TempDir())
		assert.Error(t, err)
		assert.NotContains(t, out, "planted\n")
		assert.NotContains(t, out, strings.TrimSpace(string(secret)))
		assert.NotContains(t, out, "updatedRefs")
	}
	require.Equal(t, 401, knock(t, ready.Local, "", body))
	endsWell(t, p, os.Interrupt)
}

// knock posts a delivery and gives the status of the answer.
func knock(t *testing.T, url, secret string, body []byte) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	if secret != "" {
		r.Header.Set("X-Webhook-Secret", secret)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	answer.Body.Close()
	return answer.StatusCode
}

func asNobody(t *testing.T, script string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", script}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	return string(out), err
}
