package main

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// ngrokEnv leads a program under test to the edge: its agent, and its probe of
// the public URL.
func ngrokEnv(t *testing.T, edge *ngroktest.Edge, token string) []string {
	return []string{
		"NGROK_AUTHTOKEN=" + token,
		"HFHOOK_NGROK_CONNECT_URL=" + edge.ConnectURL,
		"HFHOOK_TUNNEL_CA=" + edge.CAFile(t),
		"HTTPS_PROXY=" + edge.ProxyURL.String(),
		"SSL_CERT_FILE=" + edge.CAFile(t),
	}
}

func startWithEnv(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	home := t.TempDir()
	p, err := launch(t.Cleanup, append(append(os.Environ(), homeEnv(home)...), env...), home, "hfhook", args...)
	require.NoError(t, err)
	return p
}

func TestDeliveriesComeThroughATunnelThatWasCut(t *testing.T) {
	edge := ngroktest.Start(t)
	p := startWithEnv(t, ngrokEnv(t, edge, edge.Token), "dev", "--json", "--listen", "127.0.0.1:0", "--no-secret")
	ready := p.ready(t)
	assert.True(t, ready.Public)
	assert.Equal(t, "ngrok", ready.Tunnel)
	assert.Equal(t, "https://"+ngroktest.DevDomain+"/webhooks/dev", ready.URL)
	assert.NotContains(t, p.out.String(), `"type":"warning"`, "the probe passed")

	p.deliver(t, edge.Client(), ready.URL, 1)
	edge.KillSessions()
	_, err := p.await(&p.out, `"type":"tunnel".*"state":"reconnecting"`, 1)
	require.NoError(t, err)
	_, err = p.await(&p.out, `"type":"gap"`, 1)
	require.NoError(t, err)
	p.deliver(t, edge.Client(), ready.URL, 2)

	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)
	assert.NotContains(t, p.out.String()+p.err.String(), edge.Token)
}

func TestARefusedAuthtokenEndsWithItsOwnExitCode(t *testing.T) {
	edge := ngroktest.Start(t)
	wrong := rand.Text()
	p := startWithEnv(t, ngrokEnv(t, edge, wrong), "dev", "--tunnel", "ngrok", "--listen", "127.0.0.1:0")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitNoTunnel, code)
	assert.Regexp(t, `(?m)^hfhook: ngrok refused the authtoken from NGROK_AUTHTOKEN \(ERR_NGROK_10[567]\)`, p.err.String())
	assert.Regexp(t, `(?m)^hint: `, p.err.String())
	assert.NotContains(t, p.err.String(), wrong)
}

func TestNgrokWithoutATokenSaysWhereToGetOne(t *testing.T) {
	p := startWithEnv(t, nil, "dev", "--tunnel", "ngrok", "--listen", "127.0.0.1:0")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitNoTunnel, code)
	assert.Contains(t, p.err.String(), "dashboard.ngrok.com/get-started/your-authtoken")
}

func TestAQuotaThatIsUsedUpIsSeenByTheProbe(t *testing.T) {
	edge := ngroktest.Start(t)
	edge.AnswerRequests("727")
	p := startWithEnv(t, ngrokEnv(t, edge, edge.Token), "dev", "--listen", "127.0.0.1:0")
	_, err := p.await(&p.err, `ngrok answers for you: .*\(ERR_NGROK_727\)`, 1)
	require.NoError(t, err)
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)
}
