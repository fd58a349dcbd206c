package hub_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

// fixture is one of the samples, which are composed from the Hub's OpenAPI
// document and the examples of huggingface_hub.
func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(b)
}

var (
	fixtureURL     = "https://webhook.site/a2176e82-5720-43ee-9e06-f91cb4c91548"
	fixtureWatched = []hub.Watched{{Type: hub.User, Name: "julien-c", AvatarURL: "/avatars/julien-c.svg"}, {Type: hub.Org, Name: "HuggingFaceH4"}}
	bothDomains    = []hub.Domain{hub.DomainRepo, hub.DomainDiscussion}
)

func TestListFixture(t *testing.T) {
	all, err := client(t, answer(200, fixture(t, "list.response.json"))).List(limited(t))
	require.NoError(t, err)
	require.Len(t, all, 3)
	assert.Equal(t, &hub.Webhook{ID: id, URL: fixtureURL, Watched: fixtureWatched, Domains: bothDomains, State: hub.Enabled, Secret: "my-secret", HasSecret: true}, all[0])
	assert.Equal(t, hub.Suspended, all[1].State)
	assert.True(t, all[1].LastTriggerAt.Equal(time.Date(2026, 9, 1, 12, 34, 56, 0, time.UTC)))
	assert.Equal(t, &hub.Job{DockerImage: "python:3.12", Command: []string{"python", "-c", "print(1)"}, Arguments: []string{}, Environment: map[string]string{},
		Flavor: "cpu-basic", Labels: map[string]string{}, Secrets: hub.JobSecrets{"HF_TOKEN": ""}}, all[2].Job)
	assert.Equal(t, "687f911eaea852de79c4a50a", all[2].JobSourceID)
	assert.False(t, all[2].HasSecret)
}

func TestGetFixtures(t *testing.T) {
	want := hub.Webhook{ID: id, URL: fixtureURL, Watched: fixtureWatched, Domains: bothDomains, State: hub.Enabled, HasSecret: true}
	wrapped := fixture(t, "get.response.json")
	var inner map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(wrapped), &inner))
	for _, body := range []string{wrapped, string(inner["webhook"])} {
		w, err := client(t, answer(200, body)).Get(limited(t), id)
		require.NoError(t, err)
		withSecret := want
		withSecret.Secret = "my-secret"
		assert.Equal(t, &withSecret, w)
	}
	w, err := client(t, answer(200, fixture(t, "get.response.has-secret.json"))).Get(limited(t), id)
	require.NoError(t, err)
	assert.Equal(t, &want, w)
	w, err = client(t, answer(200, fixture(t, "disable.response.json"))).Disable(limited(t), id)
	require.NoError(t, err)
	assert.Equal(t, hub.Disabled, w.State)
}

