package tunnel_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// greeter says hello first, as an SSH server does, then echoes.
func greeter(t *testing.T) string {
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.WriteString(c, "hello")
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func requireEcho(t *testing.T, c net.Conn) {
	t.Helper()
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err := io.WriteString(c, "me")
	require.NoError(t, err)
	back := make([]byte, len("hellome"))
	_, err = io.ReadFull(c, back)
	require.NoError(t, err)
	assert.Equal(t, "hellome", string(back))
}

func via(u *url.URL) func(*url.URL) (*url.URL, error) {
	return func(*url.URL) (*url.URL, error) { return u, nil }
}

func TestDialDirectly(t *testing.T) {
	c, err := tunnel.Dialer{Proxy: via(nil)}.DialContext(t.Context(), "tcp", greeter(t))
	require.NoError(t, err)
	requireEcho(t, c)
}

func TestDialThroughProxy(t *testing.T) {
	server := greeter(t)
	route := func(string) string { return server }
	login := url.UserPassword("user", rand.Text())
	for name, p := range map[string]*tunneltest.Proxy{
		"http":             tunneltest.ConnectProxy(t, nil, route),
		"http with login":  tunneltest.ConnectProxy(t, login, route),
		"socks":            tunneltest.SOCKSProxy(t, nil, route),
		"socks with login": tunneltest.SOCKSProxy(t, login, route),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tunnel.Dialer{Proxy: via(p.URL)}.DialContext(t.Context(), "tcp", "far.example.test:22")
			require.NoError(t, err)
			requireEcho(t, c)
			assert.Equal(t, []string{"far.example.test:22"}, p.Asked(), "the proxy resolves the name")
		})
	}
}

func TestDialAsksTheEnvironment(t *testing.T) {
	server := greeter(t)
	p := tunneltest.ConnectProxy(t, nil, func(string) string { return server })
	t.Setenv("HTTPS_PROXY", p.URL.String())
	t.Setenv("NO_PROXY", "near.example.test")
	c, err := tunnel.Dialer{}.DialContext(t.Context(), "tcp", "far.example.test:443")
	require.NoError(t, err)
	requireEcho(t, c)

	c, err = tunnel.Dialer{}.DialContext(t.Context(), "tcp", server)
	require.NoError(t, err, "loopback never goes through a proxy")
	requireEcho(t, c)
	assert.Equal(t, []string{"far.example.test:443"}, p.Asked())
}

func TestDialErrorsNameTheProxyButNotItsLogin(t *testing.T) {
	password := rand.Text()
	wrong := url.UserPassword("user", password)
	right := url.UserPassword("user", rand.Text())
	gone := listen(t)
	require.NoError(t, gone.Close())

	http := *tunneltest.ConnectProxy(t, right, nil).URL
	socks := *tunneltest.SOCKSProxy(t, right, nil).URL
	http.User, socks.User = wrong, wrong
	for name, c := range map[string]struct {
		proxy *url.URL
		want  string
	}{
		"wrong login, http":  {&http, "proxy " + http.Host + ": answered 407 Proxy Authentication Required"},
		"wrong login, socks": {&socks, "proxy " + socks.Host},
		"nobody there":       {&url.URL{Scheme: "http", User: wrong, Host: gone.Addr().String()}, "proxy " + gone.Addr().String() + ": connection refused"},
		"unknown scheme":     {&url.URL{Scheme: "gopher", User: wrong, Host: "x"}, `proxy x: unknown scheme "gopher"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tunnel.Dialer{Proxy: via(c.proxy)}.DialContext(t.Context(), "tcp", "far.example.test:443")
			require.Error(t, err)
			assert.Contains(t, tunnel.DialProblem(err), c.want)
			assert.NotContains(t, err.Error(), password)
		})
	}

	t.Run("no URL", func(t *testing.T) {
		t.Setenv("HTTPS_PROXY", "http://user:"+password+"@%zz")
		_, err := tunnel.Dialer{}.DialContext(t.Context(), "tcp", "far.example.test:443")
		require.Error(t, err)
		assert.NotContains(t, err.Error(), password)
	})
}

// A proxy that takes the connection and then says nothing must not hold up
// a dial for ever.
func TestDialIsBounded(t *testing.T) {
	silent := &url.URL{Scheme: "http", Host: listen(t).Addr().String()}
	_, err := tunnel.Dialer{Proxy: via(silent), Timeout: 20 * time.Millisecond}.
		DialContext(t.Context(), "tcp", "far.example.test:443")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, "proxy "+silent.Host+": timed out", tunnel.DialProblem(err))

	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	time.AfterFunc(10*time.Millisecond, func() { cancel(why) })
	_, err = tunnel.Dialer{Proxy: via(silent)}.DialContext(ctx, "tcp", "far.example.test:443")
	require.ErrorIs(t, err, why)
}

func TestDialProblem(t *testing.T) {
	gone := listen(t)
	require.NoError(t, gone.Close())
	_, refused := tunnel.Dialer{}.DialContext(t.Context(), "tcp", gone.Addr().String())
	for want, err := range map[string]error{
		"connection refused":             refused,
		"x.example.test was not found":   &net.OpError{Op: "dial", Err: &net.DNSError{Name: "x.example.test", IsNotFound: true}},
		"the name server did not answer": &net.DNSError{Name: "x.example.test", IsTemporary: true},
		"timed out":                      context.DeadlineExceeded,
		http.ErrHandlerTimeout.Error():   http.ErrHandlerTimeout,
	} {
		assert.Equal(t, want, tunnel.DialProblem(err))
	}
}
