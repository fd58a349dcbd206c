package ssh_test

import (
	"net"
	"os/user"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh"
)

func TestParse(t *testing.T) {
	me, err := user.Current()
	require.NoError(t, err)
	for s, want := range map[string]ssh.Server{
		"ssh://me@Example.com?listen=127.0.0.1:9000":   {Addr: "example.com:22", User: "me", BindHost: "127.0.0.1", BindPort: 9000},
		"ssh://me@example.com:2222/?listen=:80":        {Addr: "example.com:2222", User: "me", BindPort: 80},
		"ssh://example.com?listen=*:9000":              {Addr: "example.com:22", User: me.Username, BindHost: "*", BindPort: 9000},
		"ssh://me@[2001:db8::1]:22?listen=[::1]:9000":  {Addr: "[2001:db8::1]:22", User: "me", BindHost: "::1", BindPort: 9000},
		"ssh://a.b-c_d@192.0.2.1?listen=hook.test:443": {Addr: "192.0.2.1:22", User: "a.b-c_d", BindHost: "hook.test", BindPort: 443},
	} {
		got, err := ssh.Parse(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
	}
	for _, preset := range ssh.Presets() {
		got, err := ssh.Parse("ssh:" + preset.Name)
		require.NoError(t, err)
		assert.Equal(t, preset.Addr, got.Addr)
		assert.NotEmpty(t, got.HostKeys)
		assert.NotEmpty(t, got.About)
	}
}

// FuzzParse: what is taken for a server has nothing in it that steers a terminal
// or a program, and a word that is refused is not repeated.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"ssh:localhost.run", "ssh:x", "ssh://me@Example.com:2222/?listen=127.0.0.1:9000", "ssh://me@[2001:db8::1]:22?listen=[::1]:9000",
		"ssh://me:secret@x?listen=:1", "ssh://x?listen=*:9000", "ssh://-o@x?listen=:1", "ssh://x?listen=[fe80::1%25\x1b]:1", "ssh://[fe80::1%25a%0ab]?listen=:1",
	} {
		f.Add(s)
	}
	word := regexp.MustCompile(`^[][A-Za-z0-9_.:@+$*%-]*$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ssh.Parse(s)
		if err != nil {
			if len(s) > 60 { // or it may be in there by chance
				assert.NotContains(t, err.Error(), s)
			}
			return
		}
		for _, text := range []string{got.Addr, got.User, got.BindHost} {
			assert.Regexp(t, word, text)
			assert.False(t, strings.HasPrefix(text, "-"), text)
		}
		_, port, err := net.SplitHostPort(got.Addr)
		require.NoError(t, err)
		assert.NotEqual(t, "0", port)
	})
}

func TestParseRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"":                                      "the SSH server is not a URL like ssh://user@host",
		"localhost.run":                         "the SSH server is not a URL like ssh://user@host",
		"http://x?listen=:1":                    "the SSH server is not a URL like ssh://user@host",
		"ssh://x:y?listen=:1":                   "the SSH server is not a URL like ssh://user@host",
		"ssh:ngrok":                             "no SSH service of this name is built in",
		"ssh:":                                  "no SSH service of this name is built in",
		"ssh://me:secret@x?listen=:1":           "the URL of the SSH server has a password in it",
		"ssh://me@?listen=:1":                   "the URL of the SSH server has no host, or one with odd characters",
		"ssh://me@-x?listen=:1":                 "the URL of the SSH server has no host, or one with odd characters",
		"ssh://me@x%0a?listen=:1":               "the SSH server is not a URL like ssh://user@host",
		"ssh://me@x:0?listen=:1":                "the port of the SSH server is not a number between 1 and 65535",
		"ssh://me@x:65536?listen=:1":            "the port of the SSH server is not a number between 1 and 65535",
		"ssh://-o@x?listen=:1":                  "the user of the SSH server has odd characters in it",
		"ssh://a%0ab@x?listen=:1":               "the user of the SSH server has odd characters in it",
		"ssh://me@x/path?listen=:1":             "the URL of the SSH server has a path",
		"ssh://me@x?listen=:1#f":                "the URL of the SSH server has a path",
		"ssh://me@x?listen=:1&key=f":            "the URL of the SSH server takes nothing but listen after the ?",
		"ssh://me@x?listen=:1;a":                "the URL of the SSH server takes nothing but listen after the ?",
		"ssh://me@x":                            "the URL of the SSH server does not say where the server is to listen",
		"ssh://me@x?listen=:1&listen=2":         "the URL of the SSH server does not say where the server is to listen",
		"ssh://me@x?listen=9000":                "listen of the SSH server is not an address with a port",
		"ssh://me@x?listen=:0":                  "listen of the SSH server is not an address with a port",
		"ssh://me@x?listen=[fe80::1%2525%1b]:1": "listen of the SSH server is not an address with a port",
		"ssh://me@x?listen=a b:1":               "listen of the SSH server is not an address with a port",
	} {
		_, err := ssh.Parse(s)
		var e *tunnel.Error
		require.ErrorAs(t, err, &e, s)
		assert.Equal(t, want, e.Error(), s)
		assert.Equal(t, "url", e.Code)
		assert.True(t, e.Permanent)
		assert.NotEmpty(t, e.Hint)
		assert.NotContains(t, strings.ToLower(e.Detail+e.Hint), "secret")
	}
}