// What the Hub may show one day is passed through or left out, and what it is
// about is there all the same.
func TestUnknownIsNormal(t *testing.T) {
	for name, c := range map[string]struct {
		shown string
		want  hub.Webhook
	}{
		"bare":             {`{"id":"x"}`, hub.Webhook{State: hub.Enabled}},
		"nulls":            {`{"id":"x","url":null,"job":null,"watched":null,"domains":null,"disabled":null,"secret":null,"hasSecret":null,"lastTriggerAt":null}`, hub.Webhook{State: hub.Enabled}},
		"a new state":      {`{"id":"x","disabled":"paused"}`, hub.Webhook{State: "paused"}},
		"an unclean state": {`{"id":"x","disabled":"a\u001b[1mb"}`, hub.Webhook{State: "a[1mb"}},
		"a state as text":  {`{"id":"x","disabled":3}`, hub.Webhook{State: "3"}},
		"new types":        {`{"id":"x","watched":[{"type":"paper","name":"2401.1","more":1}],"domains":["paper"]}`, hub.Webhook{State: hub.Enabled, Watched: []hub.Watched{{Type: "paper", Name: "2401.1"}}, Domains: []hub.Domain{"paper"}}},
		"the plural":       {`{"id":"x","domains":["repo","discussions","discussion"]}`, hub.Webhook{State: hub.Enabled, Domains: bothDomains}},
		"an odd time":      {`{"id":"x","lastTriggerAt":"yesterday","url":"u"}`, hub.Webhook{State: hub.Enabled, URL: "u"}},
		"odd types":        {`{"id":"x","lastTriggerAt":7,"url":7,"watched":7,"job":7,"disabled":true}`, hub.Webhook{State: hub.Disabled, Job: &hub.Job{}}},
		"an empty secret":  {`{"id":"x","secret":""}`, hub.Webhook{State: hub.Enabled}},
		"a job's odd parts": {`{"id":"x","job":{"flavor":"new","timeoutSeconds":1.5,"secrets":7,"more":{}}}`,
			hub.Webhook{State: hub.Enabled, Job: &hub.Job{Flavor: "new"}}},
		"a job without secrets": {`{"id":"x","job":{"flavor":"f","secrets":null}}`,
			hub.Webhook{State: hub.Enabled, Job: &hub.Job{Flavor: "f"}}},
		"a job's secrets": {`{"id":"x","job":{"flavor":"f","secrets":{"A":"b"}}}`,
			hub.Webhook{State: hub.Enabled, Job: &hub.Job{Flavor: "f", Secrets: hub.JobSecrets{"A": "b"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := client(t, answer(200, c.shown)).Get(limited(t), id)
			require.NoError(t, err)
			c.want.ID = "x"
			assert.Equal(t, &c.want, w)
		})
	}
}

func TestAnswersThatAreNoWebhook(t *testing.T) {
	for _, body := range []string{"", "{}", "[]", "null", `"x"`, `{"webhook":{}}`, `{"webhook":7}`, `{"id":""}`, "<html>", `{"webhook":{"id":7}}`} {
		c := client(t, answer(200, body))
		_, err := c.Get(limited(t), id)
		assert.Contains(t, asError(t, err).Hint, "HF_ENDPOINT", body)
		_, err = c.Replay(limited(t), id, id)
		assert.Contains(t, asError(t, err).Hint, "HF_ENDPOINT", body)
	}
	for _, body := range []string{"", "{}", "null", `[{}]`, `[7]`, "<html>"} {
		_, err := client(t, answer(200, body)).List(limited(t))
		assert.Contains(t, asError(t, err).Hint, "HF_ENDPOINT", body)
	}
	for body, good := range map[string]bool{"{}": true, "": true, "<html>": false, "[]": false} {
		err := client(t, answer(200, body)).Delete(limited(t), id)
		assert.Equal(t, good, err == nil, "%q", body)
	}
}

func TestCallsOnTheWire(t *testing.T) {
	good := map[string]string{
		"GET /api/settings/webhooks/" + id:                  fixture(t, "get.response.json"),
		"POST /api/settings/webhooks":                       fixture(t, "create.response.json"),
		"POST /api/settings/webhooks/" + id + "/enable":     fixture(t, "get.response.json"),
		"POST /api/settings/webhooks/" + id + "/disable":    fixture(t, "disable.response.json"),
		"DELETE /api/settings/webhooks/" + id:               fixture(t, "delete.response.json"),
		"POST /api/settings/webhooks/" + id + "/replay/l0g": fixture(t, "replay.response.json"),
	}
	asked := map[string]string{}
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		call := r.Method + " " + r.URL.Path
		asked[call] = string(body)
		if len(body) > 0 {
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		}
		answer(200, good[call])(w, r)
	})
	_, err := c.Get(limited(t), id)
	require.NoError(t, err)
	w, err := c.Enable(limited(t), id)
	require.NoError(t, err)
	assert.Equal(t, hub.Enabled, w.State)
	_, err = c.Disable(limited(t), id)
	require.NoError(t, err)
	require.NoError(t, c.Delete(limited(t), id))
	status, err := c.Replay(limited(t), id, "l0g")
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	w, err = c.Create(limited(t), hub.Settings{URL: fixtureURL, Watched: fixtureWatched, Domains: []hub.Domain{"repo", "discussions"}, Secret: "my-secret"})
	require.NoError(t, err)
	assert.Equal(t, id, w.ID)
	assert.JSONEq(t, fixture(t, "create.request.url.json"), asked["POST /api/settings/webhooks"])
	_, err = c.Create(limited(t), hub.Settings{JobSourceID: "687f911eaea852de79c4a50a", Watched: fixtureWatched, Domains: []hub.Domain{hub.DomainRepo}})
	require.NoError(t, err)
	assert.JSONEq(t, fixture(t, "create.request.job-source.json"), asked["POST /api/settings/webhooks"])
	assert.Len(t, asked, len(good))
}

