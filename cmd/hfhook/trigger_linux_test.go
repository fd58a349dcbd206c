package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
)

// What is triggered goes the whole way: out to the tunnel's service, under the
// name that it has at the time, and back in.
func TestTriggerGoesThroughTheTunnel(t *testing.T) {
	t.Parallel()
	service := sshtest.StartService(t, ssh.LocalhostRun)
	home := t.TempDir()
	env := append(append(os.Environ(), homeEnv(home)...), serviceEnv(t, service)...)
	hfhook := func(args ...string) *process {
		p, err := launch(t.Cleanup, env, home, "hfhook", args...)
		require.NoError(t, err)
		return p
	}
	trigger := func(args ...string) triggeredRecord {
		p := hfhook(append([]string{"trigger", "--json"}, args...)...)
		code, err := p.end(nil)
		require.NoError(t, err)
		require.Zero(t, code, p.err.String())
		var r triggeredRecord
		line, err := p.await(&p.out, `^{"v":1,"type":"triggered".*$`, 1)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal([]byte(line[0]), &r))
		return r
	}
	dev := hfhook("dev", "--json", "--listen", "127.0.0.1:0")
	ready := dev.ready(t)
	require.True(t, ready.Public)
	assert.Equal(t, ready.URL, trigger("repo.create").Target)
	_, err := dev.await(&dev.out, `"type":"delivery",.*"id":1,.*"verdict":"accepted"`, 1)
	require.NoError(t, err)

	second := "https://" + service.Rename()
	service.AnnounceAgain()
	_, err = dev.await(&dev.out, `"type":"warning".*the public URL changed: `, 1)
	require.NoError(t, err)
	assert.Equal(t, second+"/webhooks/dev", trigger("repo.content.update.files-truncated").Target)
	assert.Equal(t, ready.Local, trigger("--local", "repo.create").Target)
	_, err = dev.await(&dev.out, `"type":"delivery",.*"verdict":"accepted"`, 3)
	require.NoError(t, err)
	code, err := dev.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)
}

// What is triggered has the secret with it: it does not go where somebody else
// answers.
func TestTriggerSendsNoSecretToAStranger(t *testing.T) {
	t.Parallel()
	var here atomic.Pointer[url.URL] // nil: somebody else answers
	secrets := make(chan string, 100)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := here.Load(); to != nil {
			httputil.NewSingleHostReverseProxy(to).ServeHTTP(w, r)
			return
		}
		if secret := r.Header.Get(replay.HeaderSecret); secret != "" {
			secrets <- secret
		}
		_, _ = io.WriteString(w, "who is there?")
	}))
	t.Cleanup(front.Close)
	home := t.TempDir()
	store := filepath.Join(home, "deliveries.db")
	sentTo := func(url string) {
		t.Helper()
		p := startHFHook(t, home, "trigger", "--store", store, "--json", "repo.create")
		endsWell(t, p, nil)
		assert.Contains(t, p.out.String(), `"target":"`+url+`"`)
		assert.Empty(t, secrets)
	}
	dev := startHFHook(t, home, "dev", "--store", store, "--json", "--listen", "127.0.0.1:0", "--public-url", front.URL, "--insecure-public-url")
	ready := dev.ready(t)
	_, err := dev.await(&dev.out, `"type":"warning".*answers, but not from this hfhook`, 1)
	require.NoError(t, err)
	sentTo(ready.Local)
	_, err = dev.await(&dev.out, `"type":"delivery",.*"id":1,.*"verdict":"accepted"`, 1)
	require.NoError(t, err)

	local := mustURL(t, ready.Local)
	local.Path = ""
	for _, to := range []*url.URL{local, nil} {
		here.Store(to)
		require.NoError(t, dev.cmd.Process.Signal(syscall.SIGHUP)) // looks again
		require.Eventually(t, func() bool {
			text, err := os.ReadFile(store + presenceExt)
			return err == nil && strings.Contains(string(text), `"public":`) == (to != nil)
		}, time.Minute, 5*time.Millisecond)
		if to != nil {
			sentTo(ready.URL)
		} else {
			sentTo(ready.Local)
		}
	}
	endsWell(t, dev, os.Interrupt)
}

// A run that takes long shows how far it is, where somebody looks.
func TestTriggerShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	var n atomic.Int64
	handler := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if n.Add(1) == 2 {
			<-hold
		}
	}))
	t.Cleanup(handler.Close)
	p, _ := onTerminal(t, nil, "trigger", "--to", handler.URL, "--count", "4", "repo.create")
	_, err := p.await(&p.err, `\[#+-+\]  1/4  `, 1)
	require.NoError(t, err)
	close(hold)
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Zero(t, code)
	_, err = p.await(&p.err, `sent +4: 4 ok`, 1)
	require.NoError(t, err)
	assert.NotContains(t, p.out.String(), "\r")
}
