//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever reads the records may go away: the delivery that is under way is
// answered all the same, and the session ends in order.
func TestDevEndsInOrderWhenItsReaderIsGone(t *testing.T) {
	home := t.TempDir()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	var talk transcript
	cmd := exec.Command("hfhook", "dev", "--json", "--no-secret", "--tunnel", "none", "--listen", "127.0.0.1:0")
	cmd.Env, cmd.Dir = append(os.Environ(), homeEnv(home)...), home
	cmd.Stdout, cmd.Stderr = write, &talk
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	require.NoError(t, write.Close())

	line, err := bufio.NewReader(read).ReadBytes('\n')
	require.NoError(t, err)
	var ready struct{ Type, Local string }
	require.NoError(t, json.Unmarshal(line, &ready))
	require.Equal(t, "ready", ready.Type)
	require.NoError(t, read.Close())

	resp, err := http.Post(ready.Local, "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 200, resp.StatusCode)
	_ = cmd.Wait()
	assert.Equal(t, exitFailed, cmd.ProcessState.ExitCode())
	assert.Contains(t, talk.String(), "hfhook: write the output: ")
}
