package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// Whatever flag a command has or gets, a folder cannot set it unless it is on
// the list.
func TestAFolderSetsNothingThatIsNotOnTheList(t *testing.T) {
	var look func(commands []*cli.Command)
	look = func(commands []*cli.Command) {
		for _, cmd := range commands {
			look(cmd.Subcommands)
			for _, flag := range cmd.Flags {
				name := flag.Names()[0]
				if _, ok := fromFolders[name]; !ok {
					assert.NotEmpty(t, refusedInFolders(name, "true"), name)
				}
				assert.False(t, takesFile(flag) && refusedInFolders(name, "x") == "", "%s names a file", name)
			}
		}
	}
	look(newApp(io.Discard, io.Discard).Commands)
	for name := range whyNotFromFolders {
		assert.NotContains(t, fromFolders, name)
	}
}

func TestWhatAFolderMaySay(t *testing.T) {
	for _, c := range []struct {
		name, word string
		taken      bool
	}{
		{"forward", "http://localhost:3000", true},
		{"forward", "http://127.0.0.2:3000/x if repo=a", true},
		{"forward", "bot=http://[::1]:3000", true},
		{"forward", "http://[::ffff:127.0.0.1]:3000", true},
		{"forward", "unix:///run/bot.sock", true},
		{"forward", "http://localhost.example.com", false},
		{"forward", "http://localhost@example.com", false},
		{"forward", "http://LOCALHOST@example.com:80", false},
		{"forward", "http://localhost:3000 http://example.com", false},
		{"forward", "http://localhost:3000 if repo=a; a=https://example.com", false},
		{"forward", "http://169.254.169.254/", false},
		{"forward", "//example.com", false},
		{"forward", "unix://example.com/x", true}, // refused as a target
		{"listen", "7861", true},
		{"listen", ":7861", true},
		{"listen", "localhost:7861", true},
		{"listen", "[::1]:7861", true},
		{"listen", "0.0.0.0:7861", false},
		{"listen", "[::]:7861", false},
		{"listen", "192.168.1.1:0", false},
		{"tunnel", "ngrok", true},
		{"tunnel", "ssh:localhost.run", true},
		{"tunnel", "ssh:example.com", false},
		{"tunnel", "ssh://me@example.com", false},
		{"tunnel", "command", false},
		{"path", "/x", true},
	} {
		assert.Equal(t, c.taken, refusedInFolders(c.name, c.word) == "", "%s: %s", c.name, c.word)
	}
}

func TestSettingsThatAreNoFile(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, settingsName)
	require.NoError(t, os.Mkdir(file, 0o700))
	_, err := readSettings(file)
	assert.ErrorContains(t, err, "is no file of at most")
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.WriteFile(file, make([]byte, maxSettings+1), 0o600))
	_, err = readSettings(file)
	assert.ErrorContains(t, err, "is no file of at most")
}
