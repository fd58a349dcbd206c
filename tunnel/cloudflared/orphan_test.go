//go:build linux || freebsd || windows

package cloudflared_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
)

// The parent is a process of its own: it opens the tunnel, and is killed.
func TestTheProgramEndsWithAKilledParent(t *testing.T) {
	service := cloudflaredtest.Start(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentOf+"="+service.Path)
	require.NoError(t, parent.Start())
	puppet := service.Await(0)
	assert.Eventually(t, func() bool { return service.Looks() > 0 }, 20*time.Second, time.Millisecond, "the tunnel is on its way")
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	puppet.WaitGone(t)
}