func TestCreateJob(t *testing.T) {
	var body []byte
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		answer(200, fixture(t, "create.response.json"))(w, r)
	})
	no := false
	_, err := c.Create(limited(t), hub.Settings{
		Watched: []hub.Watched{{Type: "paper", Name: "x"}}, Domains: []hub.Domain{"new"},
		Job: &hub.Job{
			DockerImage: "python:3.12", Command: []string{"python"}, Arguments: []string{"-V"}, Environment: map[string]string{"AB": "c"},
			Secrets: hub.JobSecrets{"TOKEN": "made up"}, Flavor: "cpu-basic", Arch: "arm64", TimeoutSeconds: 60, Attempts: 2,
			Labels:  map[string]string{"a": "b"},
			Volumes: []hub.Volume{{Type: hub.Bucket, Source: "acme/data", MountPath: "/data", Revision: "main", ReadOnly: &no, Path: "in"}},
		},
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"watched":[{"type":"paper","name":"x"}],"domains":["new"],"job":{"dockerImage":"python:3.12","command":["python"],"arguments":["-V"],
		"environment":{"AB":"c"},"secrets":{"TOKEN":"made up"},"flavor":"cpu-basic","arch":"arm64","timeoutSeconds":60,"attempts":2,"labels":{"a":"b"},
		"volumes":[{"type":"bucket","source":"acme/data","mountPath":"/data","revision":"main","readOnly":false,"path":"in"}]}}`, string(body))
}

func TestInvalidSettingsAreNotSent(t *testing.T) {
	c := client(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	good := func() hub.Settings {
		return hub.Settings{URL: "https://example.com/x", Watched: []hub.Watched{{Type: hub.Org, Name: "acme"}}, Domains: bothDomains}
	}
	for name, spoil := range map[string]func(*hub.Settings){
		"no target":       func(s *hub.Settings) { s.URL = "" },
		"two targets":     func(s *hub.Settings) { s.JobSourceID = "x" },
		"two more":        func(s *hub.Settings) { s.Job = &hub.Job{Flavor: "x"} },
		"no URL":          func(s *hub.Settings) { s.URL = "example.com/x" },
		"another scheme":  func(s *hub.Settings) { s.URL = "ftp://example.com/x" },
		"no host":         func(s *hub.Settings) { s.URL = "https:///x" },
		"a broken URL":    func(s *hub.Settings) { s.URL = "https://exa mple.com" },
		"nothing watched": func(s *hub.Settings) { s.Watched = nil },
		"no name":         func(s *hub.Settings) { s.Watched[0].Name = "" },
		"no type":         func(s *hub.Settings) { s.Watched[0].Type = "" },
		"no domains":      func(s *hub.Settings) { s.Domains = nil },
		"an empty domain": func(s *hub.Settings) { s.Domains = []hub.Domain{""} },
		"line end":        func(s *hub.Settings) { s.Secret = "a\nb" },
		"letters":         func(s *hub.Settings) { s.Secret = "sécret" },
		"job, no flavor":  func(s *hub.Settings) { s.URL, s.Job = "", &hub.Job{DockerImage: "x"} },
	} {
		s := good()
		spoil(&s)
		_, err := c.Create(limited(t), s)
		require.ErrorIs(t, err, hub.ErrInvalid, name)
		assert.NotContains(t, err.Error(), string(s.Secret)+"!", name)
		assert.NotContains(t, err.Error(), "cret\"", name)
	}
	for _, bad := range []string{"", ".", "..", "a/b", "a?b", "a b", "%2e", "é"} {
		_, err := c.Get(limited(t), bad)
		require.ErrorIs(t, err, hub.ErrInvalid, bad)
		require.ErrorIs(t, c.Delete(limited(t), bad), hub.ErrInvalid, bad)
		_, err = c.Enable(limited(t), bad)
		require.ErrorIs(t, err, hub.ErrInvalid, bad)
		_, err = c.Replay(limited(t), bad, id)
		require.ErrorIs(t, err, hub.ErrInvalid, bad)
		_, err = c.Replay(limited(t), id, bad)
		require.ErrorIs(t, err, hub.ErrInvalid, bad)
		_, err = c.Update(limited(t), bad, hub.Change{Secret: hub.KeepSecret})
		require.ErrorIs(t, err, hub.ErrInvalid, bad)
	}
}

func TestWebhookShowsNoSecret(t *testing.T) {
	w := &hub.Webhook{ID: id, URL: "https://example.com/?secret=hush", Secret: "my-own", HasSecret: true, State: hub.Suspended,
		Job: &hub.Job{Secrets: hub.JobSecrets{"A": "of-job"}}}
	b, err := json.Marshal(w)
	require.NoError(t, err)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", w, w.Secret, w), string(b), fmt.Sprintf("%+v", w.Job)} {
		assert.NotContains(t, shown, "my-own")
		assert.NotContains(t, shown, "of-job")
	}
	var back hub.Webhook
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, hub.Suspended, back.State)
	assert.Empty(t, back.Secret)
	assert.True(t, back.HasSecret)
}

func TestTarget(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.com/hook?a=b":                 "https://example.com/hook?a=b",
		"https://example.com/x?a=b&secret=hu%2Fsh&c=d": "https://example.com/x?a=b&secret=[redacted]&c=d",
		"https://example.com/x?SECRET=hush;b=c#y":      "https://example.com/x?SECRET=[redacted];b=c#y",
		"https://example.com/x?s%65cret=hush":          "https://example.com/x?s%65cret=[redacted]",
		"https://user:hush@example.com/x@y":            "https://[redacted]@example.com/x@y",
		"https://example.com/?secret=":                 "https://example.com/?secret=",
		"https://example.com/\x1b[31m\u202ex":          "https://example.com/[31mx",
		"not a URL":                                    "not a URL",
		"https://bots.example.com/hook?secret=hook":    "https://bots.example.com/hook?secret=[redacted]",
		"https://e:https@example.com/e":                "https://[redacted]@example.com/e",
		"https://example.com/?secret=[redacted]":       "https://example.com/?secret=[redacted]",
		"https://example.com/a;b/c?d&secret=h?u=sh":    "https://example.com/a;b/c?d&secret=[redacted]",
		"https://example.com/%zz?secret=hook#hook":     "https://example.com/%zz?secret=[redacted]#hook",
		"https://user:hu?s/h@sh@example.com/x":         "https://[redacted]@example.com/x",
	} {
		assert.Equal(t, want, (&hub.Webhook{URL: in}).Target())
	}
	assert.Equal(t, "job in space acme/x", (&hub.Webhook{Job: &hub.Job{SpaceID: "acme/x"}}).Target())
	assert.Equal(t, "job in image python", (&hub.Webhook{Job: &hub.Job{DockerImage: "python"}}).Target())
	assert.Equal(t, "job", (&hub.Webhook{}).Target())
}

func TestStateOnTheWire(t *testing.T) {
	for state, want := range map[hub.State]string{hub.Enabled: "false", "": "false", hub.Disabled: "true", hub.Suspended: `"suspended-after-failure"`, "new": `"new"`} {
		b, err := json.Marshal(state)
		require.NoError(t, err)
		assert.Equal(t, want, string(b))
	}
}
