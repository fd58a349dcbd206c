package hubtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
)

const api = "/api/settings/webhooks"

func TestLifeOfAWebhook(t *testing.T) {
	h := hubtest.Start(t)
	c, ctx := h.Client(), limited(t)
	all, err := c.List(ctx)
	require.NoError(t, err)
	assert.Empty(t, all)

	made, err := c.Create(ctx, hub.Settings{URL: "https://example.com/a", Watched: []hub.Watched{acme}, Domains: both, Secret: "s1"})
	require.NoError(t, err)
	assert.Regexp(t, "^[0-9a-f]{24}$", made.ID)
	assert.True(t, made.HasSecret)
	assert.Empty(t, made.Secret, "not shown")
	assert.Equal(t, hub.Secret("s1"), h.Webhook(made.ID).Secret)

	got, err := c.Get(ctx, made.ID)
	require.NoError(t, err)
	assert.Equal(t, made, got)
	_, err = c.Update(ctx, made.ID, hub.Change{URL: "https://example.com/b", Secret: hub.KeepSecret})
	require.ErrorIs(t, err, hub.ErrSecretUnknown)
	got, err = c.Update(ctx, made.ID, hub.Change{URL: "https://example.com/b", Domains: []hub.Domain{"discussions"}, Secret: hub.SetSecret("s2")})
	require.NoError(t, err)
	assert.Equal(t, &hub.Webhook{ID: made.ID, URL: "https://example.com/b", State: hub.Enabled, Secret: "s2", HasSecret: true,
		Watched: []hub.Watched{acme}, Domains: []hub.Domain{hub.DomainDiscussion}}, h.Webhook(made.ID))
	assert.Equal(t, "https://example.com/b", got.URL)

	got, err = c.Disable(ctx, made.ID)
	require.NoError(t, err)
	assert.Equal(t, hub.Disabled, got.State)
	got, err = c.Enable(ctx, made.ID)
	require.NoError(t, err)
	assert.Equal(t, hub.Enabled, got.State)

	other := h.Register("https://example.com/c", "", acme)
	all, err = c.List(ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, other.ID, all[1].ID)
	assert.False(t, all[1].HasSecret)

	require.NoError(t, c.Delete(ctx, made.ID))
	require.ErrorIs(t, c.Delete(ctx, made.ID), hub.ErrNotFound)
	_, err = c.Get(ctx, made.ID)
	require.ErrorIs(t, err, hub.ErrNotFound)
	assert.Nil(t, h.Webhook(made.ID))
	assert.Len(t, h.Webhooks(), 1)
}

func TestJobs(t *testing.T) {
	h := hubtest.Start(t)
	c, ctx := h.Client(), limited(t)
	s := hub.Settings{Watched: []hub.Watched{acme}, Domains: both}
	s.Job = &hub.Job{Flavor: "cpu-basic", SpaceID: "acme/app", Arch: "arm64", Attempts: 2, TimeoutSeconds: 9, Command: []string{"x"},
		Secrets: hub.JobSecrets{"B": "x", "A": "y"}, Environment: map[string]string{"AB": "c"}, Labels: map[string]string{"a": ""},
		Volumes: []hub.Volume{{Type: hub.Bucket, Source: "acme/b", MountPath: "/b"}}}
	w, err := c.Create(ctx, s)
	require.NoError(t, err)
	assert.Equal(t, &hub.Job{Flavor: "cpu-basic", SpaceID: "acme/app", TimeoutSeconds: 9, Command: []string{"x"},
		Secrets: hub.JobSecrets{"B": "", "A": ""}, Environment: map[string]string{"AB": "c"}, Labels: map[string]string{"a": ""}}, w.Job, "as the Hub shows it")
	assert.Equal(t, s.Job, h.Webhook(w.ID).Job)
	_, err = c.Update(ctx, w.ID, hub.Change{Domains: both, Secret: hub.KeepSecret})
	require.ErrorIs(t, err, hub.ErrJobUnknown)

	w, err = c.Create(ctx, hub.Settings{JobSourceID: "j1", Watched: s.Watched, Domains: both})
	require.NoError(t, err)
	assert.Equal(t, "j1", w.JobSourceID)
	assert.Equal(t, "python:3.12", w.Job.DockerImage)
	before := h.Webhook(w.ID).Job
	w, err = c.Update(ctx, w.ID, hub.Change{Domains: []hub.Domain{hub.DomainRepo}, Secret: hub.KeepSecret})
	require.NoError(t, err)
	assert.Equal(t, "j1", w.JobSourceID)
	assert.Equal(t, before, h.Webhook(w.ID).Job)

	d := h.Trigger(hubtest.Event{Repo: "acme/x"})
	require.Len(t, d, 2)
	assert.Zero(t, d[0].Wait(), "nobody runs it")
}

