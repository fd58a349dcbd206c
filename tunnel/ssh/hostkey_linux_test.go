package ssh_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
)

// knownHosts writes a file with the given lines.
func knownHosts(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return file
}

func TestKnownHosts(t *testing.T) {
	server := sshtest.StartServer(t)
	b, err := os.ReadFile(server.KnownHosts)
	require.NoError(t, err)
	name, key, ok := strings.Cut(strings.TrimSpace(string(b)), " ")
	require.True(t, ok)
	require.Equal(t, "["+strings.Replace(server.Addr, ":", "]:", 1), name)
	other := string(gossh.MarshalAuthorizedKey(server.NewKey(filepath.Join(t.TempDir(), "other"))))
	_, port, _ := strings.Cut(server.Addr, ":")

	for what, file := range map[string]string{
		"hashed":             knownHosts(t, knownhosts.HashHostname(name)+" "+key),
		"one of several":     knownHosts(t, "# a comment", "not a line", "", name+" "+other, name+" "+key),
		"a pattern of names": knownHosts(t, "[127.0.0.*]:"+port+" "+key),
	} {
		t.Run(what, func(t *testing.T) {
			p := server.Provider()
			p.KnownHosts = []string{file}
			open(t, p, server.URL())
		})
		server.WaitIdle()
	}

	mismatch := knownHosts(t, "x "+key, name+" "+other)
	revoked := knownHosts(t, name+" "+key, "@revoked * "+key)
	for what, c := range map[string]struct{ file, detail, hint string }{
		"unknown": {
			knownHosts(t, "127.0.0.1 "+key), // on port 22
			"the SSH key of 127.0.0.1 is not known here (" + server.HostKey + ")",
			fmt.Sprintf("compare it with what the owner of the server says, then connect once with ssh -p %s %s@127.0.0.1, or pass --ssh-host-key %s", port, server.User, server.HostKey),
		},
		"mismatch": {
			mismatch,
			"the SSH key of 127.0.0.1 is not the one in " + mismatch + ", line 2 (" + server.HostKey + ")",
			"not connecting; if the server has a new key, remove the old one with ssh-keygen -R '" + name + "'",
		},
		"revoked": {
			revoked,
			"the SSH key of 127.0.0.1 is revoked in " + revoked + ", line 2 (" + server.HostKey + ")",
			"not connecting; ask the owner of the server for its new key",
		},
	} {
		t.Run(what, func(t *testing.T) {
			p := server.Provider()
			p.KnownHosts = []string{c.file}
			e := openError(t, p, server.URL())
			assert.Equal(t, "hostkey", e.Code)
			assert.Equal(t, c.detail, e.Error())
			assert.Equal(t, c.hint, e.Hint)
			assert.True(t, e.Permanent)
		})
	}
	t.Run("no such file", func(t *testing.T) {
		p := server.Provider()
		p.KnownHosts = []string{"/does/not/exist"}
		e := openError(t, p, server.URL())
		assert.Equal(t, "missing", e.Code)
		assert.Contains(t, e.Error(), "cannot read the known SSH hosts (open /does/not/exist")
	})
	t.Run("no file at all", func(t *testing.T) {
		t.Setenv("HOME", t.TempDir())
		p := server.Provider()
		p.KnownHosts = nil
		assert.Equal(t, "the SSH key of 127.0.0.1 is not known here ("+server.HostKey+")", openError(t, p, server.URL()).Error())
	})
	t.Run("a fingerprint from the user", func(t *testing.T) {
		p := server.Provider()
		p.KnownHosts, p.HostKeys = nil, []string{"SHA256:" + strings.Repeat("A", 43), server.HostKey}
		open(t, p, server.URL())
	})
	t.Run("another fingerprint from the user", func(t *testing.T) {
		p := server.Provider()
		p.HostKeys = []string{"SHA256:" + strings.Repeat("A", 43)}
		e := openError(t, p, server.URL())
		assert.Equal(t, "hostkey", e.Code)
		assert.Equal(t, "the SSH key of 127.0.0.1 is not the one given with --ssh-host-key ("+server.HostKey+")", e.Error())
	})
	assert.NotContains(t, server.Log(), "Failed", "no login was tried at the wrong server")
}

// A server shows the key of the first algorithm that it is asked for: the
// question has to be for one that is known.
func TestTheKnownOneOfSeveralHostKeys(t *testing.T) {
	server := sshtest.StartServer(t)
	server.Stop()
	rsa := server.AddRSAHostKey()
	server.Start()
	for what, key := range map[string]string{"Ed25519": server.HostKey, "RSA": gossh.FingerprintSHA256(rsa)} {
		t.Run(what+" by fingerprint", func(t *testing.T) {
			p := server.Provider()
			p.HostKeys = []string{key}
			open(t, p, server.URL())
		})
		server.WaitIdle()
	}
	p := server.Provider()
	t.Run("Ed25519 in a file", func(t *testing.T) { open(t, p, server.URL()) })
	server.WaitIdle()
	p.KnownHosts = []string{knownHosts(t, knownhosts.Line([]string{server.Addr}, rsa))}
	t.Run("RSA in a file", func(t *testing.T) { open(t, p, server.URL()) })
}

func TestAnAuthorityForHosts(t *testing.T) {
	server := sshtest.StartServer(t)
	dir := t.TempDir()
	server.NewKey(filepath.Join(dir, "authority"))
	authority := signerOf(t, filepath.Join(dir, "authority"))
	cert := &gossh.Certificate{
		Key: server.NewKey(filepath.Join(dir, "host")), CertType: gossh.HostCert,
		ValidPrincipals: []string{"127.0.0.1"}, ValidBefore: gossh.CertTimeInfinity,
	}
	require.NoError(t, cert.SignCert(rand.Reader, authority))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "host-cert.pub"), gossh.MarshalAuthorizedKey(cert), 0o600))
	server.Stop()
	server.Start("HostKey "+filepath.Join(dir, "host"), "HostCertificate "+filepath.Join(dir, "host-cert.pub"))

	key := strings.TrimSpace(string(gossh.MarshalAuthorizedKey(authority.PublicKey())))
	_, port, _ := strings.Cut(server.Addr, ":")
	p := server.Provider()
	p.KnownHosts = []string{knownHosts(t, "@cert-authority [127.0.0.1]:"+port+" "+key)}
	t.Run("known", func(t *testing.T) { open(t, p, server.URL()) })
	server.WaitIdle()

	cert.ValidBefore = uint64(time.Now().Add(-time.Hour).Unix())
	require.NoError(t, cert.SignCert(rand.Reader, authority))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "host-cert.pub"), gossh.MarshalAuthorizedKey(cert), 0o600))
	server.Stop()
	server.Start()
	e := openError(t, p, server.URL())
	assert.Equal(t, "hostkey", e.Code)
	assert.Contains(t, e.Error(), "the SSH certificate of 127.0.0.1 is not good (")
}

func signerOf(t *testing.T, file string) gossh.Signer {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	signer, err := gossh.ParsePrivateKey(b)
	require.NoError(t, err)
	return signer
}
