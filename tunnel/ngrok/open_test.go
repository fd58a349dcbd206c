package ngrok_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ngrok"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func public(host string) *url.URL { return &url.URL{Scheme: "https", Host: host} }

// open opens a tunnel that answers "ok" and closes it with the test.
func open(t *testing.T, p ngrok.Provider, u *url.URL) (tunnel.Tunnel, *tunneltest.Events) {
	t.Helper()
	events := new(tunneltest.Events)
	tun, err := p.Open(t.Context(), tunnel.Options{URL: u, Notify: events.Notify})
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

func status(t *testing.T, edge *ngroktest.Edge, u *url.URL) int {
	t.Helper()
	resp, err := edge.Client().Get(u.String())
	require.NoError(t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// openError opens a tunnel that must fail.
func openError(t *testing.T, p ngrok.Provider, u *url.URL) *tunnel.Error {
	t.Helper()
	_, err := p.Open(t.Context(), tunnel.Options{URL: u})
	var e *tunnel.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "ngrok", e.Provider)
	return e
}

func TestOpenAsksForWhatIsWanted(t *testing.T) {
	edge := ngroktest.Start(t)
	p := edge.Provider()
	p.Version = "1.2.3"
	tun, _ := open(t, p, public("hook.example.test"))
	assert.Equal(t, "https://hook.example.test", tun.URL().String())
	assert.Equal(t, "hook.example.test", tun.Addr().String())
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))

	auth, bind := edge.Auths()[0], edge.Binds()[0]
	assert.Equal(t, "hfhook", auth.Extra.ClientType)
	assert.Equal(t, "1.2.3", auth.Extra.Version)
	assert.Equal(t, "https://hook.example.test", bind.URL)
	assert.False(t, bind.Extra.PoolingEnabled, "a stale session would get half of the deliveries")
}

func TestOnlySemanticVersionsAreSent(t *testing.T) {
	for version, want := range map[string]string{
		"":                     "0.0.0-dev",
		"dev":                  "0.0.0-dev",
		"(devel)":              "0.0.0-dev",
		"v1.2.3":               "1.2.3",
		"1.2.3-4-gabc+dirty.5": "1.2.3-4-gabc+dirty.5",
	} {
		edge := ngroktest.Start(t)
		p := edge.Provider()
		p.Version = version
		open(t, p, nil)
		assert.Equal(t, want, edge.Auths()[0].Extra.Version)
	}
}

func TestOpenFailsBeforeAnythingIsSent(t *testing.T) {
	edge := ngroktest.Start(t)
	noToken := edge.Provider()
	noToken.Authtoken = ""
	for name, c := range map[string]struct {
		p            ngrok.Provider
		url          string
		code, detail string
	}{
		"no token": {noToken, "", "missing", "ngrok needs an authtoken"},
		"no TLS":   {edge.Provider(), "http://x.example.test", "url", "ngrok tunnels start with https://"},
		"a path":   {edge.Provider(), "https://x.example.test/a", "url", "ngrok gives a whole domain: the public URL can have no path"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(c.url)
			require.NoError(t, err)
			if c.url == "" {
				u = nil
			}
			e := openError(t, c.p, u)
			assert.Equal(t, c.code, e.Code)
			assert.Equal(t, c.detail, e.Error())
			assert.True(t, e.Permanent)
			assert.NotEmpty(t, e.Hint)
		})
	}
	assert.Empty(t, edge.Auths())
}