// send makes a raw call.
func send(t *testing.T, h *hubtest.Hub, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(limited(t), method, h.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+h.Token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(b)
}

func TestBadBodiesAreRefused(t *testing.T) {
	bug, err := os.ReadFile("../testdata/update.request.hfh-bug.json")
	require.NoError(t, err)
	const rest = `"watched":[{"type":"org","name":"acme"}],"domains":["repo"]`
	const target = `"url":"https://example.com/",` + rest
	job := func(more string) string { return `{"job":{"flavor":"f","dockerImage":"i",` + more + `},` + rest + `}` }
	h := hubtest.Start(t)
	w := h.Register("https://example.com/", "", acme)
	for name, c := range map[string]struct{ body, want string }{
		"huggingface_hub's update": {string(bug), `"watched"`},
		"no JSON":                  {`{`, "JSON"},
		"no object":                {`[]`, "JSON"},
		"null":                     {`null`, "JSON"},
		"empty":                    {``, "JSON"},
		"no watched":               {`{"url":"https://example.com/","domains":["repo"]}`, `"watched"`},
		"empty watched":            {`{"url":"https://example.com/","domains":["repo"],"watched":[]}`, `"watched"`},
		"null watched":             {`{"url":"https://example.com/","domains":["repo"],"watched":null}`, `"watched"`},
		"watched by name":          {`{"url":"https://example.com/","domains":["repo"],"watched":["acme"]}`, `"watched"`},
		"watched without type":     {`{"url":"https://example.com/","domains":["repo"],"watched":[{"name":"acme"}]}`, `"type"`},
		"watched without name":     {`{"url":"https://example.com/","domains":["repo"],"watched":[{"type":"org"}]}`, `"name"`},
		"unknown type":             {`{"url":"https://example.com/","domains":["repo"],"watched":[{"type":"paper","name":"x"}]}`, `"watched.type"`},
		"no domains":               {`{"url":"https://example.com/","watched":[{"type":"org","name":"acme"}]}`, `"domains"`},
		"empty domains":            {`{"url":"https://example.com/","domains":[],"watched":[{"type":"org","name":"acme"}]}`, `"domains"`},
		"domains as text":          {`{"url":"https://example.com/","domains":"repo","watched":[{"type":"org","name":"acme"}]}`, `"domains"`},
		"the plural":               {`{"url":"https://example.com/","domains":["repo","discussions"],"watched":[{"type":"org","name":"acme"}]}`, `"discussion"`},
		"no target":                {`{` + rest + `}`, `"jobSourceId"`},
		"url and job":              {`{"job":{"flavor":"f","dockerImage":"i"},` + target + `}`, `"job"`},
		"url and source":           {`{"jobSourceId":"x",` + target + `}`, `"jobSourceId"`},
		"no uri":                   {`{"url":"example.com",` + rest + `}`, `"url"`},
		"url of odd type":          {`{"url":7,` + rest + `}`, `"url"`},
		"url that is null":         {`{"url":null,` + rest + `}`, `"url"`},
		"secret with a line end":   {`{"secret":"a\n",` + target + `}`, `"secret"`},
		"secret with letters":      {`{"secret":"é",` + target + `}`, `"secret"`},
		"secret of odd type":       {`{"secret":7,` + target + `}`, `"secret"`},
		"job of odd type":          {`{"job":7,` + rest + `}`, `"job"`},
		"job without flavor":       {`{"job":{"dockerImage":"i"},` + rest + `}`, `"job.flavor"`},
		"job without image":        {`{"job":{"flavor":"f"},` + rest + `}`, `"job.dockerImage"`},
		"job with both":            {job(`"spaceId":"a/b"`), `"job.spaceId"`},
		"job on another machine":   {job(`"arch":"m68k"`), `"job.arch"`},
		"job before its time":      {job(`"timeoutSeconds":-1`), `"job.timeoutSeconds"`},
		"job without command":      {job(`"command":[]`), `"job.command"`},
		"job with an empty one":    {job(`"command":[""]`), `"job.command"`},
		"job secrets by name":      {job(`"secrets":["A"]`), `"job"`},
		"job secret's name":        {job(`"secrets":{"1":"x"}`), `"job.secrets"`},
		"job variable's name":      {job(`"environment":{"A":"x"}`), `"job.environment"`},
		"job label":                {job(`"labels":{"a b":"x"}`), `"job.labels"`},
		"job without volumes":      {job(`"volumes":[]`), `"job.volumes"`},
		"job volume's type":        {job(`"volumes":[{"type":"kernel","source":"a/b","mountPath":"/x"}]`), `"job.volumes.type"`},
		"job volume's path":        {job(`"volumes":[{"type":"bucket","source":"a/b","mountPath":"x"}]`), `"mountPath"`},
	} {
		for _, path := range []string{api, api + "/" + w.ID} {
			resp, body := send(t, h, http.MethodPost, path, c.body)
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode, name)
			assert.Contains(t, resp.Header.Get("X-Error-Message"), c.want, name)
			var said struct{ Error string }
			require.NoError(t, json.Unmarshal([]byte(body), &said), name)
			assert.Equal(t, resp.Header.Get("X-Error-Message"), said.Error, name)
			assert.NotEmpty(t, resp.Header.Get("X-Request-Id"), name)
		}
	}
	resp, _ := send(t, h, http.MethodPost, api, `{`+target+`}`, "Content-Type", "text/plain")
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	resp, _ = send(t, h, http.MethodPost, api, string(bytes.Repeat([]byte(" "), 2<<20)))
	assert.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	assert.Equal(t, []*hub.Webhook{w}, h.Webhooks(), "nothing changed")

	resp, _ = send(t, h, http.MethodPost, api, `{"colour":"red","secret":"\u007f ~",`+target+`}`, "Content-Type", "application/json; charset=utf-8")
	assert.Equal(t, http.StatusOK, resp.StatusCode, "this one is good")
}

