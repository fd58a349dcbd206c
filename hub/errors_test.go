package hub_test

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

const id = "654bbbc16f2ec14d77f109cc"

func TestMessages(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		headers []string
		want    string
	}{
		"header":               {"", []string{"X-Error-Message", "no good"}, "no good"},
		"error":                {`{"error":"no good"}`, nil, "no good"},
		"header and error":     {`{"error":"in the body"}`, []string{"X-Error-Message", "in the header"}, "in the header; in the body"},
		"the same twice":       {`{"error":"no good"}`, []string{"X-Error-Message", "no good"}, "no good"},
		"a list":               {`{"error":["one","two",3]}`, nil, "one; two"},
		"a description":        {`{"error":"invalid_grant","error_description":"it ended"}`, nil, "invalid_grant; it ended"},
		"errors":               {`{"errors":[{"message":"one"},{"message":"two","path":["x"]},{"message":7},"x"]}`, nil, "one; two"},
		"plain text":           {"no good\n", []string{"Content-Type", "text/plain"}, "no good"},
		"nothing":              {"", nil, ""},
		"other JSON":           {`{"status":"x","n":1}`, nil, ""},
		"JSON of odd shape":    {`["x"]`, nil, ""},
		"error of odd shape":   {`{"error":{"a":1},"errors":"x"}`, nil, ""},
		"a page":               {"<html><h1>500</h1></html>", []string{"Content-Type", "text/html; charset=utf-8"}, ""},
		"a page in disguise":   {"\n <!DOCTYPE html><p>x", []string{"Content-Type", "application/json"}, ""},
		"a page with a header": {"<html>", []string{"Content-Type", "text/html", "X-Error-Message", "no good"}, "no good"},
		"steering a terminal":  {`{"error":"a\u001b[31mb\u202ec\nd\u0000e\tf\u200b"}`, nil, "a[31mbc de f"},
		"bytes that are none":  {"a\xff\xfeb", nil, "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(t, answer(400, c.body, c.headers...)).Get(limited(t), id)
			e := asError(t, err)
			assert.Equal(t, c.want, e.Message)
			assert.Equal(t, 400, e.Status)
			want := "cannot get webhook " + id + ": the Hub answered 400 Bad Request"
			if c.want != "" {
				want += ": " + c.want
			}
			assert.Equal(t, want, e.Error())
		})
	}
}

func TestMessagesAreBounded(t *testing.T) {
	for _, body := range []string{
		`{"error":"` + strings.Repeat("ü", 100_000) + `"}`,
		`{"error":["` + strings.Repeat(`a","b","`, 20_000) + `"]}`,
		strings.Repeat("x", 1<<20),
	} {
		c := client(t, answer(400, body, "X-Error-Message", strings.Repeat("h", 5000), "X-Error-Code", strings.Repeat("c", 5000), "X-Request-Id", strings.Repeat("r", 5000)))
		_, err := c.List(limited(t))
		assert.Less(t, len(asError(t, err).Error()), 2000)
	}
}

func TestCodeAndRequestID(t *testing.T) {
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"first":   {[]string{"X-Request-Id", "a", "X-Amzn-Trace-Id", "b", "X-Amz-Cf-Id", "c"}, "a"},
		"second":  {[]string{"X-Amzn-Trace-Id", "b", "X-Amz-Cf-Id", "c"}, "b"},
		"third":   {[]string{"X-Amz-Cf-Id", "c"}, "c"},
		"none":    {nil, ""},
		"unclean": {[]string{"X-Request-Id", "a\u202e\u0085b"}, "a b"},
	} {
		_, err := client(t, answer(422, "", append(c.headers, "X-Error-Code", "GatedRepo")...)).List(limited(t))
		e := asError(t, err)
		assert.Equal(t, c.want, e.RequestID, name)
		assert.Equal(t, "GatedRepo", e.Code, name)
		assert.Contains(t, e.Error(), "[GatedRepo]", name)
		if c.want != "" {
			assert.Contains(t, e.Error(), "(request "+c.want+")", name)
		}
	}
}

