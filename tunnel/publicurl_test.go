package tunnel_test

import (
	"crypto/rand"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
)

func TestParsePublicURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://hooks.example.com":          "https://hooks.example.com",
		" https://hooks.example.com/ \n":     "https://hooks.example.com",
		"HTTPS://Hooks.Example.com:8443":     "https://hooks.example.com:8443",
		"https://example.com/a/b%2Fc///":     "https://example.com/a/b%2Fc",
		"https://[2001:db8::1]/hooks":        "https://[2001:db8::1]/hooks",
		"https://me-name.hf.space/Case/Kept": "https://me-name.hf.space/Case/Kept",
		"https://my_laptop.example.com.":     "https://my_laptop.example.com.",
		"https://B\u00fccher.example":        "https://xn--bcher-kva.example",
		"https://127.0.0.1:8443":             "https://127.0.0.1:8443",
	} {
		u, err := tunnel.ParsePublicURL(in, false)
		require.NoError(t, err, in)
		assert.Equal(t, want, u.String(), in)
	}
	u, err := tunnel.ParsePublicURL("http://example.com", true)
	require.NoError(t, err)
	assert.Equal(t, "http://example.com", u.String())
}

func TestParsePublicURLRefuses(t *testing.T) {
	secret := rand.Text()
	for in, want := range map[string]string{
		"":                              "the public URL does not start with https://",
		"hooks.example.com":             "the public URL does not start with https://",
		"//hooks.example.com":           "the public URL does not start with https://",
		"ftp://hooks.example.com":       "the public URL does not start with https://",
		"http://hooks.example.com":      "the public URL starts with http://: whoever is on the way could read the secret",
		"https://":                      "the public URL has no host",
		"https:///path":                 "the public URL has no host",
		"https://:443/":                 "the public URL has no host",
		"https:example.com":             "the public URL has no host",
		"https://u:" + secret + "@x.io": "the public URL has a user name in it",
		"https://x.io?s=" + secret:      "the public URL has a query",
		"https://x.io/?":                "the public URL has a query",
		"https://x.io#" + secret:        "the public URL has a fragment",
		"https://u:" + secret + "@x:p":  "the public URL is not a URL",
		"https://x.io/%zz":              "the public URL is not a URL",

		"https://x.io/a%0d%0aSet-Cookie:x": "the public URL has something in its path that cannot be shown",
		"https://x.io/\u202egpj.exe":       "the public URL has something in its path that cannot be shown",
		"https://x.io/%1b]0;x%07":          "the public URL has something in its path that cannot be shown",
		"https://x.io, https://y.io":       "the public URL is not a URL",
		"https://$(id).io":                 "the public URL has no valid host name or port",
		`https://x"onload="y.io`:           "the public URL has no valid host name or port",
		"https://x'.io":                    "the public URL has no valid host name or port",
		"https://x.io;id":                  "the public URL has no valid host name or port",
		"https://exam\u202eelp.com":        "the public URL has no valid host name or port",
		"https://a%C2%9Bb.com":             "the public URL has no valid host name or port",
		"https://-x.io":                    "the public URL has no valid host name or port",
		"https://..x.io":                   "the public URL has no valid host name or port",
		"https://x.io:":                    "the public URL has no valid host name or port",
		"https://x.io:0":                   "the public URL has no valid host name or port",
		"https://x.io:65536":               "the public URL has no valid host name or port",
		"https://[fe80::1%25$(id)]":        "the public URL has no valid host name or port",
		"https://[x.io]":                   "the public URL is not a URL",
	} {
		_, err := tunnel.ParsePublicURL(in, false)
		var e *tunnel.Error
		require.ErrorAs(t, err, &e, in)
		assert.Equal(t, want, e.Error(), in)
		assert.NotEmpty(t, e.Hint, in)
		assert.Equal(t, "url", e.Code)
		assert.NotContains(t, err.Error(), secret)
	}
	_, err := tunnel.ParsePublicURL("ftp://hooks.example.com", true)
	assert.Error(t, err, "insecure means http, nothing else")
}

// Whatever is taken for a public URL can be shown, and given to the Hub.
var (
	cleanHost = regexp.MustCompile(`^([0-9a-z_.-]+|\[[0-9a-f:.]+\])(:0*[1-9][0-9]*)?$`)
	cleanURL  = regexp.MustCompile(`^https://[]\[0-9a-z_.:-]+(/[!-~]*)?$`)
)

func FuzzParsePublicURL(f *testing.F) {
	for _, s := range []string{
		"https://a.b/c", "http://a", "https://[::1]:1/%2F", "https://u@a?b#c", "https:a", "https://a/%2F",
		"https://[fe80::1%25e]", "https://$(id)", "https://\u202e.a", "https://B\u00fccher.de:1", "https://a/%1b[", "https://a:", "https://a..",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := tunnel.ParsePublicURL(s, false)
		if err != nil {
			return
		}
		again, err := tunnel.ParsePublicURL(u.String(), false)
		require.NoError(t, err, "%q became %q", s, u)
		assert.Equal(t, u.String(), again.String(), "parsing is stable")
		assert.Equal(t, "https", u.Scheme)
		assert.Regexp(t, cleanURL, u.String())
		assert.Regexp(t, cleanHost, u.Host)
		assert.Nil(t, u.User)
	})
}

func TestSpace(t *testing.T) {
	env := map[string]string{"SPACE_ID": "me/name", "SPACE_HOST": "me-name.hf.space"}
	s, ok := tunnel.Space(func(k string) string { return env[k] })
	require.True(t, ok)
	assert.Equal(t, "me/name", s.ID)
	assert.Equal(t, "https://me-name.hf.space", s.URL.String())
	for k := range env {
		_, ok := tunnel.Space(func(n string) string {
			if n == k {
				return ""
			}
			return env[n]
		})
		assert.False(t, ok, "without %s", k)
	}
}
