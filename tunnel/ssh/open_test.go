package ssh_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func public(host string) *url.URL { return &url.URL{Scheme: "https", Host: host} }

// open opens a tunnel that answers with who asked, and closes it with the test.
func open(t *testing.T, p ssh.Provider, u *url.URL) (tunnel.Tunnel, *tunneltest.Events) {
	t.Helper()
	events := new(tunneltest.Events)
	tun, err := p.Open(t.Context(), tunnel.Options{URL: u, Notify: events.Notify})
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = http.Serve(tun, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }))
	}()
	t.Cleanup(func() {
		assert.NoError(t, tun.Close())
		<-served
		events.Check(t)
	})
	return tun, events
}

// openError opens a tunnel that must fail, and does not wait for a second try.
func openError(t *testing.T, p ssh.Provider, u *url.URL) *tunnel.Error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := p.Open(ctx, tunnel.Options{URL: u, Notify: func(e tunnel.Event) {
		if e.Err != nil {
			cancel()
		}
	}})
	var e *tunnel.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, p.Name(), e.Provider)
	assert.Equal(t, ctx.Err() == nil, e.Permanent, "what may pass is tried again")
	return e
}

// get is the answer's body, or its status when that is not 200.
func get(t *testing.T, client *http.Client, u *url.URL) string {
	t.Helper()
	resp, err := client.Get(u.String())
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if resp.StatusCode != http.StatusOK {
		return resp.Status
	}
	return string(body)
}

// failed waits for the first error of a tunnel, and online for the nth time
// that it is online.
func failed(t *testing.T, events *tunneltest.Events) *tunnel.Error {
	t.Helper()
	e := events.Await(t, func(e tunnel.Event) bool { return e.Err != nil })
	var te *tunnel.Error
	require.ErrorAs(t, e.Err, &te)
	return te
}

func online(t *testing.T, events *tunneltest.Events, n int) tunnel.Event {
	t.Helper()
	return events.Await(t, func(e tunnel.Event) bool {
		if e.State == tunnel.Online {
			n--
		}
		return n == 0 && e.State == tunnel.Online
	})
}
