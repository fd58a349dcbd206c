package child_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/child"
	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// stage is for puppets that only do what the test says.
func stage(t *testing.T) *childtest.Stage {
	t.Helper()
	s := childtest.Start(t, "program")
	s.Perform(func(*childtest.Puppet) {})
	return s
}

// start runs a puppet as a child and stops it with the test.
func start(t *testing.T, p child.Program) (*child.Process, *childtest.Puppet) {
	t.Helper()
	stage := stage(t)
	p.Path = stage.Path
	if p.Redact == nil {
		p.Redact = child.Redactor()
	}
	process, err := child.Start(p)
	require.NoError(t, err)
	t.Cleanup(process.Stop)
	return process, stage.Await(0)
}

// stop ends a child and says how long that took.
func stop(process *child.Process) time.Duration {
	began := time.Now()
	process.Stop()
	return time.Since(began)
}

// collector keeps lines until one says "end".
type collector struct {
	mu    sync.Mutex
	lines []string
	end   chan struct{}
}

func collect() *collector { return &collector{end: make(chan struct{})} }

func (c *collector) line(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if string(b) == "end" {
		close(c.end)
		return
	}
	c.lines = append(c.lines, string(b))
}

func (c *collector) await(t *testing.T) []string {
	t.Helper()
	select {
	case <-c.end:
	case <-time.After(30 * time.Second):
		t.Fatal("the last line did not come")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.lines)
}

func TestLinesOfBothStreams(t *testing.T) {
	c := collect()
	process, puppet := start(t, child.Program{Line: c.line})
	puppet.PrintOut("out")
	puppet.Print("", "err\r", "\x1b[1;32mgreen\x1b[0m\tand \x1b]0;title\x07pl\u202eain\x00")
	puppet.Print("a" + strings.Repeat("b", 100_000) + "c")
	puppet.Print("end")
	lines := c.await(t)
	require.Len(t, lines, 4)
	assert.Contains(t, lines, "out")
	assert.Contains(t, lines, "err")
	assert.Contains(t, lines, "green and plain")
	long := slices.MaxFunc(lines, func(a, b string) int { return len(a) - len(b) })
	assert.Equal(t, "a"+strings.Repeat("b", 8<<10-1), long, "the end of a long line is lost")

	last := process.Last(2)
	assert.Equal(t, long, last[0])
	assert.Equal(t, "a"+strings.Repeat("b", 199)+"...", child.Show(last[0]))
	assert.Equal(t, "end", last[1])
	assert.Len(t, process.Last(100), 5)
}

func TestALastLineWithoutAnEnd(t *testing.T) {
	process, puppet := start(t, child.Program{})
	puppet.Prompt("one\ntwo")
	puppet.Exit(3)
	awaitEnd(t, process)
	assert.Equal(t, []string{"one", "two"}, process.Last(9))
	how, ended := process.Ended()
	assert.True(t, ended)
	assert.Equal(t, "exit code 3", how)
}

// awaitEnd waits until a child is gone.
func awaitEnd(t *testing.T, process *child.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ctx, cancel = process.Within(ctx)
	defer cancel()
	<-ctx.Done()
}

func TestAFloodCostsNothing(t *testing.T) {
	c := collect()
	var counted int
	_, puppet := start(t, child.Program{Line: func(b []byte) {
		if counted++; string(b) == "end" {
			c.line(b)
		}
	}})
	const times = 685_000 // in 14 s, once
	line := `{"level":"error","error":"dial tcp 127.0.0.1:7844: connect: connection refused","message":"no connection"}`
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	puppet.Flood(line, times)
	puppet.Print("end")
	c.await(t)
	runtime.ReadMemStats(&after)
	assert.Equal(t, times+1, counted)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "allocated in all")
}

