package replay

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
)

func request(t *testing.T, head string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n")))
	require.NoError(t, err, head)
	return r
}

func TestNewDelivery(t *testing.T) {
	d := NewDelivery(request(t, "POST /webhooks/../a%2Fb?x=%31&&y HTTP/1.1\nHost: h:1\nwebhook-id: w\nx-a: 1\nX-A: 2"), []byte("{}"))
	assert.Equal(t, Delivery{
		WebhookID: "w", Method: "POST", Path: "/webhooks/../a%2Fb", Query: "x=%31&&y", Host: "h:1",
		Header: http.Header{"Webhook-Id": {"w"}, "X-A": {"1", "2"}},
		Body:   []byte("{}"), BodySize: 2,
	}, d)
	for line, want := range map[string][2]string{
		"http://u:p@h/a?b=1": {"/a", "b=1"},
		"http://h":           {"/", ""},
		"http://h?b":         {"/", "b"},
		"//x/y":              {"//x/y", ""},
		"/a?b?c":             {"/a", "b?c"},
		"a:@evil.test/x?y":   {"/a:@evil.test/x", "y"}, // http://localhost:3000a:@evil.test/x would be there
	} {
		d := NewDelivery(request(t, "POST "+line+" HTTP/1.1\nHost: h"), nil)
		assert.Equal(t, want, [2]string{d.Path, d.Query}, line)
	}
	d = NewDelivery(httptest.NewRequest("POST", "/p%20q?z", nil), nil)
	assert.Equal(t, "/p%20q?z", d.Path+"?"+d.Query)
	d = NewDelivery(&http.Request{URL: &url.URL{Path: "/p q"}}, nil)
	assert.Equal(t, "/p%20q", d.Path)
}

func TestNewDeliveryHoldsNoSecret(t *testing.T) {
	secret := rand.Text()
	for _, head := range []string{
		"/?secret=" + secret,
		"/?a=1&secret=" + secret + "&b=2",
		"/?secret=x&secret=" + secret,
		"/?s%65cret=" + secret,
		"/?%73%65%63%72%65%74=" + secret,
		"/?Secret=" + secret,
		"/?+secret+=" + secret,
		"/?%20secret=" + secret,
		"/?secret%zz=" + secret,
		"/?%secret=" + secret,
		"/?secret%=" + secret,
		"/?s%65cret%zz=" + secret,
		"/?secret%3D" + secret,
		"/?a=1;secret=" + secret,
		"/?secret=a;" + secret,
		"/?a;s%65cret=b;c=" + secret + ";d",
		"/?secret==" + secret,
		"/?secret=a?secret=" + secret,
		"http://me:" + secret + "@h/x?secret=" + secret,
		"http://h?secret=" + secret,
		"/ HTTP/1.1\nX-Webhook-Secret: " + secret + "\nx-webhook-secret: " + secret + "\nX-Last: 1",
		"/ HTTP/1.1\nReferer: https://h/x?a=1&secret=" + secret,
		"/ HTTP/1.1\nX-Original-Url: /x?s%65cret=" + secret,
	} {
		if !strings.Contains(head, " HTTP/1.1") {
			head += " HTTP/1.1"
		}
		d := NewDelivery(request(t, "POST "+head+"\nHost: h"), nil)
		all, err := json.Marshal(d)
		require.NoError(t, err)
		assert.NotContains(t, string(all), secret, head)
	}
}

func TestSecretsOnlyAreRedacted(t *testing.T) {
	for _, query := range []string{
		"", "&", "a=1&&b", "client_secret=1", "secrets=1", "secret", "a=secret", "%zz=1", "x=1;y=2", "a=%73ecret=", "q=a+b%20c",
	} {
		assert.Equal(t, query, redactQuery(query))
		assert.Equal(t, query, restoreQuery(query, rand.Text()))
		assert.Equal(t, query, restoreQuery(query, ""))
	}
	for raw, want := range map[string]string{
		"secret=" + Redacted:                         "",
		"a=1&secret=" + Redacted + "&b":              "a=1&b",
		"a=1;secret=" + Redacted + "&b":              "a=1&b",
		"secret=" + Redacted + "&secret=" + Redacted: "",
		"secret=other":                               "secret=other",
	} {
		assert.Equal(t, want, restoreQuery(raw, ""), raw)
	}
}

// FuzzRedactQuery: what any usual way of parsing takes for the secret is gone,
// and comes back where it was.
func FuzzRedactQuery(f *testing.F) {
	for _, seed := range []string{"secret=abc", "a=1&s%65cret=b;c", "secret%3dx", ";;&=;secret==", "%zzsecret=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		redacted := redactQuery(raw)
		for _, query := range []string{redacted, strings.ReplaceAll(redacted, ";", "&")} {
			values, _ := url.ParseQuery(query)
			for _, value := range values["secret"] {
				if value != "" {
					assert.Equal(t, Redacted, value, "%q became %q", raw, redacted)
				}
			}
		}
		assert.Equal(t, redacted, redactQuery(redacted), "once is enough")
		secret := rand.Text()
		restored := restoreQuery(redacted, secret)
		assert.Equal(t, redacted, redactQuery(restored))
	})
}

func TestDescribe(t *testing.T) {
	p, err := payload.Decode([]byte(`{"event":{"action":"update","scope":"repo.content"},"repo":{"type":"model","name":"a/b"}}`))
	require.NoError(t, err)
	var d Delivery
	d.Describe(p)
	assert.Equal(t, []string{"repo.content", "update", "model", "a/b"},
		[]string{string(d.Scope), string(d.Action), string(d.RepoType), d.Repo})
	assert.Contains(t, d.Summary, "a/b")

	long := strings.Repeat("x", maxText-1) + "éé"
	p = &payload.Payload{Event: payload.Event{Scope: payload.Scope(long), Action: "\xff"}, Repo: payload.Repo{Name: long}}
	d.Describe(p)
	assert.Len(t, d.Repo, maxText-1)
	assert.Len(t, d.Scope, maxText-1)
	assert.EqualValues(t, "\uFFFD", d.Action)
	assert.True(t, utf8.ValidString(d.Summary))
	assert.LessOrEqual(t, len(d.Summary), maxText)
}
