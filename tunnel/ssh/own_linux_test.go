package ssh_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
)

func TestOwnServer(t *testing.T) {
	server := sshtest.StartServer(t)
	p := server.Provider()
	assert.Equal(t, "ssh", p.Name())
	tun, _ := open(t, p, public("hooks.example.com"))
	assert.Equal(t, "https://hooks.example.com", tun.URL().String())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	from := get(t, client, server.URL())
	host, _, err := net.SplitHostPort(from)
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1", host)
	assert.NotEqual(t, server.Addr, from, "the client, not the server")
}

func TestForwardingIsForbidden(t *testing.T) {
	server := sshtest.StartServer(t, "AllowTcpForwarding no")
	p := server.Provider()
	e := openError(t, p, server.URL())
	assert.Equal(t, "refused", e.Code)
	assert.Equal(t, fmt.Sprintf("127.0.0.1 refused the remote port %d: in use by an older session, or AllowTcpForwarding or PermitListen forbid it",
		p.Server.BindPort), e.Error())
	assert.Equal(t, "an older session goes away sooner with ClientAliveInterval 15 and ClientAliveCountMax 2 in sshd_config", e.Hint)
	assert.False(t, e.Permanent)
}

// A session that the server still counts holds the port. It is asked for
// until it is free.
func TestAFrozenSessionHoldsThePort(t *testing.T) {
	server := sshtest.StartServer(t)
	p := server.Provider()
	p.KeepaliveInterval, p.KeepaliveTimeout = 100*time.Millisecond, time.Second
	p.Backoff = func(int) time.Duration { return 20 * time.Millisecond }
	_, events := open(t, p, server.URL())
	require.NotZero(t, server.Signal(syscall.SIGSTOP))

	e := failed(t, events)
	assert.Equal(t, "lost", e.Code)
	assert.Equal(t, "the connection to 127.0.0.1 broke (no answer for 1s)", e.Error())
	events.Await(t, func(ev tunnel.Event) bool {
		e, ok := ev.Err.(*tunnel.Error)
		return ok && e.Code == "refused" && ev.State == tunnel.Reconnecting
	})
	server.Signal(syscall.SIGCONT) // it sees that the client is gone
	online(t, events, 2)
	get(t, http.DefaultClient, server.URL())
	http.DefaultClient.CloseIdleConnections()
}

func TestTheServerGoesAwayAndComesBack(t *testing.T) {
	server := sshtest.StartServer(t)
	p := server.Provider()
	p.Backoff = func(int) time.Duration { return 20 * time.Millisecond }
	_, events := open(t, p, server.URL())
	server.Stop()
	assert.Equal(t, "lost", failed(t, events).Code)
	events.Await(t, func(e tunnel.Event) bool {
		return e.Err != nil && e.Err.Error() == fmt.Sprintf("cannot reach %s (connection refused)", server.Addr)
	})
	server.Start()
	online(t, events, 2)
	get(t, http.DefaultClient, server.URL())
	http.DefaultClient.CloseIdleConnections()
}

// Without GatewayPorts a server grants the wish and listens on 127.0.0.1 all
// the same: the client cannot know.
func TestOnlyAProbeSeesWhereAServerListens(t *testing.T) {
	for setting, leads := range map[string]bool{"GatewayPorts clientspecified": true, "GatewayPorts no": false} {
		t.Run(setting, func(t *testing.T) {
			server := sshtest.StartServer(t, setting)
			p := server.Provider()
			p.Server.BindHost = "127.0.0.2"
			_, port, err := net.SplitHostPort(server.Listen)
			require.NoError(t, err)
			u := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.2", port)}
			tun, err := p.Open(t.Context(), tunnel.Options{URL: u})
			require.NoError(t, err)
			defer tun.Close()
			prober := tunnel.NewProber()
			go http.Serve(tun, prober.Handler(http.NotFoundHandler()))
			err = prober.Probe(t.Context(), u)
			if leads {
				assert.NoError(t, err)
				return
			}
			var e *tunnel.ProbeError
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tunnel.ProbeUnreachable, e.Class)
			assert.Equal(t, u.String()+" does not lead here (connection refused)", e.Error())
			assert.Contains(t, e.Hint, "GatewayPorts")
		})
	}
}

// What was answered is not lost when the tunnel is closed right away.
func TestCloseSendsWhatWasWritten(t *testing.T) {
	server := sshtest.StartServer(t)
	for range 20 {
		tun, err := server.Provider().Open(t.Context(), tunnel.Options{URL: server.URL()})
		require.NoError(t, err)
		c, err := net.Dial("tcp", server.Listen)
		require.NoError(t, err)
		from, err := tun.Accept()
		require.NoError(t, err)
		answer := make([]byte, 64<<10)
		_, err = from.Write(answer)
		require.NoError(t, err)
		require.NoError(t, tun.Close())
		require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
		n, _ := readAll(c)
		require.Equal(t, len(answer), n)
		require.NoError(t, c.Close())
		server.WaitIdle()
	}
}

func readAll(c net.Conn) (n int, err error) {
	b := make([]byte, 32<<10)
	for err == nil {
		var k int
		k, err = c.Read(b)
		n += k
	}
	return n, err
}

// With nothing but a name: user, keys and known hosts as ssh finds them.
func TestDefaultsAreThoseOfSSH(t *testing.T) {
	server := sshtest.StartServer(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("SSH_AUTH_SOCK", "")
	require.NoError(t, os.Mkdir(home+"/.ssh", 0o700))
	require.NoError(t, os.Link(server.KeyFile, home+"/.ssh/id_ed25519"))
	require.NoError(t, os.Link(server.KnownHosts, home+"/.ssh/known_hosts"))
	s, err := ssh.Parse("ssh://" + server.Addr + "?listen=" + server.Listen)
	require.NoError(t, err)
	open(t, ssh.Provider{Server: s}, server.URL())
}
