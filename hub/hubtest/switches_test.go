package hubtest_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
)

// client is another one than the Hub's own, with a timeout.
func client(t *testing.T, h *hubtest.Hub, timeout time.Duration) *hub.Client {
	c, err := hub.New(hub.Options{Endpoint: h.URL, Token: hub.Token{Value: hub.Secret(h.Token)}, Timeout: timeout})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestDownAndUp(t *testing.T) {
	h := hubtest.Start(t)
	c := client(t, h, 20*time.Second)
	w := h.Register("https://example.com/", "", acme)
	h.Down()
	h.Down()
	require.Error(t, c.Ping(limited(t)))
	err := c.Delete(limited(t), w.ID)
	assert.Contains(t, asError(t, err).Error(), "connection refused")
	h.Up()
	require.NoError(t, c.Ping(limited(t)))
	require.NoError(t, c.Delete(limited(t), w.ID))
}

func TestHang(t *testing.T) {
	h := hubtest.Start(t)
	h.Interrupt(-1, hubtest.Hang)
	for range 2 {
		_, err := client(t, h, 50*time.Millisecond).List(limited(t))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	h.Interrupt(0, nil)
	_, err := h.Client().List(limited(t))
	require.NoError(t, err)
}

// A test may end while the Hub hangs.
func TestHangAtTheEnd(t *testing.T) {
	done := make(chan error, 1)
	t.Run("", func(t *testing.T) {
		h := hubtest.Start(t)
		asked := make(chan struct{})
		h.Interrupt(1, func(w http.ResponseWriter, r *http.Request) {
			close(asked)
			hubtest.Hang(w, r)
		})
		go func() {
			_, err := h.Client().WhoAmI(context.Background())
			done <- err
		}()
		<-asked
	})
	require.Error(t, <-done)
}

func TestInterruptions(t *testing.T) {
	h := hubtest.Start(t)
	h.Interrupt(2, hubtest.HTMLError)
	_, err := h.Client().List(limited(t))
	require.NoError(t, err, "the third try is good")
	assert.Len(t, h.Requests(), 3)

	h.Interrupt(1, hubtest.HTMLError)
	_, err = h.Client().Disable(limited(t), "x")
	e := asError(t, err)
	assert.Equal(t, 500, e.Status)
	assert.Empty(t, e.Message)

	h.Interrupt(1, hubtest.RateLimited(time.Second))
	start := time.Now()
	_, err = h.Client().List(limited(t))
	require.NoError(t, err)
	assert.GreaterOrEqual(t, time.Since(start), time.Second)

	h.Interrupt(1, hubtest.RateLimited(5*time.Minute))
	_, err = h.Client().List(limited(t))
	e = asError(t, err)
	assert.Equal(t, 429, e.Status)
	assert.Equal(t, 5*time.Minute, e.RetryAfter)
	assert.Equal(t, "wait 5m0s, then try again", e.Hint)
	assert.Equal(t, "You have sent too many requests", e.Message)
}

func TestBehindTheClientsBack(t *testing.T) {
	h := hubtest.Start(t)
	c, ctx := h.Client(), limited(t)
	w := h.Register("https://example.com/a", "", acme)
	h.Edit(w.ID, func(w *hub.Webhook) {
		w.URL, w.State = "https://example.com/b", hub.Suspended
		w.Watched = append(w.Watched, hub.Watched{Type: hub.Bucket, Name: "acme/b"})
	})
	got, err := c.Get(ctx, w.ID)
	require.NoError(t, err)
	assert.Equal(t, "https://example.com/b", got.URL)
	assert.Equal(t, hub.Suspended, got.State)
	assert.Len(t, got.Watched, 2)

	// It changes between the read and the write.
	h.Remove(w.ID)
	_, err = c.Update(ctx, w.ID, hub.Change{URL: "https://example.com/c", Secret: hub.KeepSecret})
	require.ErrorIs(t, err, hub.ErrNotFound)
	h.Remove(w.ID)
}

func TestSecretsInAnswers(t *testing.T) {
	h := hubtest.Start(t)
	c, ctx := h.Client(), limited(t)
	w := h.Register("https://example.com/a", "s1", acme)
	h.ShowSecrets(true)
	got, err := c.Get(ctx, w.ID)
	require.NoError(t, err)
	assert.Equal(t, hub.Secret("s1"), got.Secret)
	_, err = c.Update(ctx, w.ID, hub.Change{URL: "https://example.com/b", Secret: hub.KeepSecret})
	require.NoError(t, err)
	assert.Equal(t, hub.Secret("s1"), h.Webhook(w.ID).Secret)

	h.KeepSecrets(true)
	got, err = c.Update(ctx, w.ID, hub.Change{Secret: hub.LeaveSecret})
	require.NoError(t, err)
	assert.True(t, got.HasSecret)
	h.KeepSecrets(false)
	got, err = c.Update(ctx, w.ID, hub.Change{Secret: hub.LeaveSecret})
	require.NoError(t, err)
	assert.False(t, got.HasSecret)
	assert.Empty(t, h.Webhook(w.ID).Secret)
}

func TestExtraKeys(t *testing.T) {
	h := hubtest.Start(t)
	w := h.Register("https://example.com/a", "", acme)
	h.Extra(w.ID, "priority", 7)
	_, err := h.Client().Update(limited(t), w.ID, hub.Change{URL: "https://example.com/b", Secret: hub.KeepSecret})
	require.NoError(t, err)
	_, body := send(t, h, "GET", api+"/"+w.ID, "")
	assert.Contains(t, body, `"priority":7`, "it came back")
	_, body = send(t, h, "POST", api+"/"+w.ID, `{"url":"https://example.com/","other":1,"watched":[{"type":"org","name":"acme"}],"domains":["repo"]}`)
	assert.NotContains(t, body, "priority", "it did not")
	assert.NotContains(t, body, "other", "the Hub does not know it")
}

func TestEnviron(t *testing.T) {
	h := hubtest.Start(t)
	env := map[string]string{}
	for _, pair := range h.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	getenv := func(name string) string { return env[name] }
	token, err := hub.FindToken(getenv, t.TempDir())
	require.NoError(t, err)
	endpoint, _ := hub.FindEndpoint(getenv)
	c, err := hub.New(hub.Options{Endpoint: endpoint, Token: token})
	require.NoError(t, err)
	defer c.Close()
	id, err := c.WhoAmI(limited(t))
	require.NoError(t, err)
	assert.Equal(t, hubtest.User, id.Name)
}

// failing is a test that fails, and tells of it.
type failing struct {
	testing.TB
	said chan string
}

func (f failing) Helper() {}
func (f failing) Fatalf(format string, _ ...any) {
	f.said <- format
	runtime.Goexit()
}

func TestMistakesFailTheTest(t *testing.T) {
	f := failing{t, make(chan string, 1)}
	h := hubtest.Start(f)
	for _, mistake := range []func(){
		func() { h.Send("text") },
		func() { h.Send(func() {}) },
		func() { h.Send(map[string]any{"event": map[string]string{"scope": "repo"}}) },
		func() { h.Trigger(hubtest.Event{}) },
		func() { h.Edit("x", func(*hub.Webhook) {}) },
		func() { h.Extra("x", "key", 1) },
		func() { h.Extra("x", "key", func() {}) },
	} {
		go mistake()
		assert.Contains(t, <-f.said, "hubtest: ")
	}
}
