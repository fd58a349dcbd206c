//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hfhook works below a folder that all may write, as /tmp, in which somebody else
// has put settings for it.
func TestSettingsOfAStrangerAreNotRead(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, settingsName)
	for name, plant := range map[string]func() error{
		"of all users": func() error {
			return os.Chmod(file, 0o666)
		},
		"of another user": func() error {
			if os.Geteuid() != 0 {
				return os.Chmod(file, 0o602) // nobody else can give one a file
			}
			return os.Chown(file, 65534, 65534)
		},
		"a link to one": func() error {
			target := filepath.Join(home, "linked")
			if err := os.Rename(file, target); err != nil {
				return err
			}
			return os.Symlink(target, file)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_ = os.Remove(file)
			require.NoError(t, os.WriteFile(file, []byte("listen: none of mine\n"), 0o600))
			if name == "a link to one" {
				require.NoError(t, os.Chmod(file, 0o666))
			}
			require.NoError(t, plant())
			p := startHFHook(t, home, "dev", "--tunnel", "none", "--json", "--listen", "127.0.0.1:0", "--exit-after", "1", "--timeout", "1ms")
			_, err := p.end(nil)
			require.NoError(t, err)
			assert.Contains(t, p.err.String(), "hfhook: "+file+" is not read: it belongs to another user, or all users may write it\n")
			assert.NotContains(t, p.err.String(), "none of mine")
		})
	}
	t.Run("a pipe", func(t *testing.T) {
		_ = os.Remove(file)
		require.NoError(t, syscall.Mkfifo(file, 0o600))
		p := startHFHook(t, home, "inspect")
		code, err := p.end(nil)
		require.NoError(t, err)
		assert.Equal(t, exitUsage, code)
		assert.Contains(t, p.err.String(), "is no file of at most")
	})
}
