package tunneltest_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
	"github.com/hfhook/hfhook/tunnel/command/commandtest"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// cuts of a network, and those that anybody can ask for.
func cuts(wires *tunneltest.Wires, more map[string]func(tunnel.Tunnel)) map[string]func(tunnel.Tunnel) {
	for _, how := range []tunneltest.Break{tunneltest.Reset, tunneltest.HalfWay, tunneltest.Stall, tunneltest.Garbage} {
		if wires != nil {
			more[string(how)] = func(tunnel.Tunnel) { wires.Break(how) }
		}
	}
	more["kick"] = tunnel.Tunnel.Kick
	return more
}

func TestTortureNgrok(t *testing.T) {
	edge, wires := ngroktest.Start(t), new(tunneltest.Wires)
	c := ngrok(t)
	p := edge.Provider()
	p.DialContext = wires.Dial
	p.RebuildAfter = time.Second
	c.Provider, c.Client, c.Released, c.Secrets = p, edge.Client(), edge.WaitIdle, []string{edge.Token}
	c.Lingering = append(append(c.Lingering, ngroktest.Stuck()...),
		goleak.IgnoreAnyFunction("github.com/hfhook/hfhook/tunnel/ngrok/ngroktest.(*Edge).StartAgents.func1"))
	var busy atomic.Int32 // how many more times it is refused
	edge.RefuseAuth(func(ngroktest.Auth) string {
		if busy.Add(-1) >= 0 {
			return "128"
		}
		return ""
	})
	tunneltest.Torture(t, c, 250, cuts(wires, map[string]func(tunnel.Tunnel){
		"the session ends": func(tunnel.Tunnel) { edge.KillSessions() },
		"the edge restarts": func(tunnel.Tunnel) {
			edge.StopAgents()
			require.NoError(t, edge.StartAgents())
		},
		"it is refused for a while": func(tunnel.Tunnel) {
			busy.Store(2)
			edge.KillSessions()
		},
	}))
}

func TestTortureSSHService(t *testing.T) {
	service, wires := sshtest.StartService(t, ssh.LocalhostRun), new(tunneltest.Wires)
	c := service.Case()
	p := service.Provider()
	p.DialContext = wires.To(service.Addr)
	p.KeepaliveInterval, p.KeepaliveTimeout = 100*time.Millisecond, time.Second
	p.Backoff = func(int) time.Duration { return 5 * time.Millisecond }
	c.Provider = p
	c.Lingering = []goleak.Option{goleak.IgnoreAnyFunction("github.com/hfhook/hfhook/tunnel/ssh/sshtest.(*Service).StartListening.func2")}
	var busy atomic.Int32
	service.Refuse(func(string, uint32) bool { return busy.Add(-1) >= 0 })
	tunneltest.Torture(t, c, 250, cuts(wires, map[string]func(tunnel.Tunnel){
		"the session ends": func(tunnel.Tunnel) { service.KillSessions() },
		"the service restarts": func(tunnel.Tunnel) {
			service.StopListening()
			require.NoError(t, service.StartListening())
		},
		"another name": func(tunnel.Tunnel) {
			service.Rename()
			service.KillSessions()
		},
		"another name in the session": func(tunnel.Tunnel) {
			service.Rename()
			service.AnnounceAgain()
		},
		"it is refused for a while": func(tunnel.Tunnel) {
			busy.Store(3)
			service.KillSessions()
		},
		"it freezes": func(tunnel.Tunnel) {
			service.Freeze(true)
			time.AfterFunc(50*time.Millisecond, func() { service.Freeze(false) })
		},
	}))
}

func TestTortureCloudflared(t *testing.T) {
	service := cloudflaredtest.Start(t)
	c := tunneltest.Case{Provider: service.Provider(), Client: service.Client(), Released: service.WaitIdle}
	tunneltest.Torture(t, c, 100, cuts(nil, map[string]func(tunnel.Tunnel){
		"it is killed":              func(tunnel.Tunnel) { service.KillAll() },
		"it loses its connection":   func(tunnel.Tunnel) { service.Disconnect(3) },
		"it is refused for a while": func(tunnel.Tunnel) { service.Refuse(cloudflaredtest.RateLimited, 2); service.KillAll() },
	}))
}

func TestTortureCommand(t *testing.T) {
	service := commandtest.Start(t)
	c := tunneltest.Case{Provider: service.Provider(), Client: service.Client(), Released: service.WaitIdle}
	tunneltest.Torture(t, c, 100, cuts(nil, map[string]func(tunnel.Tunnel){
		"it is killed":         func(tunnel.Tunnel) { service.KillAll() },
		"it ends at its start": func(tunnel.Tunnel) { service.Fail(1, 2); service.KillAll() },
	}))
}
