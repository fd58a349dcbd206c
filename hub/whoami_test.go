package hub_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

func TestWhoAmI(t *testing.T) {
	fine := func(scoped string) string {
		return `{"type":"user","name":"ada","auth":{"type":"access_token","accessToken":{"displayName":"laptop","role":"fineGrained","fineGrained":` + scoped + `}}}`
	}
	own := func(permissions string) string {
		return fine(`{"global":["discussion.write"],"scoped":[{"entity":{"_id":"1","type":"user","name":"ada"},"permissions":[` + permissions + `]}]}`)
	}
	classic := func(role string) string {
		return `{"type":"user","name":"ada","isPro":true,"orgs":[],"auth":{"type":"access_token","accessToken":{"displayName":"laptop","role":"` + role + `"}}}`
	}
	login := func(more string) string {
		return `{"type":"user","name":"ada","auth":{"type":"app_token_as_user","expiresAt":"2026-12-20T00:00:00Z"` + more + `}}`
	}
	for name, c := range map[string]struct {
		body        string
		kind        hub.TokenKind
		read, write hub.Grant
	}{
		"classic write":              {classic("write"), hub.TokenWrite, hub.Granted, hub.Granted},
		"classic admin":              {classic("admin"), "admin", hub.Granted, hub.Granted},
		"classic read":               {classic("read"), hub.TokenRead, hub.Unknown, hub.Denied},
		"a role that is new":         {classic("god"), "god", hub.Unknown, hub.Unknown},
		"fine-grained, both":         {own(`"user.webhooks.read","user.webhooks.write"`), hub.TokenFineGrained, hub.Granted, hub.Granted},
		"fine-grained, read":         {own(`"user.webhooks.read"`), hub.TokenFineGrained, hub.Granted, hub.Denied},
		"fine-grained, write":        {own(`"user.webhooks.write"`), hub.TokenFineGrained, hub.Denied, hub.Granted},
		"fine-grained, neither":      {own(`"repo.write"`), hub.TokenFineGrained, hub.Denied, hub.Denied},
		"fine-grained, global":       {fine(`{"global":["user.webhooks.read"],"scoped":[]}`), hub.TokenFineGrained, hub.Granted, hub.Denied},
		"fine-grained, an org's":     {fine(`{"scoped":[{"entity":{"type":"org","name":"ada"},"permissions":["user.webhooks.write"]}]}`), hub.TokenFineGrained, hub.Denied, hub.Denied},
		"fine-grained, somebody's":   {fine(`{"scoped":[{"entity":{"type":"user","name":"bob"},"permissions":["user.webhooks.write"]}]}`), hub.TokenFineGrained, hub.Denied, hub.Denied},
		"fine-grained, not told":     {fine(`null`), hub.TokenFineGrained, hub.Unknown, hub.Unknown},
		"fine-grained, of odd shape": {fine(`["x"]`), hub.TokenFineGrained, hub.Unknown, hub.Unknown},
		"login":                      {login(""), hub.TokenOAuth, hub.Unknown, hub.Unknown},
		"login with the scope":       {login(`,"scopes":["openid","webhooks"]`), hub.TokenOAuth, hub.Granted, hub.Granted},
		"login without it":           {login(`,"scopes":["openid"]`), hub.TokenOAuth, hub.Denied, hub.Denied},
		"nothing about it":           {`{"name":"ada"}`, "", hub.Unknown, hub.Unknown},
		"of odd shape":               {`{"name":"ada","auth":["x"]}`, "", hub.Unknown, hub.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			cl := client(t, func(w http.ResponseWriter, r *http.Request) {
				got = r
				answer(200, c.body)(w, r)
			})
			id, err := cl.WhoAmI(limited(t))
			require.NoError(t, err)
			assert.Equal(t, "ada", id.Name)
			assert.Equal(t, c.kind, id.Kind)
			assert.Equal(t, c.read, id.Read, "read")
			assert.Equal(t, c.write, id.Write, "write")
			assert.Equal(t, "/api/whoami-v2", got.URL.Path)
			if c.kind == hub.TokenOAuth {
				assert.True(t, id.Expires.Equal(time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)))
			}
		})
	}
}

func TestPing(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		status int // of the error; -1: none
		hint   string
	}{
		"wants a token": {answer(401, `{"error":"no"}`), -1, ""},
		"rate limit":    {answer(429, "", "Retry-After", "20"), -1, ""},
		"knows me":      {answer(200, `{"name":"ada"}`), -1, ""},
		"fails":         {answer(503, ""), 503, "try again later"},
		"a page":        {answer(200, "<html>log in to the WLAN</html>"), 0, "HF_ENDPOINT"},
		"a blocked one": {answer(403, "<html>"), 403, "HF_ENDPOINT"},
		"a redirect":    {answer(302, "", "Location", "https://portal.example/"), 302, "portal.example"},
		"another API":   {answer(404, `{}`), 404, "HF_ENDPOINT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := client(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Empty(t, r.Header.Get("Authorization"))
				c.answer(w, r)
			}, func(o *hub.Options) { o.Token.Value = hub.Secret([]string{"", "hf_some"}[len(name)%2]) }).Ping(limited(t))
			if c.status < 0 {
				require.NoError(t, err)
				return
			}
			e := asError(t, err)
			assert.Equal(t, c.status, e.Status)
			assert.Contains(t, e.Hint, c.hint)
		})
	}
	err := client(t, answer(200, "{}"), func(o *hub.Options) { o.Offline = true }).Ping(limited(t))
	require.ErrorIs(t, err, hub.ErrOffline)
}

func TestWhoAmIPrintsSafely(t *testing.T) {
	cl := client(t, answer(200, `{"name":"a\u001b[31mda\u202e","auth":{"accessToken":{"role":"re\nad","displayName":"\u0007x"}}}`))
	id, err := cl.WhoAmI(limited(t))
	require.NoError(t, err)
	assert.Equal(t, "a[31mda", id.Name)
	assert.Equal(t, hub.TokenKind("re ad"), id.Kind)
	assert.Equal(t, "x", id.TokenName)
}

func TestNotAHub(t *testing.T) {
	for _, body := range []string{"", "<html>hello</html>", "[]", `{"user":"ada"}`, `{"name":7}`, `null`} {
		_, err := client(t, answer(200, body)).WhoAmI(limited(t))
		e := asError(t, err)
		assert.Contains(t, e.Hint, "HF_ENDPOINT", "%q", body)
		assert.NotContains(t, e.Error(), "<", "%q", body)
	}
}
