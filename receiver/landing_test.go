package receiver_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestLandingPage(t *testing.T) {
	store := memory.New()
	public := &url.URL{Scheme: "https", Host: "public.example"}
	s := newServer(t, receiver.Options{Secrets: []string{"hunter2"}, Store: store, PublicURL: func() *url.URL { return public }})
	s.Handle("hf/other", ok)
	defer func() { assert.NoError(t, s.Shutdown(t.Context())) }()
	record(s, "POST", "/webhooks/hook", sample(t, hostile), "X-Webhook-Secret: hunter2")
	require.Len(t, kept(t, store), 1)

	got := record(s, "GET", "/?secret=%3Cscript%3E", "", "Host: evil.example", "X-Forwarded-Host: evil.example")
	page := got.Body.String()
	assert.Equal(t, 200, got.Code)
	assert.Contains(t, page, "https://public.example/webhooks/hook")
	assert.Contains(t, page, "https://public.example/webhooks/hf/other")
	assert.Contains(t, page, `href="https://huggingface.co/settings/webhooks"`)
	assert.Contains(t, page, "Enter the secret")
	for _, no := range []string{"hunter2", "evil.example", "example.com", "No secret is set", "out of its reach", kept(t, store)[0].Repo} {
		assert.NotContains(t, page, no)
	}
	for name, want := range map[string]string{
		"Content-Type":           "text/html; charset=utf-8",
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy":        "no-referrer",
		"Cache-Control":          "no-store",
	} {
		assert.Equal(t, want, got.Header().Get(name), name)
	}
	head := record(s, "HEAD", "/", "")
	assert.Equal(t, 200, head.Code)

	page = record(newServer(t, receiver.Options{}), "GET", "/", "").Body.String()
	assert.Contains(t, page, "<code>/webhooks/hook</code>")
	assert.Contains(t, page, "No secret is set")
	assert.Contains(t, page, "out of its reach")
}

// What the page has inline is what its policy allows, and nothing is fetched.
func TestLandingPagePolicy(t *testing.T) {
	got := record(newServer(t, receiver.Options{}), "GET", "/", "")
	policy := got.Header().Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'")
	assert.Contains(t, policy, "frame-ancestors 'none'")
	assert.NotContains(t, policy, "unsafe")
	inline := regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`).FindAllStringSubmatch(got.Body.String(), -1)
	require.Len(t, inline, 2)
	for _, m := range inline {
		sum := sha256.Sum256([]byte(m[2]))
		assert.Contains(t, policy, m[1]+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		assert.NotEmpty(t, m[2])
	}
	assert.NotRegexp(t, `\s(src|style|on\w+)=`, got.Body.String())
}

func TestLandingPageOfTheListener(t *testing.T) {
	addr := serve(t, newServer(t, receiver.Options{}))
	got := send(t, "GET", "http://"+addr+"/", "")
	assert.Contains(t, got.Body, "<code>http://"+addr+"/webhooks/hook</code>")
}

func TestOwnLandingPage(t *testing.T) {
	s := newServer(t, receiver.Options{Landing: http.RedirectHandler("https://example.com", http.StatusFound)})
	assert.Equal(t, 302, record(s, "GET", "/", "").Code)
}
