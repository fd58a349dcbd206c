package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// processInfo is what the system knows of a process.
type processInfo struct {
	name   string
	state  byte
	parent int
}

// look gives what is known of a process that has not ended.
func lookAt(pid int) (info processInfo, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	begin, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
	if err != nil || begin < 0 || end < 0 {
		return info, false
	}
	fields := strings.Fields(string(text[end+1:]))
	info.name, info.state = string(text[begin+1:end]), fields[0][0]
	info.parent, _ = strconv.Atoi(fields[1])
	return info, info.state != 'Z'
}

// children gives the processes that a process has started, by their names.
func children(t *testing.T, pid int) map[string]int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	found := map[string]int{}
	for _, path := range all {
		child, _ := strconv.Atoi(filepath.Base(path))
		if info, ok := lookAt(child); ok && info.parent == pid {
			found[info.name] = child
		}
	}
	return found
}

// awaitChild waits for a process to have a child of this name.
func awaitChild(t *testing.T, pid int, name string) (child int) {
	t.Helper()
	require.Eventually(t, func() bool {
		child = children(t, pid)[name]
		return child != 0
	}, patience, 5*time.Millisecond, name)
	return child
}

func assertEnds(t *testing.T, pid int) {
	t.Helper()
	assert.Eventually(t, func() bool {
		_, there := lookAt(pid)
		return !there
	}, patience, time.Millisecond)
}

// inShell runs hfhook dev from a shell on a terminal, which does not put it
// back itself and goes on.
func inShell(t *testing.T, script string) (s *seat, program, guard int, before *unix.Termios) {
	t.Helper()
	keyboard, terminal := openTerminal(t)
	mode := modeOf(t, keyboard)
	mode.Cc[unix.VEOF], mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 'X', 3, 7
	mode.Iflag |= unix.IUTF8
	mode.Lflag &^= unix.ECHOK
	control(t, keyboard, func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, mode) })
	before = modeOf(t, keyboard)
	p := runOnTerminal(t, keyboard, terminal, []string{"TERM=xterm"}, "sh", "-c", script, "sh", "dev", "--tunnel", "none", "--no-secret", "--listen", "127.0.0.1:0")
	s = &seat{process: p, t: t, keyboard: keyboard}
	s.says("q quits")
	program = awaitChild(t, p.cmd.Process.Pid, "hfhook")
	guard = awaitChild(t, program, "terminal-guard")
	require.NotEqual(t, before, modeOf(t, keyboard))
	return s, program, guard, before
}

const runs = `hfhook "$@"; echo "ended with $?" >&2; read -r line; echo "went on: $line" >&2`

// However hfhook ends, the terminal is as it was, and nothing is left running.
func TestTheTerminalIsAsBeforeAfterACrash(t *testing.T) {
	t.Parallel()
	kill := func(signal syscall.Signal) func(*seat, int) {
		return func(s *seat, program int) { require.NoError(s.t, syscall.Kill(program, signal)) }
	}
	for name, tt := range map[string]struct {
		end  func(s *seat, program int)
		code string
	}{
		"killed":        {kill(syscall.SIGKILL), "137"},
		"aborted":       {kill(syscall.SIGABRT), "2"}, // as after a panic: the goroutines are printed
		"segment fault": {kill(syscall.SIGSEGV), "2"},
		"asked to end":  {kill(syscall.SIGTERM), "0"},
		"quit":          {func(s *seat, _ int) { s.press("q") }, "0"},
		"killed while a filter is typed": {func(s *seat, program int) {
			s.press("/repo=x")
			s.says("filter: repo=x")
			kill(syscall.SIGKILL)(s, program)
		}, "137"},
		"stopped and killed": {func(s *seat, program int) {
			kill(syscall.SIGSTOP)(s, program)
			kill(syscall.SIGKILL)(s, program)
		}, "137"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, program, guard, before := inShell(t, runs)
			tt.end(s, program)
			s.says("ended with " + tt.code + "\r\n")
			assertEnds(t, guard)
			assert.Equal(t, before, modeOf(t, s.keyboard))
			assert.Equal(t, strings.Count(s.err.String(), marksOn), strings.Count(s.err.String(), marksOff), "%q", s.err.String())
			_, err := s.keyboard.WriteString("typed\n")
			require.NoError(t, err)
			s.says("went on: typed\r\n")
			_, err = s.end(nil)
			require.NoError(t, err)
		})
	}
}

