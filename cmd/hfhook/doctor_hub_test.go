package main

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// hubAnswers runs a Hub that answers everything in the same way.
func hubAnswers(t *testing.T, handler http.HandlerFunc) (env []string, token string) {
	hub := httptest.NewServer(handler)
	t.Cleanup(hub.Close)
	token = rand.Text()
	return []string{"HF_ENDPOINT=" + hub.URL + "/", "HF_TOKEN=" + token}, token
}

func jsonAnswer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func who(auth string) http.HandlerFunc {
	return jsonAnswer(http.StatusOK, `{"type":"user","name":"some-user","auth":{"type":"access_token","accessToken":`+auth+`}}`)
}

func TestDoctorAsksTheHub(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	html := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>log in</title>"))
	}
	for name, c := range map[string]struct {
		answer     http.HandlerFunc
		noToken    bool
		hub, token checkState
		hubSays    string
		tokenSays  string
		tokenHint  string
	}{
		"a token that writes": {answer: who(`{"displayName":"laptop","role":"write"}`), hub: checkOK, token: checkOK,
			hubSays: `^http://127\.0\.0\.1:\d+ \(HF_ENDPOINT\) answers in `, tokenSays: `^from HF_TOKEN: some-user's write token "laptop"; may read webhooks; may change webhooks$`},
		"one that reads": {answer: who(`{"displayName":"laptop","role":"read"}`), hub: checkOK, token: checkWarning,
			tokenSays: `may not change webhooks$`, tokenHint: `user\.webhooks\.write`},
		"one without rights": {answer: who(`{"displayName":"x","role":"fineGrained","fineGrained":{"global":[],"scoped":[]}}`), hub: checkOK, token: checkWarning,
			tokenSays: `may not read webhooks; may not change webhooks$`, tokenHint: `user\.webhooks\.read and user\.webhooks\.write at http://127`},
		"one that ends soon": {answer: who(`{"displayName":"x","role":"write","expiration":"` + in(time.Hour) + `"}`), hub: checkOK, token: checkWarning,
			tokenSays: `expires 20`, tokenHint: `make a new one in time`},
		"one that ends later": {answer: who(`{"displayName":"x","role":"write","expiration":"` + in(1000*time.Hour) + `"}`), hub: checkOK, token: checkOK,
			tokenSays: `expires 20`},
		"a name with an escape": {answer: who(`{"displayName":"\u001b[31mred","role":"write"}`), hub: checkOK, token: checkOK, tokenSays: `red`},
		"a token that is not valid": {answer: jsonAnswer(http.StatusUnauthorized, `{"error":"Invalid credentials"}`), hub: checkOK, token: checkWarning,
			tokenSays: `401`, tokenHint: `HF_TOKEN is not valid`},
		"a Hub with a problem": {answer: jsonAnswer(http.StatusInternalServerError, `{}`), hub: checkWarning, token: checkSkipped,
			hubSays: `500`, tokenSays: `^from HF_TOKEN$`},
		"a page":           {answer: html, hub: checkWarning, token: checkSkipped},
		"no token":         {answer: jsonAnswer(http.StatusUnauthorized, `{"error":"Invalid username or password."}`), noToken: true, hub: checkOK, token: checkWarning, hubSays: `answers in`, tokenSays: `none is found`, tokenHint: `HF_TOKEN`},
		"no token, a page": {answer: html, noToken: true, hub: checkWarning, token: checkWarning, hubSays: `HTML|page|Hub`},
		"no token, a Hub with a problem": {answer: jsonAnswer(http.StatusBadGateway, ``), noToken: true, hub: checkWarning, token: checkWarning,
			hubSays: `502 Bad Gateway`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, token := hubAnswers(t, c.answer)
			if c.noToken {
				env = env[:1]
			}
			d := doctorOn(t, t.TempDir(), env, "--tunnel", "none")
			assert.Zero(t, d.code, "hfhook dev receives without the Hub's API")
			hub, ofToken := d.check(t, "hub"), d.check(t, "token")
			assert.Equal(t, c.hub, hub.State, hub.Detail)
			assert.Equal(t, c.token, ofToken.State, ofToken.Detail)
			assert.Regexp(t, c.hubSays, hub.Detail)
			assert.Regexp(t, c.tokenSays, ofToken.Detail)
			assert.Regexp(t, c.tokenHint, ofToken.Hint)
			assert.NotContains(t, d.all, token)
			assert.NotContains(t, d.all, "\x1b")
		})
	}
}

func TestDoctorAsksNothingWhereThatIsForbidden(t *testing.T) {
	t.Parallel()
	env, token := hubAnswers(t, func(http.ResponseWriter, *http.Request) { t.Error("the Hub was asked") })
	d := doctorOn(t, t.TempDir(), append(env, "HF_HUB_OFFLINE=1"), "--tunnel", "none")
	assert.Equal(t, checkSkipped, d.check(t, "hub").State)
	assert.Contains(t, d.check(t, "hub").Detail, "HF_HUB_OFFLINE is set")
	assert.Equal(t, checkSkipped, d.check(t, "token").State)
	assert.NotContains(t, d.all, token)
}

func TestDoctorDoesNotWaitForAHubThatHangs(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	env, _ := hubAnswers(t, func(http.ResponseWriter, *http.Request) { <-end })
	defer close(end)
	start := time.Now()
	d := doctorOn(t, t.TempDir(), env, "--tunnel", "none")
	assert.Less(t, time.Since(start), 25*time.Second)
	assert.Zero(t, d.code)
	assert.Equal(t, checkWarning, d.check(t, "hub").State)
	assert.Equal(t, checkSkipped, d.check(t, "token").State)
}
