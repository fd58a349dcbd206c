package main

import (
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// staying starts hfhook dev with a command that stays, and gives the connection
// of that, which lasts as long as it lives.
func staying(t *testing.T, command func(addr string) string, flags ...string) (*process, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	t.Setenv("TMPDIR", t.TempDir()) // what a killed hfhook leaves
	dev := startHFHook(t, t.TempDir(), append([]string{
		"dev", "--json", "--tunnel", "none", "--listen", "127.0.0.1:0", "--no-secret", "--exec", command(listener.Addr().String()),
	}, flags...)...)
	dev.deliver(t, http.DefaultClient, dev.ready(t).Local, 1)
	require.NoError(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	c, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return dev, c
}

func requireGone(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := c.Read(make([]byte, 1))
	require.Error(t, err)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it still runs")
}

func TestACommandEndsWithAKilledHFHook(t *testing.T) {
	dev, c := staying(t, func(addr string) string { return "testcommand --stay " + addr })
	_, err := dev.end(os.Kill)
	require.NoError(t, err)
	requireGone(t, c)
}

// Whom the kernel would not end is ended by hfhook, however much it hurries.
func TestASecondCtrlCEndsWhatCommandsStarted(t *testing.T) {
	dev, c := staying(t, func(addr string) string { return "sh -c 'testcommand --stay " + addr + "; true'" })
	require.NoError(t, dev.cmd.Process.Signal(os.Interrupt))
	_, err := dev.await(&dev.out, `"message":"finishing what is under way"`, 1)
	require.NoError(t, err)
	code, err := dev.end(os.Interrupt)
	require.NoError(t, err)
	require.Equal(t, exitInterrupted, code)
	requireGone(t, c)
}

// A command is not told to ignore that its reader went away.
func TestACommandWhoseReaderGoesAwayEnds(t *testing.T) {
	dev := startHFHook(t, t.TempDir(), "dev", "--json", "--tunnel", "none", "--listen", "127.0.0.1:0", "--no-secret",
		"--exec", `sh -c "while :; do echo x; done | head -n 1"`)
	dev.deliver(t, nil, dev.ready(t).Local, 1)
	_, err := dev.await(&dev.out, `"type":"attempt".*"ok":true.*"exit":0`, 1)
	require.NoError(t, err)
	endsWell(t, dev, os.Interrupt)
}