// The library would try a wrong token for ever, see ngrok-go#176.
func TestWrongTokenFailsAtOnce(t *testing.T) {
	edge := ngroktest.Start(t)
	p := edge.Provider()
	p.Authtoken, p.TokenSource = "wrong_"+rand.Text(), "/home/me/.config/ngrok/ngrok.yml"
	var log tunneltest.Buffer
	start := time.Now()
	_, err := p.Open(t.Context(), tunnel.Options{
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	assert.Less(t, time.Since(start), time.Second)
	assert.Len(t, edge.Auths(), 1, "one attempt")

	var e *tunnel.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "auth", e.Code)
	assert.True(t, e.Permanent)
	assert.Equal(t, "ngrok refused the authtoken from /home/me/.config/ngrok/ngrok.yml (ERR_NGROK_107)", e.Error())
	assert.NotContains(t, fmt.Sprintf("%#v %v", e, e.Err), p.Authtoken)
	assert.Contains(t, log.String(), "Your authtoken: [redacted]", "ngrok repeats it, and the library logs that")
	assert.NotContains(t, log.String(), p.Authtoken)
	edge.WaitIdle()
}

func TestRefusedAtStart(t *testing.T) {
	for number, c := range map[string]struct{ code, detail string }{
		"108":   {"limit", "your ngrok plan allows no further agent (ERR_NGROK_108)"},
		"120":   {"version", "ngrok does not take this version of hfhook any more (ERR_NGROK_120)"},
		"123":   {"account", "ngrok refused: This session is refused for the token [redacted] (ERR_NGROK_123)"},
		"4018":  {"auth", "ngrok refused the authtoken from NGROK_AUTHTOKEN (ERR_NGROK_4018)"},
		"313":   {"domain", "the domain x.example.test is not reserved for this ngrok account (ERR_NGROK_313)"},
		"319":   {"domain", "the domain x.example.test is not reserved for this ngrok account (ERR_NGROK_319)"},
		"324":   {"limit", "your ngrok plan allows no further endpoint (ERR_NGROK_324)"},
		"326":   {"url", "ngrok does not take the public URL https://x.example.test (ERR_NGROK_326)"},
		"334":   {"taken", "https://x.example.test is already online in another session (ERR_NGROK_334)"},
		"15013": {"domain", "this ngrok account has no dev domain yet (ERR_NGROK_15013)"},
	} {
		t.Run(number, func(t *testing.T) {
			edge := ngroktest.Start(t)
			atAuth := map[string]bool{"108": true, "120": true, "123": true, "4018": true}[number]
			if atAuth {
				edge.RefuseAuth(func(ngroktest.Auth) string { return number })
			} else {
				edge.RefuseBind(func(string, bool) string { return number })
			}
			e := openError(t, edge.Provider(), public("x.example.test"))
			assert.Equal(t, c.code, e.Code)
			assert.Equal(t, c.detail, e.Error())
			assert.True(t, e.Permanent)
			assert.NotEmpty(t, e.Hint)
			assert.Len(t, edge.Auths(), 1, "one attempt")
			edge.WaitIdle()
		})
	}
}

func TestTooManyAgents(t *testing.T) {
	edge := ngroktest.Start(t)
	edge.LimitSessions(1)
	first, _ := open(t, edge.Provider(), public("first.example.test"))
	assert.Equal(t, "limit", openError(t, edge.Provider(), public("second.example.test")).Code)
	assert.Equal(t, http.StatusOK, status(t, edge, first.URL()))
}

func TestOpenTriesAgainWhatMayPass(t *testing.T) {
	edge := ngroktest.Start(t)
	tries := 0
	edge.RefuseAuth(func(ngroktest.Auth) string {
		if tries++; tries < 3 {
			return "349"
		}
		return ""
	})
	_, events := open(t, edge.Provider(), nil)
	assert.Len(t, edge.Auths(), 3)
	var failed []string
	for _, e := range events.All() {
		if e.Err != nil {
			assert.Equal(t, tunnel.Opening, e.State)
			failed = append(failed, e.Err.Error())
		}
	}
	assert.Equal(t, []string{
		"ngrok limits new sessions right now (ERR_NGROK_349)",
		"ngrok limits new sessions right now (ERR_NGROK_349)",
	}, failed)
}

func TestForeignCertificate(t *testing.T) {
	edge := ngroktest.Start(t)
	p := edge.Provider()
	p.ConnectCAs = nil
	start := time.Now()
	e := openError(t, p, nil)
	assert.Less(t, time.Since(start), 5*time.Second)
	assert.Equal(t, "intercepted", e.Code)
	assert.Equal(t, "the connection to ngrok is intercepted (certificate not signed by ngrok)", e.Error())
	assert.Empty(t, edge.Auths(), "the token was not sent")
}

func TestOpenEndsInTime(t *testing.T) {
	edge := ngroktest.Start(t)
	edge.StopAgents()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()

	t.Run("with the last error", func(t *testing.T) {
		p := edge.Provider()
		p.OpenTimeout = 50 * time.Millisecond
		e := openError(t, p, nil)
		assert.Equal(t, "unreachable", e.Code)
		assert.Equal(t, "cannot reach "+edge.ConnectURL+" (connection refused)", e.Error())
		assert.False(t, e.Permanent)
		assert.ErrorIs(t, e, context.DeadlineExceeded)
	})
	t.Run("without one", func(t *testing.T) {
		p := edge.Provider()
		p.ConnectURL, p.OpenTimeout = silent.Addr().String(), 50*time.Millisecond
		start := time.Now()
		e := openError(t, p, nil)
		assert.Less(t, time.Since(start), 2*time.Second)
		assert.Equal(t, "timeout", e.Code)
		assert.Equal(t, "ngrok did not answer in time", e.Error())
	})
	t.Run("when the caller gives up", func(t *testing.T) {
		p := edge.Provider()
		p.ConnectURL = silent.Addr().String()
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		time.AfterFunc(20*time.Millisecond, func() { cancel(enough) })
		_, err := p.Open(ctx, tunnel.Options{})
		require.ErrorIs(t, err, enough)
	})
}

// The library ends a session with the context that it was opened with.
func TestTunnelOutlivesTheContextOfOpen(t *testing.T) {
	edge := ngroktest.Start(t)
	p := edge.Provider()
	p.OpenTimeout = 5 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	tun, err := p.Open(ctx, tunnel.Options{})
	require.NoError(t, err)
	defer tun.Close()
	cancel()
	go http.Serve(tun, http.NotFoundHandler())
	assert.Equal(t, http.StatusNotFound, status(t, edge, tun.URL()))
	assert.Equal(t, 1, edge.Sessions())
	assert.NoError(t, tun.Err())
}

func TestOpenThroughProxy(t *testing.T) {
	edge := ngroktest.Start(t)
	login := url.UserPassword("me", rand.Text())
	for name, proxy := range map[string]*tunneltest.Proxy{
		"CONNECT": tunneltest.ConnectProxy(t, login, nil),
		"SOCKS5":  tunneltest.SOCKSProxy(t, login, nil),
	} {
		t.Run(name, func(t *testing.T) {
			p := edge.Provider()
			p.DialContext = tunnel.Dialer{
				Proxy: func(*url.URL) (*url.URL, error) { return proxy.URL, nil },
			}.DialContext
			tun, _ := open(t, p, public("proxied.example.test"))
			assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))
			assert.Equal(t, []string{edge.ConnectURL}, proxy.Asked())
		})
		edge.WaitIdle()
	}
}

// Whatever ngrok, or who stands in for it, calls the public URL: it is shown,
// and given to the Hub.
func TestAURLThatIsNoneIsNotTaken(t *testing.T) {
	edge := ngroktest.Start(t)
	for _, host := range []string{`evil"$(id).test`, "me@evil.test", "evil.test?q", "exam\u202eelp.test", ""} {
		edge.Assign(func(string, bool) string { return host })
		p := edge.Provider()
		p.OpenTimeout = 2 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		_, err := p.Open(ctx, tunnel.Options{Notify: func(e tunnel.Event) {
			if e.Err != nil {
				cancel()
			}
		}})
		cancel()
		var e *tunnel.Error
		require.ErrorAs(t, err, &e, host)
		assert.Equal(t, "nourl", e.Code, "%q: %v", host, err)
		assert.NotContains(t, e.Error(), "evil")
	}
}