// The answers have the shape of the samples.
func TestSamples(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile("../testdata/" + name)
		require.NoError(t, err)
		return string(b)
	}
	h := hubtest.Start(t)
	h.ShowSecrets(true)
	resp, body := send(t, h, http.MethodPost, api, read("create.request.url.json"))
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	id := h.Webhooks()[0].ID
	same := func(sample, got string) {
		t.Helper()
		sample = strings.ReplaceAll(read(sample), "654bbbc16f2ec14d77f109cc", id)
		sample = strings.Replace(sample, `"avatarUrl": "/avatars/julien-c.svg"`, `"type": "user"`, 1)
		assert.JSONEq(t, sample, got)
	}
	same("create.response.json", body)
	_, body = send(t, h, http.MethodGet, api+"/"+id, "")
	same("get.response.json", body)
	_, body = send(t, h, http.MethodPost, api+"/"+id+"/disable", "")
	same("disable.response.json", body)
	h.ShowSecrets(false)
	h.Edit(id, func(w *hub.Webhook) { w.State = hub.Enabled })
	_, body = send(t, h, http.MethodGet, api+"/"+id, "")
	same("get.response.has-secret.json", body)
	resp, body = send(t, h, http.MethodPost, api+"/"+id, read("update.request.json"))
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	resp, body = send(t, h, http.MethodPost, api, read("create.request.job-source.json"))
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	_, body = send(t, h, http.MethodDelete, api+"/"+id, "")
	same("delete.response.json", body)
}