// A guard leaves alone what somebody else has done since, and Ctrl-C, hangups
// and Ctrl-\ are not for it.
func TestAGuardWaitsForTheEndAlone(t *testing.T) {
	t.Parallel()
	s, program, guard, _ := inShell(t, runs)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTOU, syscall.SIGTTIN} {
		require.NoError(t, syscall.Kill(guard, signal))
	}
	require.NoError(t, syscall.Kill(program, syscall.SIGSTOP))
	mode := modeOf(t, s.keyboard)
	mode.Iflag &^= unix.ICRNL // as a shell that edits lines
	mode.Cc[unix.VSUSP] = 0x1a
	control(t, s.keyboard, func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, mode) })
	info, there := lookAt(guard)
	require.True(t, there)
	assert.NotContains(t, "Tt", string(info.state))
	require.NoError(t, syscall.Kill(program, syscall.SIGKILL))
	assertEnds(t, guard)
	assert.Equal(t, mode, modeOf(t, s.keyboard))
}

// hfhook does not wait for a guard that somebody has stopped, and does without
// one that was ended.
func TestAGuardIsNothingToWaitFor(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s, _, guard, before := inShell(t, runs)
			require.NoError(t, syscall.Kill(guard, signal))
			s.press("q")
			s.says("ended with 0\r\n")
			assertEnds(t, guard)
			assert.Equal(t, before, modeOf(t, s.keyboard))
		})
	}
}

func TestAGuardKnowsNothing(t *testing.T) {
	t.Parallel()
	s, program, guard, _ := inShell(t, `WEBHOOK_SECRET=abc HF_TOKEN=def `+runs)
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", guard))
	require.NoError(t, err)
	assert.Equal(t, "GOMAXPROCS=1\x00", string(environ))
	folder, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", guard))
	require.NoError(t, err)
	assert.Equal(t, "/", folder)
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", guard))
	require.NoError(t, err)
	for _, file := range files {
		to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", guard, file.Name()))
		assert.NotContains(t, to, "deliveries.db")
		assert.NotContains(t, to, "socket:")
	}
	s.press("q")
	s.says("ended with 0")
	_, there := lookAt(program)
	assert.False(t, there)
}

// Ctrl-Z gives the terminal to the shell as it was, and fg takes it again.
func TestCtrlZ(t *testing.T) {
	t.Parallel()
	const script = `set -m; hfhook "$@"; echo "stopped" >&2; read -r line; echo "read $line" >&2; fg >/dev/null; echo "ended with $?" >&2`
	s, program, guard, before := inShell(t, script)
	for i, typing := range []string{"", "/"} {
		if typing != "" {
			s.press(typing)
			s.says("filter: ")
		}
		s.press("\x1a")
		if i == 0 {
			s.says("stopped\r\n")
			info, there := lookAt(program)
			require.True(t, there)
			assert.Equal(t, "T", string(info.state))
			assert.Equal(t, before, modeOf(t, s.keyboard))
			assert.Equal(t, strings.Count(s.err.String(), marksOn), strings.Count(s.err.String(), marksOff))
			_, err := s.keyboard.WriteString("q\n")
			require.NoError(t, err)
			s.says("read q\r\n")
			s.press("?")
			s.says("quit, as Ctrl-C does")
			continue
		}
		s.says(`ended with 1\d\d\r\n`) // fg is over: it was stopped again
		assert.Equal(t, before, modeOf(t, s.keyboard))
	}
	require.NoError(t, syscall.Kill(program, syscall.SIGKILL))
	assertEnds(t, guard)
	assert.Equal(t, before, modeOf(t, s.keyboard))
}

// Where nobody could let it go on, Ctrl-Z does nothing.
func TestCtrlZWithoutAShell(t *testing.T) {
	t.Parallel()
	s := sitDown(t, nil)
	s.press("/", "\x1a")
	s.lastLine("filter: ")
	s.press("scope=repo\n")
	s.says("showing scope=repo only")
	s.leaves()
}
