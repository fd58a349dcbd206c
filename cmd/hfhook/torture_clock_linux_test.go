//go:build torture

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

// TestTortureClockJumps sets the clock of hfhook dev ahead and back while
// deliveries come, by hours and by decades. Only with the tag torture, because
// it compiles the standard library anew.
func TestTortureClockJumps(t *testing.T) {
	to := newTorture(t, "clock jumps")
	rounds := to.rounds(10, 60)
	var jumps []string
	for range rounds {
		jumps = append(jumps, fmt.Sprint(to.jump()))
	}
	home := t.TempDir()
	store := filepath.Join(home, "store.db")
	handler := startWitness(t, nil)
	hub := startLoad(t, 16, 0.3, to.chance)
	handler.sums = hub.sum

	p, err := launch(t.Cleanup, append(append(os.Environ(), homeEnv(home)...), "CLOCK_JUMPS="+strings.Join(jumps, " ")), home,
		jumpingProgram(t), "dev", "--json", "--listen", "127.0.0.1:0", "--tunnel", "none", "--no-secret",
		"--store", store, "--keep", "1000000,1h,8GiB", "--forward", handler.url)
	require.NoError(t, err)
	hub.point(p.ready(t).Local)
	for n := range rounds {
		hub.await(t, hub.count()+100+to.rand.IntN(100))
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGUSR2))
		_, err := p.await(&p.err, "clock was set", n+1)
		require.NoError(t, err)
		to.faults.Add(1)
	}
	hub.await(t, hub.count()+500)
	hub.end()
	drained(t, store, handler)
	assert.Less(t, hub.slowest, 10*time.Second)
	endsWell(t, p, os.Interrupt)
	to.report(judge(t, store, hub, handler, replay.Live))
}

// jump is by seconds to decades, ahead or back.
func (to *torture) jump() time.Duration {
	unit := []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour, 365 * 24 * time.Hour}[to.rand.IntN(5)]
	return unit * time.Duration(to.rand.IntN(61)-30)
}

// jumpingProgram builds hfhook with a clock that jumps when it is told: the next
// of $CLOCK_JUMPS at each SIGUSR2.
func jumpingProgram(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	own, err := filepath.Abs(filepath.Join("testdata", "clock"))
	require.NoError(t, err)
	std := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(std, "time.go"))
	require.NoError(t, err)
	const now = "\tsec, nsec, mono := runtimeNow()\n"
	require.Equal(t, 1, strings.Count(string(source), now), "time.Now is another one in this version of Go")
	dir := t.TempDir()
	jumping := filepath.Join(dir, "time.go")
	require.NoError(t, os.WriteFile(jumping, []byte(strings.Replace(string(source), now, now+"\tsec += jumped.Load()\n", 1)), 0o600))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(std, "time.go"):       jumping,
		filepath.Join(std, "jump.go"):       filepath.Join(own, "time.go"),
		filepath.Join(here, "set_clock.go"): filepath.Join(own, "hfhook.go"),
	}})
	require.NoError(t, err)
	list := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(list, overlay, 0o600))
	binary := filepath.Join(dir, "hfhook")
	out, err := exec.Command("go", "build", "-overlay", list, "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}
