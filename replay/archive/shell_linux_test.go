package archive_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