func TestTheLogIsRedactedAndBounded(t *testing.T) {
	secret := rand.Text()
	t.Setenv("HF_TOKEN", secret)
	var log tunneltest.Buffer
	c := collect()
	process, puppet := start(t, child.Program{
		Line:   func(b []byte) { c.line(b) },
		Redact: child.Redactor(),
		Log:    slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	puppet.Print("my token is "+secret, strings.Repeat("x", 190)+secret)
	puppet.Flood("again", 10_000)
	puppet.Print("end")
	c.await(t)
	said := log.String() + strings.Join(process.Last(20), " ")
	assert.NotContains(t, said, secret)
	assert.NotContains(t, said, secret[:8], "not even a part")
	assert.Contains(t, said, "my token is [redacted]")
	assert.Less(t, strings.Count(log.String(), "\n"), 1000)
}

func TestStopEndsTheGroup(t *testing.T) {
	process, puppet := start(t, child.Program{})
	grandchild := puppet.Grandchild(false)
	assert.Less(t, stop(process), time.Second)
	puppet.WaitGone(t)
	grandchild.WaitGone(t)
	assert.Less(t, stop(process), time.Second, "a second time")
	how, ended := process.Ended()
	assert.True(t, ended)
	assert.NotEmpty(t, how)
}

func TestStopDoesNotWaitForTheDeaf(t *testing.T) {
	process, puppet := start(t, child.Program{})
	puppet.IgnoreTerm()
	grandchild := puppet.Grandchild(false)
	grandchild.IgnoreTerm()
	assert.Less(t, stop(process), tunnel.CloseTimeout)
	puppet.WaitGone(t)
	grandchild.WaitGone(t)
}

func TestWhoeverIsLeftBehindIsEnded(t *testing.T) {
	process, puppet := start(t, child.Program{})
	grandchild := puppet.Grandchild(false)
	grandchild.IgnoreTerm()
	puppet.Exit(4)
	grandchild.WaitGone(t)
	awaitEnd(t, process)
	how, _ := process.Ended()
	assert.Equal(t, "exit code 4", how)
}

// Nothing can end a process that left the group, but nobody waits for it.
func TestAGrandchildThatLeftKeepsNobodyWaiting(t *testing.T) {
	process, puppet := start(t, child.Program{})
	grandchild := puppet.Grandchild(true)
	assert.Less(t, stop(process), tunnel.CloseTimeout)
	puppet.WaitGone(t)
	if runtime.GOOS != "windows" { // where nobody leaves
		assert.NotEmpty(t, grandchild.Forward("127.0.0.1:1"), "it lives, and has the pipes")
	}
}

// Pdeathsig belongs to the thread that started the child.
func TestAChildOutlivesTheThreadThatAskedForIt(t *testing.T) {
	stage := stage(t)
	got := make(chan *child.Process)
	go func() {
		runtime.LockOSThread() // and never unlocks: the thread ends with this goroutine
		process, err := child.Start(child.Program{Path: stage.Path, Redact: child.Redactor()})
		assert.NoError(t, err)
		got <- process
	}()
	process := <-got
	defer process.Stop()
	puppet := stage.Await(0)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(runtime.LockOSThread) // more threads that end
	}
	wg.Wait()
	for range 20 {
		assert.NotEmpty(t, puppet.Forward("127.0.0.1:1"), "it answers")
	}
	_, ended := process.Ended()
	assert.False(t, ended)
}

func TestEnviron(t *testing.T) {
	for _, name := range []string{
		"WEBHOOK_SECRET", "HFHOOK_SECRET", "NGROK_AUTHTOKEN", "HFHOOK_TUNNEL_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
	} {
		t.Setenv(name, rand.Text())
	}
	t.Setenv("SOMETHING_ELSE", "kept")
	t.Setenv("TUNNEL_NAME", "dropped")
	env := child.Environ([]string{"ngrok_authtoken"}, func(name string) bool { return name == "TUNNEL_NAME" })
	_, puppet := start(t, child.Program{Env: env})
	assert.Contains(t, puppet.Env, "SOMETHING_ELSE")
	assert.Contains(t, puppet.Env, "NGROK_AUTHTOKEN")
	for _, name := range []string{
		"WEBHOOK_SECRET", "HFHOOK_SECRET", "HFHOOK_TUNNEL_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "TUNNEL_NAME",
	} {
		assert.NotContains(t, puppet.Env, name)
	}
}

func TestWhatCannotBeStarted(t *testing.T) {
	_, err := exec.LookPath("no-such-program-" + rand.Text())
	e := child.Missing("test", "it", "get it", err)
	assert.Equal(t, "it was not found in PATH", e.Error())
	assert.Equal(t, "get it", e.Hint)
	assert.True(t, e.Permanent)

	path := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(path, []byte("no program"), 0o700))
	_, err = child.Start(child.Program{Path: path, Redact: child.Redactor()})
	require.Error(t, err)
	e = child.Missing("test", "it", "", err)
	assert.Regexp(t, `^cannot start it \([^/\\]+\)$`, e.Error())
}
