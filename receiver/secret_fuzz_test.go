package receiver

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

// Whoever has a secret is let in by header and by URL, and nobody else is,
// whatever stands in either: what lets in is one of the secrets, whole, at one
// place. The header goes before the URL, and what is kept has no secret.
func FuzzSecret(f *testing.F) {
	f.Add("s3cret", "0ther", "s3cret", "", "")
	f.Add("s3cret", "0ther", "", "", "a=b&secret=s3cret")
	f.Add("a b+%&=;#", "~", "a b+%&=;#", "", "secret=a+b%2b%25%26%3d%3b%23")
	f.Add("s3cret", "s3", "s3cret\x00", "s3cret", "secret=s3cret&secret=s3cret")
	f.Add("s3cret", "x", "", "", "secret=s3cre%74;secret=x")
	f.Add("s3cret", "x", "", "", "Secret=s3cret&%73ecret=x")
	f.Add("\xff", "x", "\xff", "", "secret=%ff")
	f.Fuzz(func(t *testing.T, secret, other, first, second, query string) {
		all, err := newSecrets(Options{Secrets: []string{secret, other}})
		if err != nil {
			assert.True(t, CheckSecret(secret) != nil || CheckSecret(other) != nil)
			return
		}
		ask := func(query string, header ...string) *refusal {
			r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{}}
			if len(header) > 0 {
				r.Header[replay.HeaderSecret] = header
			}
			return all.check(r)
		}
		for _, good := range []string{secret, other} {
			assert.Nil(t, ask(query, good), "by header")
			assert.Nil(t, ask("secret="+url.QueryEscape(good)), "by URL")
			assert.Nil(t, ask("secret="+url.QueryEscape(good), ""), "by URL, with an empty header")
			assert.Equal(t, errManySecrets, ask(query, good, second))
			assert.Equal(t, errManySecrets, ask("secret="+url.QueryEscape(good)+"&secret="+url.QueryEscape(good)))
			if longer := good + first; longer != good && longer != secret && longer != other {
				assert.Equal(t, errWrongSecret, ask("", longer))
			}
		}
		assert.Equal(t, errNoSecret, ask(""))
		secrets := []string{secret, other}
		if first != "" {
			assert.Equal(t, slices.Contains(secrets, first), ask(query, first) == nil, "%q", first)
		}
		if ask(query) == nil {
			assert.True(t, slices.ContainsFunc(secrets, func(s string) bool { return namesSecret(query, s) }), "%q let in", query)
		}

		long := "a-secret-that-is-in-nothing-by-chance"
		if strings.Contains(query+first, long[:9]) {
			return
		}
		header := http.Header{replay.HeaderSecret: {long, first}}
		d := replay.NewDelivery(&http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: header, RequestURI: "/?secret=" + long + "&" + query,
		}, nil)
		require.NotContains(t, d.Query+d.Path+strings.Join(d.Header[replay.HeaderSecret], "\n"), long)
	})
}

// namesSecret reports whether one of the pairs of a query is a secret, by the
// words of the standard on application/x-www-form-urlencoded.
func namesSecret(query, secret string) bool {
	plain := func(s string) string {
		s = strings.ReplaceAll(s, "+", " ")
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			hex := strings.ToLower(s[i+1 : min(len(s), i+3)])
			const digits = "0123456789abcdef"
			if s[i] == '%' && len(hex) == 2 && strings.Trim(hex, digits) == "" {
				b.WriteByte(byte(strings.IndexByte(digits, hex[0])<<4 | strings.IndexByte(digits, hex[1])))
				i += 2
				continue
			}
			b.WriteByte(s[i])
		}
		return b.String()
	}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if plain(key) == "secret" && plain(value) == secret {
			return true
		}
	}
	return false
}
