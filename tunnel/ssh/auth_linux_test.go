package ssh_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
)

// startAgent runs an SSH agent with the given keys.
func startAgent(t *testing.T, keys ...ed25519.PrivateKey) (socket string) {
	t.Helper()
	held := agent.NewKeyring()
	for _, key := range keys {
		require.NoError(t, held.Add(agent.AddedKey{PrivateKey: key}))
	}
	socket = filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_ = agent.ServeAgent(held, c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return socket
}

// newKey makes a key, in a file too; with a passphrase unless that is empty.
func newKey(t *testing.T, passphrase string) (file string, key ed25519.PrivateKey, public gossh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := gossh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = gossh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "id")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	public, err = gossh.NewPublicKey(key.Public())
	require.NoError(t, err)
	return file, key, public
}

func TestAgent(t *testing.T) {
	server := sshtest.StartServer(t)
	file, key, public := newKey(t, rand.Text())
	server.Authorize(public)
	_, other, _ := newKey(t, "")
	t.Setenv("HOME", t.TempDir()) // no key files

	p := server.Provider()
	p.KeyFiles, p.AgentSocket = nil, startAgent(t, other, key)
	t.Run("all of its keys", func(t *testing.T) { open(t, p, server.URL()) })
	server.WaitIdle()
	p.KeyFiles = []string{file}
	t.Run("the key of a file with a passphrase", func(t *testing.T) { open(t, p, server.URL()) })
	server.WaitIdle()

	p.KeyFiles, p.AgentSocket = nil, startAgent(t, other)
	e := openError(t, p, server.URL())
	assert.Equal(t, "auth", e.Code)
	assert.Equal(t, fmt.Sprintf("127.0.0.1 did not let %s in (offered: 1 key of the SSH agent)", server.User), e.Error())
	assert.Equal(t, "put your public key into .ssh/authorized_keys on the server, or name a key with --ssh-key FILE", e.Hint)
	assert.True(t, e.Permanent)

	p.AgentSocket = filepath.Join(t.TempDir(), "none")
	e = openError(t, p, server.URL())
	assert.Equal(t, fmt.Sprintf("127.0.0.1 did not let %s in (offered: no key)", server.User), e.Error())
	assert.Equal(t, "the SSH agent of SSH_AUTH_SOCK does not answer", e.Hint)
}

// It may wait for a person, who has gone.
func TestAnAgentThatDoesNotAnswer(t *testing.T) {
	server := sshtest.StartServer(t)
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer l.Close()
	asked := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(asked)
		c, err := l.Accept()
		if assert.NoError(t, err) {
			defer c.Close()
			_, _ = c.Read(make([]byte, 1))
			cancel()
			_, _ = io.Copy(io.Discard, c)
		}
	}()
	p := server.Provider()
	p.KeyFiles, p.AgentSocket = nil, socket
	p.HandshakeTimeout = time.Hour
	_, err = p.Open(ctx, tunnel.Options{URL: server.URL()})
	assert.ErrorIs(t, err, context.Canceled)
	<-asked
}

func TestTooManyKeys(t *testing.T) {
	server := sshtest.StartServer(t, "MaxAuthTries 2")
	p := server.Provider()
	p.KeyFiles = nil
	for range 3 {
		file, _, _ := newKey(t, "")
		p.KeyFiles = append(p.KeyFiles, file)
	}
	p.KeyFiles = append(p.KeyFiles, server.KeyFile)
	e := openError(t, p, server.URL())
	assert.Equal(t, "auth", e.Code)
	assert.Contains(t, e.Err.Error(), "Too many authentication failures")
}

func TestKeyFiles(t *testing.T) {
	server := sshtest.StartServer(t)
	phrase := rand.Text()
	locked, _, public := newKey(t, phrase)
	server.Authorize(public)
	stranger, _, _ := newKey(t, "")
	broken := filepath.Join(t.TempDir(), "broken")
	require.NoError(t, os.WriteFile(broken, []byte("x"), 0o600))

	p := server.Provider()
	p.KeyFiles = []string{stranger, locked}
	e := openError(t, p, server.URL())
	assert.Equal(t, "auth", e.Code)
	assert.Equal(t, fmt.Sprintf("127.0.0.1 did not let %s in (offered: %s)", server.User, stranger), e.Error())
	assert.Equal(t, fmt.Sprintf("%s has a passphrase: add it to your SSH agent with ssh-add %s", locked, locked), e.Hint)

	for file, want := range map[string]string{
		broken:            "cannot use the SSH key " + broken + " (no key found)",
		"/does/not/exist": "cannot use the SSH key /does/not/exist (no such file or directory)",
	} {
		p.KeyFiles = []string{file}
		e := openError(t, p, server.URL())
		assert.Equal(t, "missing", e.Code)
		assert.Equal(t, want, e.Error())
		assert.True(t, e.Permanent)
	}
	p.KeyFiles = []string{stranger, server.KeyFile}
	open(t, p, server.URL())
}

func TestACertificateBesideAKey(t *testing.T) {
	server := sshtest.StartServer(t)
	authorityFile, _, authority := newKey(t, "")
	ca := filepath.Join(t.TempDir(), "ca.pub")
	require.NoError(t, os.WriteFile(ca, gossh.MarshalAuthorizedKey(authority), 0o600))
	server.Stop()
	server.Start("TrustedUserCAKeys " + ca)

	file, _, public := newKey(t, "")
	cert := &gossh.Certificate{Key: public, CertType: gossh.UserCert, ValidPrincipals: []string{server.User}, ValidBefore: gossh.CertTimeInfinity,
		Permissions: gossh.Permissions{Extensions: map[string]string{"permit-port-forwarding": ""}}}
	require.NoError(t, cert.SignCert(rand.Reader, signerOf(t, authorityFile)))
	require.NoError(t, os.WriteFile(file+"-cert.pub", gossh.MarshalAuthorizedKey(cert), 0o600))
	p := server.Provider()
	p.KeyFiles = []string{file}
	open(t, p, server.URL())
}

// Who was in once is not sent away for good: the agent may be locked, or the
// server short of something.
func TestARefusedLoginPassesWhileTheTunnelRuns(t *testing.T) {
	server := sshtest.StartServer(t)
	p := server.Provider()
	p.Backoff = func(int) time.Duration { return 20 * time.Millisecond }
	_, events := open(t, p, server.URL())
	away := server.KeyFile + ".away"
	require.NoError(t, os.Rename(server.Authorized, away))
	server.KillSessions()
	refused := events.Await(t, func(e tunnel.Event) bool {
		te, ok := e.Err.(*tunnel.Error)
		return ok && te.Code == "auth"
	})
	assert.Equal(t, tunnel.Reconnecting, refused.State)
	require.NoError(t, os.Rename(away, server.Authorized))
	online(t, events, 2)
}
