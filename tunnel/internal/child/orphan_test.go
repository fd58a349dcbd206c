//go:build linux || freebsd || windows

package child_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The parent is a process of its own: it starts the child, and is killed.
func TestAChildEndsWithAKilledParent(t *testing.T) {
	stage := stage(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentOf+"="+stage.Path)
	require.NoError(t, parent.Start())
	puppet := stage.Await(0)
	select {
	case <-puppet.Gone():
		t.Error("it ended too early")
	default:
	}
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	puppet.WaitGone(t)
}
