package childtest

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// Open opens a tunnel that answers "ok", and closes it with the test.
func Open(t *testing.T, p tunnel.Provider, o tunnel.Options) (tunnel.Tunnel, *tunneltest.Events) {
	t.Helper()
	events := new(tunneltest.Events)
	o.Notify = events.Notify
	tun, err := p.Open(t.Context(), o)
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = http.Serve(tun, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	}()
	t.Cleanup(func() {
		assert.NoError(t, tun.Close())
		<-served
		events.Check(t)
	})
	return tun, events
}

// OpenError opens a tunnel that must fail.
func OpenError(t *testing.T, p tunnel.Provider, o tunnel.Options) *tunnel.Error {
	t.Helper()
	_, err := p.Open(t.Context(), o)
	var e *tunnel.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, p.Name(), e.Provider)
	return e
}

// Status is that of the answer to a GET through the public side.
func (p *Public) Status(t *testing.T, u *url.URL) int {
	t.Helper()
	resp, err := p.Client().Get(u.String())
	require.NoError(t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// Orphan runs the test binary with one more variable, name=value, on which it
// starts the program of the stage, waits for ready, and kills it: the program
// must be gone then, too.
func (s *Stage) Orphan(t *testing.T, name, value string, ready func() bool) {
	t.Helper()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), name+"="+value)
	require.NoError(t, parent.Start())
	defer func() { _ = parent.Wait() }()
	puppet := s.Await(0)
	assert.Eventually(t, ready, patience, tick)
	select {
	case <-puppet.Gone():
		t.Error("the program ended before its parent")
	default:
	}
	require.NoError(t, parent.Process.Kill())
	puppet.WaitGone(t)
}
