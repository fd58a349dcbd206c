package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
)

// A frozen server keeps its connections open and answers nothing. That is
// noticed after 15 s of quiet and 15 s without a sign of life.
func TestAFrozenSSHServerIsNoticed(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	p := startWithEnv(t, nil, "dev", "--json", "--listen", "127.0.0.1:0", "--no-secret",
		"--tunnel", "ssh://"+server.User+"@"+server.Addr+"?listen="+server.Listen, "--ssh-key", server.KeyFile, "--ssh-known-hosts", server.KnownHosts,
		"--public-url", server.URL().String(), "--insecure-public-url")
	ready := p.ready(t)
	assert.Equal(t, "ssh", ready.Tunnel)
	assert.Equal(t, "through your server 127.0.0.1: TLS ends at the reverse proxy on it", ready.Through)
	p.deliver(t, nil, ready.URL, 1)

	frozen := time.Now()
	server.Signal(syscall.SIGSTOP)
	_, err := p.await(&p.out, `"state":"reconnecting".*"error":"[^"]*15s`, 1)
	require.NoError(t, err)
	assert.Less(t, time.Since(frozen), 35*time.Second)
	server.Signal(syscall.SIGCONT) // or it would hold the port for good
	_, err = p.await(&p.out, `"type":"gap".*"seconds":`, 1)
	require.NoError(t, err)
	p.deliver(t, nil, ready.URL, 2)
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)
}

// serviceEnv leads a program under test to the look-alike of a service, whose
// name it believes to be the real one.
func serviceEnv(t *testing.T, s *sshtest.Service) []string {
	return []string{
		"HTTPS_PROXY=" + s.ProxyURL.String(), "SSL_CERT_FILE=" + s.CAFile(t), "HFHOOK_SSH_HOST_KEY=" + s.HostKey(),
		"PATH=" + t.TempDir(), // no cloudflared
	}
}

// Without an account, a program and a flag there is a public URL, and whoever
// has to know is told when it changes.
func TestAPublicURLWithoutAnything(t *testing.T) {
	t.Parallel()
	service := sshtest.StartService(t, ssh.LocalhostRun)
	p := startWithEnv(t, serviceEnv(t, service), "dev", "--listen", "127.0.0.1:0", "--no-secret")
	found, err := p.await(&p.err, `^URL +(https://\S+)/webhooks/dev  through localhost.run: TLS ends there, the name changes every few hours$`, 1)
	require.NoError(t, err)
	first := found[1]
	_, err = p.await(&p.err, `Waiting for deliveries`, 1)
	require.NoError(t, err)
	p.deliver(t, service.Client(), first+"/webhooks/dev", 1)

	second := "https://" + service.Rename()
	service.AnnounceAgain()
	_, err = p.await(&p.err, `^hfhook: the public URL changed: `+first+`/webhooks/dev -> `+second+`/webhooks/dev$`, 1)
	require.NoError(t, err)
	_, err = p.await(&p.err, `^hint: enter the new one at https://huggingface.co/settings/webhooks, or use hfhook webhooks set-url$`, 1)
	require.NoError(t, err)
	p.deliver(t, service.Client(), second+"/webhooks/dev", 2)

	require.Equal(t, 1, service.KillSessions())
	_, err = p.await(&p.err, `^\d\d:\d\d:\d\d  tunnel down since \d\d:\d\d:\d\d: the connection to localhost.run .*; next try in \S+$`, 1)
	require.NoError(t, err)
	_, err = p.await(&p.err, `^\d\d:\d\d:\d\d  deliveries fail until it is back; the Hub sends them again$`, 1)
	require.NoError(t, err)
	_, err = p.await(&p.err, `not reachable from \d\d:\d\d:\d\d for .*; the Hub sends again what failed`, 1)
	require.NoError(t, err)
	p.deliver(t, service.Client(), second+"/webhooks/dev", 3)
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)
}

func TestAForeignSSHKeyEndsWithItsOwnExitCode(t *testing.T) {
	t.Parallel()
	service := sshtest.StartService(t, ssh.LocalhostRun)
	env := append(serviceEnv(t, service), "HFHOOK_SSH_HOST_KEY=")
	p := startWithEnv(t, env, "dev", "--tunnel", "localhost.run", "--listen", "127.0.0.1:0")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitNoTunnel, code)
	assert.Regexp(t, `(?m)^hfhook: the SSH key of localhost.run is not the one built into hfhook \(SHA256:\S+\)`, p.err.String())
	assert.Regexp(t, `(?m)^hint: .*--ssh-host-key`, p.err.String())
}
