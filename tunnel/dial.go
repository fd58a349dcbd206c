package tunnel

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"

	"github.com/hfhook/hfhook/tunnel/internal/plain"
)

// Dialer makes the connections to a provider, through a proxy where the
// environment names one. The zero value is ready, and a Dialer may be used at
// the same time.
type Dialer struct {
	// Timeout bounds a whole dial, the proxy's handshake included.
	// Default: 10 s.
	Timeout time.Duration

	// Proxy names the proxy for a destination, as in http.Transport; nil
	// means none. Known schemes are http and https (CONNECT) and socks5 and
	// socks5h. Default: HTTPS_PROXY and NO_PROXY of the environment.
	Proxy func(*url.URL) (*url.URL, error)
}

// DialContext connects to addr, a host and a port. No error holds the user
// or the password of a proxy.
func (d Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	timeout := d.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	proxyFor := d.Proxy
	if proxyFor == nil {
		proxyFor = httpproxy.FromEnvironment().ProxyFunc()
	}
	via, err := proxyFor(&url.URL{Scheme: "https", Host: addr})
	if err != nil {
		return nil, errors.New("the proxy setting of the environment is not a URL") // err repeats it
	}
	if via == nil {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	c, err := dialVia(ctx, via, network, addr)
	if err != nil {
		return nil, &proxyError{via.Host, err}
	}
	return c, nil
}

// proxyError says that a dial failed at the proxy.
type proxyError struct {
	host string
	err  error
}

func (e *proxyError) Error() string { return "proxy " + e.host + ": " + e.err.Error() }
func (e *proxyError) Unwrap() error { return e.err }

func dialVia(ctx context.Context, via *url.URL, network, addr string) (net.Conn, error) {
	switch via.Scheme {
	case "http", "https":
		return dialConnect(ctx, via, addr)
	case "socks5", "socks5h":
		var auth *proxy.Auth
		if via.User != nil {
			auth = &proxy.Auth{User: via.User.Username()}
			auth.Password, _ = via.User.Password()
		}
		socks, err := proxy.SOCKS5("tcp", withPort(via, "1080"), auth, new(net.Dialer))
		if err != nil {
			return nil, err
		}
		return socks.(proxy.ContextDialer).DialContext(ctx, network, addr)
	}
	return nil, fmt.Errorf("unknown scheme %q", via.Scheme)
}

// dialConnect asks an HTTP proxy for a tunnel to addr.
func dialConnect(ctx context.Context, via *url.URL, addr string) (_ net.Conn, err error) {
	var c net.Conn
	if via.Scheme == "https" {
		c, err = new(tls.Dialer).DialContext(ctx, "tcp", withPort(via, "443"))
	} else {
		c, err = new(net.Dialer).DialContext(ctx, "tcp", withPort(via, "80"))
	}
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() {
			err = context.Cause(ctx)
		}
		if err != nil {
			_ = c.Close()
		}
	}()

	req := &http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: addr},
		Host:   addr,
		Header: http.Header{"User-Agent": {"hfhook"}},
	}
	if via.User != nil {
		password, _ := via.User.Password()
		login := base64.StdEncoding.EncodeToString([]byte(via.User.Username() + ":" + password))
		req.Header.Set("Proxy-Authorization", "Basic "+login)
	}
	if err := req.Write(c); err != nil {
		return nil, err
	}
	answer := &io.LimitedReader{R: c, N: 64 << 10}
	br := bufio.NewReader(answer)
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	if br.Buffered() > 0 { // the other side spoke first, as SSH servers do
		answer.N = math.MaxInt64
		return &bufferedConn{c, br}, nil
	}
	return c, nil
}

type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func withPort(u *url.URL, port string) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// DialProblem says in a few words why a dial failed, for a text like "cannot
// reach example.com:443 (timed out)".
func DialProblem(err error) string {
	var words string
	switch dns, isDNS := errors.AsType[*net.DNSError](err); {
	case isTimeout(err):
		words = "timed out"
	case isDNS && dns.IsNotFound:
		words = dns.Name + " was not found"
	case isDNS:
		words = "the name server did not answer"
	case errors.Is(err, syscall.ECONNREFUSED):
		words = "connection refused"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		words = "no route, is the network up?"
	default:
		return printable(err.Error())
	}
	if p, ok := errors.AsType[*proxyError](err); ok {
		words = "proxy " + p.host + ": " + words
	}
	return words
}

// printable is the text of an error on one line: names in a certificate, as
// others made them up, are in it too.
func printable(s string) string { return plain.Short(s, 300) }

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}
