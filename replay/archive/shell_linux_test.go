package archive_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
)

// In every shell that is here, each is one word, and nothing is run.
func TestQuotedWordsAreWordsInEveryShell(t *testing.T) {
	folder := t.TempDir()
	for _, shell := range []string{"sh", "dash", "bash", "zsh", "fish", "ksh"} {
		program, err := exec.LookPath(shell)
		if err != nil && shell != "sh" {
			continue // the others are
		}
		require.NoError(t, err)
		t.Run(shell, func(t *testing.T) {
			for _, word := range hostile {
				quoted := archive.ShellQuote(word)
				text := "printf '<%s>' " + quoted + "\n"
				if shell == "bash" { // as a person's
					text = "set -o history -o histexpand\n" + text
				}
				cmd := exec.Command(program)
				cmd.Dir, cmd.Stdin = folder, strings.NewReader(text)
				cmd.Env = append(os.Environ(), "HOME="+folder)
				out, err := cmd.CombinedOutput()
				assert.NoError(t, err, "%s", out)
				assert.Equal(t, fmt.Sprintf("<%s>", word), string(out), quoted)
				assert.NoFileExists(t, filepath.Join(folder, "evil"), quoted)
			}
		})
	}
}

// Also in the shell of a person who pastes it, and read back it is what it was.
func TestTheSecretInAURLInEveryShell(t *testing.T) {
	const secret = "a+b&c=%41;#? '\"$(touch evil)`touch evil`\\n!x"
	address := "http://h/" + replay.Redacted + "?a=" + replay.Redacted + "&secret=" + replay.Redacted + "&b=1"
	quoted := archive.QuoteURL(address)
	folder := t.TempDir()
	for _, shell := range []string{"sh", "dash", "bash", "zsh", "fish", "ksh"} {
		program, err := exec.LookPath(shell)
		if err != nil && shell != "sh" {
			continue // the others are
		}
		require.NoError(t, err)
		t.Run(shell, func(t *testing.T) {
			cmd := exec.Command(program)
			cmd.Dir, cmd.Stdin = folder, strings.NewReader("printf '<%s>' "+quoted+"\n")
			cmd.Env = append(os.Environ(), "HOME="+folder, "WEBHOOK_SECRET="+secret)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			u, err := url.Parse(strings.Trim(string(out), "<>"))
			require.NoError(t, err)
			assert.Equal(t, "/"+replay.Redacted, u.Path)
			assert.Equal(t, url.Values{"a": {replay.Redacted}, "secret": {secret}, "b": {"1"}}, u.Query(), "%s", out)
			assert.NoFileExists(t, filepath.Join(folder, "evil"))
		})
	}
	t.Run("read back", func(t *testing.T) {
		for d, err := range archive.Read(strings.NewReader("curl -X POST " + quoted + "\n")) {
			require.NoError(t, err)
			assert.Equal(t, "/"+replay.Redacted, d.Path)
			assert.Equal(t, "a="+replay.Redacted+"&secret="+replay.Redacted+"&b=1", d.Query)
		}
	})
}
