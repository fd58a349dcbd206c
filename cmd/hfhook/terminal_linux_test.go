package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// onTerminal runs hfhook in a session of its own on a terminal, of which
// keyboard is the other end. What it says there is in p.err.
func onTerminal(t *testing.T, env []string, args ...string) (p *process, keyboard *os.File) {
	t.Helper()
	keyboard, terminal := openTerminal(t)
	return runOnTerminal(t, keyboard, terminal, env, "hfhook", args...), keyboard
}

// openTerminal gives both ends of a new one.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = keyboard.Close() })
	n := 0
	control(t, keyboard, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	})
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return keyboard, terminal
}

// runOnTerminal runs a program, which gets the terminal for good. Stdout is none.
func runOnTerminal(t *testing.T, keyboard, terminal *os.File, env []string, program string, args ...string) *process {
	t.Helper()
	home := t.TempDir()
	p := &process{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = append(append(append(os.Environ(), homeEnv(home)...), "NO_COLOR=1"), env...), home
	p.cmd.Stdout = &p.out
	p.startOn(t, keyboard, terminal)
	return p
}

// startOnTerminal starts p in a session of its own on a terminal, which also is
// what of its streams is not set.
func (p *process) startOnTerminal(t *testing.T) (keyboard *os.File) {
	t.Helper()
	keyboard, terminal := openTerminal(t)
	p.startOn(t, keyboard, terminal)
	return keyboard
}

func (p *process) startOn(t *testing.T, keyboard, terminal *os.File) {
	t.Helper()
	p.cmd.Stdin, p.cmd.Stderr = terminal, terminal
	if p.cmd.Stdout == nil {
		p.cmd.Stdout = terminal
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, p.cmd.Start())
	// Until everybody has let go of the terminal.
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(&p.err, keyboard)
	}()
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
		_ = terminal.Close()
		<-copied
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
}

// control is for what os.File has no method for. Its Fd would make reads wait
// where Close could not end them.
func control(t *testing.T, f *os.File, do func(fd int) error) {
	t.Helper()
	conn, err := f.SyscallConn()
	require.NoError(t, err)
	var failed error
	require.NoError(t, conn.Control(func(fd uintptr) { failed = do(int(fd)) }))
	require.NoError(t, failed)
}

// echoes reports whether the terminal shows what is typed, and waits for Enter.
func echoes(t *testing.T, keyboard *os.File) bool {
	t.Helper()
	mode := modeOf(t, keyboard)
	return mode.Lflag&(unix.ECHO|unix.ICANON) == unix.ECHO|unix.ICANON
}

func modeOf(t *testing.T, keyboard *os.File) (mode *unix.Termios) {
	t.Helper()
	control(t, keyboard, func(fd int) (err error) {
		mode, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	return mode
}

func TestAKeyReconnectsTheTunnel(t *testing.T) {
	edge := ngroktest.Start(t)
	p, keyboard := onTerminal(t, ngrokEnv(t, edge, edge.Token), "dev", "--listen", "127.0.0.1:0")
	_, err := p.await(&p.err, "Waiting for deliveries", 1)
	require.NoError(t, err)
	assert.False(t, echoes(t, keyboard))
	_, err = keyboard.WriteString("t")
	require.NoError(t, err)
	_, err = p.await(&p.err, "reconnecting the tunnel", 1)
	require.NoError(t, err)
	_, err = p.await(&p.err, "tunnel up: https://"+ngroktest.DevDomain, 1)
	require.NoError(t, err)
	assert.Len(t, edge.Auths(), 2)

	_, err = keyboard.WriteString("\x03")
	require.NoError(t, err)
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Zero(t, code)
	assert.True(t, echoes(t, keyboard), "the terminal is as it was")
}

func TestAHangupReconnectsOrEnds(t *testing.T) {
	// Where the tests run under nohup, programs would ignore the signal too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	t.Run("asked for from elsewhere", func(t *testing.T) {
		edge := ngroktest.Start(t)
		p, _ := onTerminal(t, ngrokEnv(t, edge, edge.Token), "dev", "--listen", "127.0.0.1:0")
		_, err := p.await(&p.err, "Waiting for deliveries", 1)
		require.NoError(t, err)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		_, err = p.await(&p.err, "tunnel up: https://", 1)
		require.NoError(t, err)
		code, err := p.end(syscall.SIGTERM)
		require.NoError(t, err)
		assert.Zero(t, code)
	})
	t.Run("without a terminal", func(t *testing.T) {
		edge := ngroktest.Start(t)
		p := startWithEnv(t, ngrokEnv(t, edge, edge.Token), "dev", "--json", "--listen", "127.0.0.1:0")
		_, err := p.await(&p.out, `"type":"ready"`, 1)
		require.NoError(t, err)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		_, err = p.await(&p.out, `"type":"gap"`, 1)
		require.NoError(t, err)
		code, err := p.end(os.Interrupt)
		require.NoError(t, err)
		assert.Zero(t, code)
	})
	t.Run("the terminal went away", func(t *testing.T) {
		edge := ngroktest.Start(t)
		p, keyboard := onTerminal(t, ngrokEnv(t, edge, edge.Token), "dev", "--json", "--listen", "127.0.0.1:0")
		_, err := p.await(&p.out, `"type":"ready"`, 1)
		require.NoError(t, err)
		require.NoError(t, keyboard.Close())
		code, err := p.end(nil)
		require.NoError(t, err)
		assert.Zero(t, code)
		assert.Contains(t, p.out.String(), `"type":"stopped"`, "it ended in order")
		edge.WaitIdle()
	})
}

func TestASecondCtrlCEndsAtOnce(t *testing.T) {
	taken, release := make(chan struct{}), make(chan struct{})
	handler := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(taken)
		<-release
	}))
	defer handler.Close()
	defer close(release)
	p, keyboard := onTerminal(t, nil, "dev", "--tunnel", "none", "--no-secret", "--listen", "127.0.0.1:0",
		"--public-url", "https://hooks.example.com", "--no-probe", "--json", "--forward", handler.URL)
	ready, err := p.await(&p.out, `"local":"([^"]+)"`, 1)
	require.NoError(t, err)
	body, err := os.Open(filepath.Join("..", "..", "payload", "testdata", "repo.create.model.composed.json"))
	require.NoError(t, err)
	defer body.Close()
	answer, err := http.Post(ready[1], "application/json", body)
	require.NoError(t, err)
	answer.Body.Close()
	<-taken
	_, err = keyboard.WriteString("\x03")
	require.NoError(t, err)
	_, err = p.await(&p.out, "finishing what is under way", 1)
	require.NoError(t, err)
	_, err = keyboard.WriteString("\x03")
	require.NoError(t, err)
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitInterrupted, code)
	assert.True(t, echoes(t, keyboard), "the terminal is as it was")
}
