package tunneltest_test

import (
	"net"
	"net/url"
	"testing"

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

// Every provider, against a real peer on loopback.
var providers = map[string]func(*testing.T) tunneltest.Case{
	"none": func(t *testing.T) tunneltest.Case {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		return tunneltest.Case{
			Provider: tunnel.None{Listener: l},
			URL:      &url.URL{Scheme: "http", Host: l.Addr().String()},
		}
	},
	"ngrok":                ngrok,
	"ssh:localhost.run":    service(ssh.LocalhostRun),
	"ssh:serveo":           service(ssh.Serveo),
	"ssh:pinggy":           service(ssh.Pinggy),
	"cloudflared":          cloudflaredtest.Case,
	"command":              commandtest.Case,
	"command, given a URL": commandtest.GivenCase,
}

func service(preset ssh.Server) func(*testing.T) tunneltest.Case {
	return func(t *testing.T) tunneltest.Case {
		c := sshtest.StartService(t, preset).Case()
		if preset.Name != ssh.LocalhostRun.Name {
			c.Closes = 0 // the others close the same way
		}
		return c
	}
}

func ngrok(t *testing.T) tunneltest.Case {
	edge := ngroktest.Start(t)
	return tunneltest.Case{
		Provider:  edge.Provider(),
		Client:    edge.Client(),
		Drop:      func() { edge.KillSessions() },
		Released:  edge.WaitIdle,
		Closes:    100, // the library's own Close hung within 67
		Secrets:   []string{edge.Token},
		Lingering: ngroktest.Lingering(),
	}
}

func TestEveryProviderKeepsTheContract(t *testing.T) {
	for name, fresh := range providers {
		t.Run(name, func(t *testing.T) { tunneltest.Run(t, fresh) })
	}
}

func TestMain(m *testing.M) {
	cloudflaredtest.Main()
	commandtest.Main()
	// ngrok's library leaves some goroutines behind for good.
	goleak.VerifyTestMain(m, append(ngroktest.Stuck(), ngroktest.Lingering()...)...)
}
