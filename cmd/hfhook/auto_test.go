package main

import (
	"crypto/rand"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
	"github.com/hfhook/hfhook/tunnel/command/commandtest"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// closedPort is nobody's: as a proxy it is a machine without a network.
const closedPort = "http://127.0.0.1:1"

func TestAutoWithoutANetworkReceivesLocallyAndSaysWhy(t *testing.T) {
	t.Parallel()
	cloudflare := cloudflaredtest.Start(t)
	cloudflare.Refuse(cloudflaredtest.BrokenAPI, -1)
	start := time.Now()
	p := startWithEnv(t, []string{"NGROK_AUTHTOKEN=" + rand.Text(), "HTTPS_PROXY=" + closedPort, "PATH=" + cloudflare.Dir},
		"dev", "--listen", "127.0.0.1:0", "--no-secret")
	_, err := p.await(&p.err, "Waiting for deliveries", 1)
	require.NoError(t, err)
	assert.Less(t, time.Since(start), 35*time.Second)
	assert.Equal(t, []string{
		"skipped ngrok: cannot reach connect.ngrok-agent.com:443 (proxy 127.0.0.1:1: connection refused)",
		"skipped cloudflared: Cloudflare could not create a quick tunnel (last line: failed to parse quick Tunnel ID: invalid UUID length: 0)",
		"skipped ssh:localhost.run: cannot reach localhost.run:22 (proxy 127.0.0.1:1: connection refused)",
	}, regexp.MustCompile(`skipped [^\n]*`).FindAllString(p.err.String(), -1))
	assert.Regexp(t, `(?m)^hfhook: no public URL: no tunnel could be opened`, p.err.String())
	assert.Regexp(t, `(?m)^hint: hfhook doctor `, p.err.String())
	local, err := p.await(&p.err, `^URL +(http://127\.0\.0\.1:\d+/webhooks/dev)  local: the Hub cannot reach it$`, 1)
	require.NoError(t, err)
	p.deliver(t, nil, local[1], 1)
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)
}

// The strongest comes first, and whatever came first stays.
func TestAutoTakesTheFirstThatOpens(t *testing.T) {
	edge := ngroktest.Start(t)
	for name, c := range map[string]struct {
		token string
		want  string
	}{
		"ngrok with an authtoken":           {edge.Token, "ngrok"},
		"cloudflared when that is refused":  {rand.Text(), "cloudflared"},
		"cloudflared where there is no one": {"", "cloudflared"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloudflare := cloudflaredtest.Start(t)
			env := append(ngrokEnv(t, edge, c.token), "PATH="+cloudflare.Dir, "HFHOOK_CLOUDFLARED_NAME_SERVER="+cloudflare.NameServer)
			if c.want == "cloudflared" {
				env = append(env, "HTTPS_PROXY="+cloudflare.ProxyURL.String(), "SSL_CERT_FILE="+cloudflare.CAFile(t))
			}
			p := startWithEnv(t, env, "dev", "--json", "--listen", "127.0.0.1:0", "--no-secret")
			assert.Equal(t, c.want, p.ready(t).Tunnel)
			if c.token != "" && c.want != "ngrok" {
				_, err := p.await(&p.out, `"type":"warning".*"message":"skipped ngrok: ngrok refused the authtoken from NGROK_AUTHTOKEN \(ERR_NGROK_107\)","hint":"`, 1)
				require.NoError(t, err)
			}
			code, err := p.end(os.Interrupt)
			require.NoError(t, err)
			assert.Zero(t, code)
		})
	}
}

func TestAQuickTunnelFromStartToEnd(t *testing.T) {
	t.Parallel()
	cloudflare := cloudflaredtest.Start(t)
	p := startWithEnv(t, []string{
		"PATH=" + cloudflare.Dir, "HFHOOK_CLOUDFLARED_NAME_SERVER=" + cloudflare.NameServer,
		"HTTPS_PROXY=" + cloudflare.ProxyURL.String(), "SSL_CERT_FILE=" + cloudflare.CAFile(t),
	}, "dev", "--tunnel", "cloudflared", "--listen", "127.0.0.1:0", "--no-secret")
	found, err := p.await(&p.err, `^URL +(https://\S+\.trycloudflare\.com/webhooks/dev)  through Cloudflare: TLS ends there, the name changes at every start$`, 1)
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d  waiting for \S+\.trycloudflare\.com to appear in DNS$`, p.err.String())
	p.deliver(t, cloudflare.Client(), found[1], 1)
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)
}

func TestAMissingCloudflaredSaysWhatNeedsNothing(t *testing.T) {
	p := startWithEnv(t, []string{"PATH=" + t.TempDir()}, "dev", "--tunnel", "cloudflared", "--listen", "127.0.0.1:0")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitNoTunnel, code)
	assert.Contains(t, p.err.String(), "hfhook: cloudflared was not found in PATH\nhint: install it, or use --tunnel=ssh:localhost.run, which needs nothing\n")
}

func TestATunnelOutOfAnyProgram(t *testing.T) {
	t.Parallel()
	service := commandtest.Start(t)
	p := startWithEnv(t, []string{"HTTPS_PROXY=" + service.ProxyURL.String(), "SSL_CERT_FILE=" + service.CAFile(t)},
		"dev", "--tunnel-cmd", service.Command, "--tunnel-url-pattern", commandtest.Pattern, "--listen", "127.0.0.1:0", "--no-secret")
	found, err := p.await(&p.err, `^URL +(https://\S+/webhooks/dev)  through the command that you gave$`, 1)
	require.NoError(t, err)
	p.deliver(t, service.Client(), found[1], 1)
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)
}
