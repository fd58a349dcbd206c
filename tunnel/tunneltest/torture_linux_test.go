package tunneltest_test

import (
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// The sshd of this machine.
func TestTortureOwnServer(t *testing.T) {
	server, wires := sshtest.StartServer(t), new(tunneltest.Wires)
	p := server.Provider()
	p.DialContext = wires.Dial
	p.KeepaliveInterval, p.KeepaliveTimeout = 100*time.Millisecond, time.Second
	p.Backoff = func(int) time.Duration { return 20 * time.Millisecond }
	c := tunneltest.Case{Provider: p, URL: server.URL(), Released: server.WaitIdle}
	c.Lingering = []goleak.Option{ // the server's own, after a restart
		goleak.IgnoreAnyFunction("github.com/hfhook/hfhook/tunnel/ssh/sshtest.(*Server).Start.func2"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Start.func2"),
	}
	tunneltest.Torture(t, c, 100, cuts(wires, map[string]func(tunnel.Tunnel){
		"the server restarts": func(tunnel.Tunnel) {
			server.Stop()
			server.Start()
		},
		"a session stands still": func(tunnel.Tunnel) {
			server.Signal(syscall.SIGSTOP)
			time.Sleep(50 * time.Millisecond)
			server.Signal(syscall.SIGCONT)
		},
		"a session is killed": func(tunnel.Tunnel) { server.Signal(syscall.SIGKILL) },
	}))
}
