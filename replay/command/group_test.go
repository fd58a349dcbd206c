package command_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/command"
)

const patience = 30 * time.Second

// stage is where programs report that are to stay: the connection lasts as long
// as they live.
type stage struct {
	net.Listener
	addr string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return &stage{l, l.Addr().String()}
}

// await gives the connection of the next program that is there.
func (s *stage) await(t *testing.T) net.Conn {
	t.Helper()
	require.NoError(t, s.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	c, err := s.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	return c
}

// gone waits until the program at the other end does not live any more.
func gone(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := c.Read(make([]byte, 1))
	require.Error(t, err)
	assert.False(t, errors.Is(err, os.ErrDeadlineExceeded), "it still runs")
}

// send runs a target beside the test.
func send(ctx context.Context, made *command.Target) <-chan *replay.Attempt {
	done := make(chan *replay.Attempt, 1)
	go func() { done <- made.Send(ctx, delivery(body)) }()
	return done
}

func await(t *testing.T, done <-chan *replay.Attempt) *replay.Attempt {
	t.Helper()
	select {
	case a := <-done:
		return a
	case <-time.After(patience):
		require.Fail(t, "Send does not return")
		return nil
	}
}

func TestACommandThatTakesTooLong(t *testing.T) {
	for _, deaf := range []string{"hearing", "deaf"} {
		s := newStage(t)
		made := target(t, command.Options{Timeout: time.Second, Grace: 100 * time.Millisecond}, "leave", s.addr, "with", deaf)
		done := send(t.Context(), made)
		one, two := s.await(t), s.await(t)
		a := await(t, done)
		assert.Equal(t, replay.FailTimeout, a.Failure)
		assert.Equal(t, "the command did not end within 1s", a.Error)
		assert.Nil(t, a.Exit)
		assert.Equal(t, "left\n", string(a.Body))
		gone(t, one)
		gone(t, two)
	}
}

func TestACommandIsCancelled(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := send(ctx, target(t, command.Options{}, "leave", s.addr, "with", "hearing"))
	one, two := s.await(t), s.await(t)
	cancel(errors.New("enough"))
	a := await(t, done)
	assert.Equal(t, replay.FailCancelled, a.Failure)
	assert.Equal(t, "enough", a.Error)
	gone(t, one)
	gone(t, two)

	a = target(t, command.Options{}, "exit", "0").Send(ctx, delivery(body))
	assert.Equal(t, replay.FailCancelled, a.Failure, "before it began")

	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	a = target(t, command.Options{}, "stay", s.addr).Send(ctx, delivery(body))
	assert.Equal(t, replay.FailTimeout, a.Failure, "as other targets have it")
}

func TestWhoIsLeftBehindIsEnded(t *testing.T) {
	s := newStage(t)
	done := send(t.Context(), target(t, command.Options{}, "leave", s.addr, "alone", "deaf"))
	child := s.await(t)
	a := await(t, done)
	assert.True(t, a.OK(), a.Error)
	assert.Equal(t, "left\n", string(a.Body))
	gone(t, child)
}

func TestKillEndsAtOnce(t *testing.T) {
	s := newStage(t)
	made := target(t, command.Options{}, "leave", s.addr, "with", "deaf")
	done := send(t.Context(), made)
	one, two := s.await(t), s.await(t)
	made.Kill()
	assert.False(t, await(t, done).OK())
	gone(t, one)
	gone(t, two)
	assert.False(t, await(t, send(t.Context(), made)).OK(), "nor does another one run")
}

func TestItEndsByItself(t *testing.T) {
	s := newStage(t)
	done := send(t.Context(), target(t, command.Options{}, "stay", s.addr))
	_, err := io.WriteString(s.await(t), "go\n")
	require.NoError(t, err)
	assert.Equal(t, new(7), await(t, done).Exit)
}

func TestAProgramEndsWithAKilledParent(t *testing.T) {
	switch runtime.GOOS {
	case "linux", "freebsd", "windows":
	default:
		return // nothing ends it there, as the documentation says
	}
	s, folder := newStage(t), t.TempDir()
	parent := exec.Command(os.Args[0], "perform", "parent", s.addr, folder)
	require.NoError(t, parent.Start())
	child := s.await(t)
	left, err := filepath.Glob(filepath.Join(folder, "*", "payload*"))
	require.NoError(t, err)
	assert.Len(t, left, 1)
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	gone(t, child)

	// What it left on disk goes with the next one, once it is old enough to be
	// nobody's.
	sub := filepath.Dir(left[0])
	now := target(t, command.Options{Folder: folder}, "exit", "0")
	assert.True(t, now.Send(t.Context(), delivery(body)).OK())
	assert.DirExists(t, sub)
	require.NoError(t, os.Chtimes(sub, time.Time{}, time.Now().Add(-time.Hour)))
	stranger := filepath.Join(folder, "somebody's")
	require.NoError(t, os.Mkdir(stranger, 0o700))
	require.NoError(t, os.Chtimes(stranger, time.Time{}, time.Now().Add(-time.Hour)))
	others, err := filepath.Glob(filepath.Join(folder, "hfhook-exec-*"))
	require.NoError(t, err)
	require.Len(t, others, 2)
	for _, other := range others {
		require.NoError(t, os.Chtimes(other, time.Time{}, time.Now().Add(-time.Hour)))
	}
	next := target(t, command.Options{Folder: folder}, "exit", "0")
	assert.True(t, next.Send(t.Context(), delivery(body)).OK())
	assert.NoDirExists(t, sub)
	assert.DirExists(t, stranger)
	others, err = filepath.Glob(filepath.Join(folder, "hfhook-exec-*"))
	require.NoError(t, err)
	assert.Len(t, others, 2, "one that is in use stays")
}

func TestTheFolderCanGoAway(t *testing.T) {
	folder := t.TempDir()
	made := target(t, command.Options{Folder: folder}, "tell")
	require.True(t, made.Send(t.Context(), delivery(body)).OK())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	if runtime.GOOS != "windows" { // where its lock keeps it
		require.NoError(t, os.RemoveAll(filepath.Join(folder, entries[0].Name())))
	}
	assert.True(t, made.Send(t.Context(), delivery(body)).OK())
	require.NoError(t, made.Close())
	entries, err = os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestAFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	a := target(t, command.Options{Folder: file}, "exit", "0").Send(t.Context(), delivery(body))
	assert.Equal(t, replay.FailOther, a.Failure)
	assert.Contains(t, a.Error, "the payload cannot be put into a file: ")
}
