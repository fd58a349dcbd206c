// Package tunneltest is what every tunnel.Provider must pass.
package tunneltest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel"
)

// Case is one provider, fresh for one tunnel, with a way to reach it from the
// public side.
type Case struct {
	Provider tunnel.Provider

	// URL is what the tunnel is asked to have. Nil: the provider decides.
	URL *url.URL

	// Client reaches the URL of the tunnel. Default: http.DefaultClient
	// without kept connections.
	Client *http.Client

	// Drop breaks the connection to the provider, as a network would. Nil:
	// there is none, and no test of coming back.
	Drop func()

	// Released waits until the service has noticed that a tunnel was closed.
	// Nil: the tunnel cannot be opened again.
	Released func()

	// Closes is how many tunnels are closed under load. Default: 20.
	Closes int

	// Secrets must appear in no log, event or error.
	Secrets []string

	// Lingering names goroutines of others that may outlive a tunnel.
	Lingering []goleak.Option
}

// Run checks the contract of tunnel.Provider and tunnel.Tunnel. Every subtest
// gets a Case of its own from fresh.
func Run(t *testing.T, fresh func(t *testing.T) Case) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Case){
		"requests arrive as they were sent": testSame,
		"requests run at the same time":     testParallel,
		"comes back after a drop":           testDrop,
		"comes back after a kick":           testKick,
		"close ends it":                     testClose,
		"close under load":                  testCloseUnderLoad,
		"nothing is left":                   testNothingLeft,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func testSame(t *testing.T, c Case) {
	type seen struct {
		method, target, header string
		body                   []byte
	}
	got := make(chan seen, 1)
	r := open(t, c)
	r.serve(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		assert.NoError(t, err)
		got <- seen{req.Method, req.RequestURI, fmt.Sprint(req.Header["X-Webhook-Test"], req.Header["User-Agent"]), body}
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(body)
	})

	body := make([]byte, 1<<20)
	rand.Read(body)
	const target = "/webhooks/a%2Fb/%C3%A4;x?b=2&a=%20+;c&b=1"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.tun.URL().String()+target, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header["X-Webhook-Test"] = []string{"one", "zwei ä", "one"}
	req.Header.Set("User-Agent", "")
	resp, err := r.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	back, err := io.ReadAll(resp.Body)
	require.NoError(t, err)

	assert.Equal(t, http.StatusAccepted, resp.StatusCode)
	assert.Equal(t, "yes", resp.Header.Get("X-Answer"))
	assert.True(t, bytes.Equal(body, back), "the answer's body differs")
	have := <-got
	assert.True(t, bytes.Equal(body, have.body), "the request's body differs")
	have.body = nil
	assert.Equal(t, seen{method: http.MethodPost, target: target, header: "[one zwei ä one] []"}, have)
}

func testParallel(t *testing.T, c Case) {
	r := open(t, c)
	var both sync.WaitGroup
	both.Add(2)
	r.serve(func(http.ResponseWriter, *http.Request) {
		both.Done()
		both.Wait() // ends only when the other one is here too
	})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { assert.NoError(t, r.get()) })
	}
	wg.Wait()
}

func testDrop(t *testing.T, c Case) {
	if c.Drop != nil {
		comesBack(t, c, func(*rig) { c.Drop() })
	}
}

func testKick(t *testing.T, c Case) {
	if c.Drop == nil {
		r := open(t, c)
		r.serve(ok)
		r.tun.Kick()
		require.NoError(t, r.get(), "a kick without effect")
		return
	}
	comesBack(t, c, func(r *rig) { r.tun.Kick() })
}

func comesBack(t *testing.T, c Case, drop func(*rig)) {
	r := open(t, c)
	r.serve(ok)
	require.NoError(t, r.get())
	before := r.tun.URL()
	for range 3 {
		n := r.events.len()
		drop(r)
		r.events.await(t, n, tunnel.Reconnecting)
		online := r.events.await(t, n, tunnel.Online)
		require.NoError(t, r.get(), "the same listener serves again")
		assert.Equal(t, before.String(), online.URL.String())
		assert.Equal(t, before.String(), r.tun.URL().String())
		assert.NoError(t, r.tun.Err())
	}
}

func testClose(t *testing.T, c Case) {
	r := open(t, c)
	require.NoError(t, r.tun.Err())
	accepted := make(chan error, 1)
	go func() {
		_, err := r.tun.Accept()
		accepted <- err
	}()
	start := time.Now()
	assert.NoError(t, r.tun.Close())
	assert.NoError(t, r.tun.Close(), "a second time")
	assert.NoError(t, r.tun.Shutdown(t.Context()), "a third time")
	assert.Less(t, time.Since(start), tunnel.CloseTimeout)

	assert.ErrorIs(t, <-accepted, net.ErrClosed, "the Accept that waited")
	_, err := r.tun.Accept()
	assert.ErrorIs(t, err, net.ErrClosed, "an Accept afterwards")
	assert.NoError(t, r.tun.Err())
	last := r.events.await(t, 0, tunnel.Offline)
	assert.NoError(t, last.Err)
	r.tun.Kick() // harmless
}

func testCloseUnderLoad(t *testing.T, c Case) {
	closes := c.Closes
	if closes == 0 {
		closes = 20
	}
	for i := range closes {
		if i > 0 {
			if c.Released == nil {
				break
			}
			c.Released()
		}
		r := open(t, c)
		served := make(chan struct{}, 16)
		r.serve(func(w http.ResponseWriter, req *http.Request) {
			ok(w, req)
			select {
			case served <- struct{}{}:
			default:
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() {
				for ctx.Err() == nil {
					_ = r.get() // fails for all that come too late
				}
			})
		}
		for range cap(served) {
			<-served
		}
		start := time.Now()
		err := r.tun.Close()
		took := time.Since(start)
		stop()
		r.stop()
		clients.Wait()
		require.NoError(t, err, "close %d", i)
		require.Less(t, took, tunnel.CloseTimeout, "close %d", i)
	}
}

func testNothingLeft(t *testing.T, c Case) {
	before := append([]goleak.Option{goleak.IgnoreCurrent()}, c.Lingering...)
	r := open(t, c)
	r.serve(ok)
	require.NoError(t, r.get())
	if c.Drop != nil {
		n := r.events.len()
		c.Drop()
		r.events.await(t, n, tunnel.Online)
		require.NoError(t, r.get())
	}
	require.NoError(t, r.tun.Close())
	r.stop()
	r.client.CloseIdleConnections()
	assert.EventuallyWithT(t, func(t *assert.CollectT) { assert.NoError(t, goleak.Find(before...)) },
		5*time.Second, 10*time.Millisecond)
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }
