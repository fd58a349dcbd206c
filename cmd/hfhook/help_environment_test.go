package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A variable that is empty sets nothing, nor does it hide another one.
func TestEmptyVariablesSetNothing(t *testing.T) {
	var env []string
	for _, v := range flagVariables(newApp(io.Discard, io.Discard)) {
		env = append(env, v.name+"=")
	}
	secret := rand.Text()
	env = append(env, "WEBHOOK_SECRET="+secret) // HFHOOK_SECRET is the stronger one
	p := startWithEnv(t, env, "dev", "--json", "--tunnel", "none", "--listen", "127.0.0.1:0")
	ready := p.ready(t)
	assert.Regexp(t, defaultPath+"$", ready.Local)
	request, err := http.NewRequest(http.MethodPost, ready.Local, bytes.NewReader(samples(t)["repo.content.update.model.commit.composed.json"]))
	require.NoError(t, err)
	request.Header.Set("X-Webhook-Secret", secret)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	answer.Body.Close()
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	endsWell(t, p, os.Interrupt)

	p = startWithEnv(t, env, "dev", "--listen", "127.0.0.1:0", "--webhook", "654bbbc16f2ec14d77f109cc", "--takeover")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitHub, code, "a tunnel was chosen: %s", p.err.String())
}

func TestWaitingForNothingIsRefused(t *testing.T) {
	p := startHFHook(t, t.TempDir(), "dev", "--tunnel", "none", "--listen", "127.0.0.1:0", "--wait-for", " ")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, p.err.String(), "hfhook: --wait-for has no words\nhint: ")
}