func TestHints(t *testing.T) {
	list := func(t *testing.T, c *hub.Client) error { _, err := c.List(limited(t)); return err }
	get := func(t *testing.T, c *hub.Client) error { _, err := c.Get(limited(t), id); return err }
	remove := func(t *testing.T, c *hub.Client) error { return c.Delete(limited(t), id) }
	whoami := func(t *testing.T, c *hub.Client) error { _, err := c.WhoAmI(limited(t)); return err }
	asJSON := []string{"Content-Type", "application/json"}
	for name, c := range map[string]struct {
		call    func(*testing.T, *hub.Client) error
		status  int
		body    string
		headers []string
		token   hub.Token
		want    []string
		missing bool // wraps ErrNotFound
	}{
		"wrong token":          {call: list, status: 401, token: hub.Token{Source: "HF_TOKEN"}, want: []string{"the token from HF_TOKEN is not valid", "/settings/tokens"}},
		"token from nowhere":   {call: list, status: 401, want: []string{"the token is not valid"}},
		"ended, renewable":     {call: list, status: 401, token: hub.Token{Expires: time.Now().Add(-time.Hour), Refreshable: true}, want: []string{"expired", "renews"}},
		"ended":                {call: list, status: 401, token: hub.Token{Expires: time.Now().Add(-time.Hour)}, want: []string{"expired", "hf auth login"}},
		"may not read":         {call: list, status: 403, want: []string{"user.webhooks.read", "scope webhooks"}},
		"may not write":        {call: remove, status: 403, want: []string{"user.webhooks.write", "role write"}},
		"may nothing":          {call: whoami, status: 403},
		"unknown id":           {call: get, status: 404, body: `{"error":"gone"}`, headers: asJSON, want: []string{"check the id", "/settings/webhooks"}, missing: true},
		"unknown id, deleting": {call: remove, status: 404, want: []string{"check the id"}, missing: true},
		"not a Hub, a page":    {call: get, status: 404, body: "<html>", want: []string{"is http", "a Hub", "HF_ENDPOINT"}},
		"not a Hub, listing":   {call: list, status: 404, want: []string{"HF_ENDPOINT"}},
		"a page, forbidden":    {call: get, status: 403, body: "<html>", want: []string{"HF_ENDPOINT"}},
		"rate limit":           {call: list, status: 429, headers: []string{"RateLimit", `"api";r=0;t=250`}, want: []string{"wait 4m10s"}},
		"rate limit, no time":  {call: remove, status: 429, headers: []string{"Retry-After", "soon"}, want: []string{"wait a few minutes"}},
		"proxy":                {call: list, status: 407, want: []string{"HTTPS_PROXY"}},
		"the Hub fails":        {call: remove, status: 503, want: []string{"status.huggingface.co"}},
		"redirect":             {call: list, status: 307, headers: []string{"Location", "https://elsewhere.example/x?token=1"}, want: []string{"to https://elsewhere.example,", "HF_ENDPOINT"}},
		"redirect far away":    {call: list, status: 302, headers: []string{"Location", "https://" + strings.Repeat("x", 9000)}, want: []string{"to https://xxx"}},
		"redirect to nowhere":  {call: list, status: 302, want: []string{"elsewhere"}},
		"not valid":            {call: remove, status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.token.Value = hub.Secret(rand.Text())
			cl := client(t, answer(c.status, c.body, c.headers...), func(o *hub.Options) { o.Token, o.Timeout = c.token, 20*time.Second })
			err := c.call(t, cl)
			e := asError(t, err)
			assert.Equal(t, c.status, e.Status)
			if c.want == nil {
				assert.Empty(t, e.Hint)
			}
			for _, want := range c.want {
				assert.Contains(t, e.Hint, want)
			}
			assert.NotContains(t, e.Hint, "<")
			assert.Less(t, len(e.Hint), 400)
			if c.missing {
				assert.ErrorIs(t, err, hub.ErrNotFound)
			} else {
				assert.NotErrorIs(t, err, hub.ErrNotFound)
			}
		})
	}
}

func TestNothingIsSentWithoutToken(t *testing.T) {
	calls := 0
	count := func(http.ResponseWriter, *http.Request) { calls++ }
	_, err := client(t, count, func(o *hub.Options) { o.Token = hub.Token{} }).List(limited(t))
	require.ErrorIs(t, err, hub.ErrNoToken)
	assert.Contains(t, asError(t, err).Hint, "HF_TOKEN")

	err = client(t, count, func(o *hub.Options) { o.Offline = true }).Delete(limited(t), id)
	require.ErrorIs(t, err, hub.ErrOffline)
	assert.Contains(t, asError(t, err).Hint, "HF_HUB_OFFLINE")
	assert.Zero(t, calls)
}