func TestWhoIsRefused(t *testing.T) {
	h := hubtest.Start(t)
	w := h.Register("https://example.com/", "", acme)
	for _, login := range []string{"", "Bearer ", "Bearer hf_wrong", h.Token, "Basic " + h.Token} {
		for _, path := range []string{api, "/api/whoami-v2"} {
			resp, body := send(t, h, http.MethodGet, path, "", "Authorization", login)
			assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "%q", login)
			assert.Contains(t, body, resp.Header.Get("X-Error-Message"))
		}
	}
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/nothing"}, {"GET", "/"}, {"PUT", api}, {"DELETE", api}, {"GET", api + "/" + w.ID + "/enable"},
		{"POST", api + "/" + w.ID + "/explode"}, {"POST", api + "/" + w.ID + "/replay"}, {"POST", api + "/" + w.ID + "/enable/now"},
		{"POST", api + "/" + w.ID + "/replay/a/b"}, {"POST", "/api/whoami-v2"}, {"GET", api + "x"},
		{"GET", api + "/654bbbc16f2ec14d77f109cc"}, {"POST", api + "/" + w.ID + "/replay/654bbbc16f2ec14d77f109cc"},
	} {
		resp, _ := send(t, h, c.method, c.path, "{}")
		assert.Equal(t, http.StatusNotFound, resp.StatusCode, "%s %s", c.method, c.path)
		assert.NotEmpty(t, resp.Header.Get("X-Error-Message"))
	}
}

func TestTokenKinds(t *testing.T) {
	h := hubtest.Start(t)
	w := h.Register("https://example.com/", "", acme)
	c, ctx := h.Client(), limited(t)
	for name, k := range map[string]struct {
		kind        hub.TokenKind
		rights      []string
		read, write bool // what it may
		r, w        hub.Grant
	}{
		"write":                   {hub.TokenWrite, nil, true, true, hub.Granted, hub.Granted},
		"read":                    {hub.TokenRead, nil, true, false, hub.Unknown, hub.Denied},
		"fine-grained, nothing":   {hub.TokenFineGrained, nil, false, false, hub.Denied, hub.Denied},
		"fine-grained, read":      {hub.TokenFineGrained, []string{hub.RightRead}, true, false, hub.Granted, hub.Denied},
		"fine-grained, both":      {hub.TokenFineGrained, []string{hub.RightRead, hub.RightWrite}, true, true, hub.Granted, hub.Granted},
		"login":                   {hub.TokenOAuth, nil, false, false, hub.Unknown, hub.Unknown},
		"login, with the scope":   {hub.TokenOAuth, []string{hub.RightRead, hub.RightWrite}, true, true, hub.Unknown, hub.Unknown},
		"something else entirely": {"god", nil, false, false, hub.Unknown, hub.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			h.TokenIs(k.kind, k.rights...)
			id, err := c.WhoAmI(ctx)
			require.NoError(t, err)
			assert.Equal(t, hubtest.User, id.Name)
			assert.Equal(t, k.kind, id.Kind)
			assert.Equal(t, k.r, id.Read)
			assert.Equal(t, k.w, id.Write)
			for _, call := range []struct {
				err     error
				allowed bool
			}{
				{second(c.List(ctx)), k.read}, {second(c.Get(ctx, w.ID)), k.read},
				{second(c.Disable(ctx, w.ID)), k.write}, {second(c.Enable(ctx, w.ID)), k.write},
			} {
				if call.allowed {
					assert.NoError(t, call.err)
				} else {
					e := asError(t, call.err)
					assert.Equal(t, http.StatusForbidden, e.Status)
					assert.Contains(t, e.Hint, "user.webhooks.")
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestRequestsAreRecorded(t *testing.T) {
	h := hubtest.Start(t)
	_, err := h.Client().List(limited(t))
	require.NoError(t, err)
	h.Interrupt(1, hubtest.HTMLError)
	_, err = h.Client().Create(limited(t), hub.Settings{URL: "https://example.com/", Watched: []hub.Watched{acme}, Domains: both})
	require.Error(t, err)
	got := h.Requests()
	require.Len(t, got, 2)
	assert.Equal(t, "GET "+api, got[0].Method+" "+got[0].Path)
	assert.Equal(t, http.StatusOK, got[0].Status)
	assert.Equal(t, http.MethodPost, got[1].Method)
	assert.Equal(t, http.StatusInternalServerError, got[1].Status)
	assert.Equal(t, "hfhook/dev", got[1].Header.Get("User-Agent"))
	assert.JSONEq(t, `{"url":"https://example.com/","watched":[{"type":"org","name":"acme"}],"domains":["repo","discussion"]}`, string(got[1].Body))
}
