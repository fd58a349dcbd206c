//go:build linux || freebsd || windows

package command_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel/command/commandtest"
)

// The parent is a process of its own: it opens the tunnel, and is killed.
func TestTheProgramEndsWithAKilledParent(t *testing.T) {
	service := commandtest.Start(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentOf+"="+service.Command)
	require.NoError(t, parent.Start())
	puppet := service.Await(0)
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	puppet.WaitGone(t)
}