func TestNoEncryptionIsToldOf(t *testing.T) {
	for endpoint, warns := range map[string]bool{"http://hub.example": true, "http://192.0.2.1:80": true, "https://hub.example": false, "http://127.0.0.1:1": false, "http://[::1]:1": false, "http://localhost": false} {
		var log strings.Builder
		o := hub.Options{Endpoint: endpoint}
		debugTo(&log)(&o)
		_, err := hub.New(o)
		require.NoError(t, err)
		assert.Equal(t, warns, strings.Contains(log.String(), "without encryption"), endpoint)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, endpoint := range []string{"huggingface.co", "ftp://huggingface.co", "https://", "https://user:pass@huggingface.co", "https://huggingface.co?x=1", "https://huggingface.co#x", "https://hugging face.co", ":"} {
		_, err := hub.New(hub.Options{Endpoint: endpoint})
		e := asError(t, err)
		assert.Contains(t, e.Hint, "HF_ENDPOINT", endpoint)
		assert.NotContains(t, e.Error(), "pass@", endpoint)
	}
	for _, bad := range []string{"a b", "a\nb", "tökén", "a\x00"} {
		_, err := hub.New(hub.Options{Token: hub.Token{Value: hub.Secret(bad), Source: "HF_TOKEN"}})
		e := asError(t, err)
		assert.Contains(t, e.Error(), "the token from HF_TOKEN", "%q", bad)
		assert.NotContains(t, e.Error(), bad)
	}
	c, err := hub.New(hub.Options{Endpoint: "http://127.0.0.1:1/base//"})
	require.NoError(t, err)
	assert.Equal(t, "http://127.0.0.1:1/base", c.Endpoint())
	c, err = hub.New(hub.Options{})
	require.NoError(t, err)
	assert.Equal(t, "https://huggingface.co", c.Endpoint())
}

func TestARedirectRepeatsNoToken(t *testing.T) {
	var token string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		answer(302, "", "Location", "https://"+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+".example/")(w, r)
	}, func(o *hub.Options) { token = string(o.Token.Value) })
	_, err := c.List(limited(t))
	e := asError(t, err)
	assert.Contains(t, e.Hint, "https://[redacted].example")
	assert.NotContains(t, e.Hint, token)
}

func TestASecretThatBeginsWithAnother(t *testing.T) {
	long := rand.Text()
	_, err := client(t, answer(400, `{"error":"not `+long+`"}`)).Create(limited(t), hub.Settings{
		URL: "https://example.com/?secret=" + long, Secret: hub.Secret(long[:10]),
		Watched: []hub.Watched{{Type: hub.Org, Name: "acme"}}, Domains: []hub.Domain{hub.DomainRepo},
	})
	assert.Equal(t, "not [redacted]", asError(t, err).Message)
}

// What a Hub repeats of a token or a secret is in no error and no log.
func TestSecretsOfCallsDoNotShow(t *testing.T) {
	secret, inURL, password, ofJob := "a &+/"+rand.Text(), "u/"+rand.Text(), rand.Text(), rand.Text()
	repeat := func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		said := strings.Join([]string{"said", token, token[:5] + "\u200b" + token[5:], secret, inURL, "u%2F" + inURL[2:], password, ofJob, "a+%26%2B%2F" + secret[5:]}, " ")
		w.Header().Set("X-HF-Warning", said+"; "+said)
		answer(400, `{"error":"`+said+`"}`, "X-Error-Message", said, "X-Error-Code", said, "X-Request-Id", said)(w, r)
	}
	var log strings.Builder
	c := client(t, repeat, debugTo(&log))
	watched := []hub.Watched{{Type: hub.Org, Name: "acme"}}
	domains := []hub.Domain{hub.DomainRepo}
	for _, s := range []hub.Settings{
		{URL: "https://u:" + password + "@example.com/x?secret=u%2F" + inURL[2:], Watched: watched, Domains: domains, Secret: hub.Secret(secret)},
		{Job: &hub.Job{Flavor: "cpu-basic", Secrets: hub.JobSecrets{"KEY": hub.Secret(ofJob)}}, Watched: watched, Domains: domains},
	} {
		_, err := c.Create(limited(t), s)
		e := asError(t, err)
		assert.Contains(t, e.Message, "said [redacted]")
		log.WriteString(e.Error() + e.Hint + e.Code + e.RequestID)
		if s.Job == nil {
			for _, text := range []string{secret, secret[5:], inURL[2:], password} {
				assert.NotContains(t, log.String(), text)
			}
			log.Reset()
		} else {
			assert.NotContains(t, log.String(), ofJob)
		}
	}
}
