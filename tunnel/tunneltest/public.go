package tunneltest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Public is the public side of a service that gives tunnels: https on
// loopback, with a certificate for every name that is asked for, and a reverse
// proxy as services have them. All methods may be called at the same time.
type Public struct {
	// PublicAddr is the host and port where it listens.
	PublicAddr string

	ca     *authority
	client *http.Client
}

// PublicOptions are what services differ in.
type PublicOptions struct {
	// Dial makes the connection to what a host leads to. origin is the address
	// of who asks. Required.
	Dial func(ctx context.Context, host, origin string) (net.Conn, error)

	// Front stands in front of what passes requests on. Default: nothing does.
	Front func(forward http.Handler) http.Handler

	// Failed answers a request that could not be passed on. Default: 502.
	Failed http.HandlerFunc
}

// StartPublic runs a public side until the end of the test.
func StartPublic(t testing.TB, o PublicOptions) *Public {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Public{PublicAddr: l.Addr().String(), ca: newAuthority()}
	p.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: p.CAs()},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.PublicAddr)
		},
	}}
	server := &http.Server{Handler: o.handler(), TLSConfig: p.TLS(), ErrorLog: log.New(io.Discard, "", 0)}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.ServeTLS(l, "", "") })
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		_ = server.Close()
		wg.Wait()
	})
	return p
}

type originKey struct{}

func (o PublicOptions) handler() http.Handler {
	forward := &httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", r.In.Host, r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it came, even where it is odd
			r.SetXForwarded()
		},
		Transport: &http.Transport{
			DisableKeepAlives:  true,
			DisableCompression: true,
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				host, _, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, err
				}
				origin, _ := ctx.Value(originKey{}).(string)
				return o.Dial(ctx, host, origin)
			},
		},
	}
	if o.Failed != nil {
		forward.ErrorHandler = func(w http.ResponseWriter, r *http.Request, _ error) { o.Failed(w, r) }
	}
	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), originKey{}, r.RemoteAddr)))
	}))
	if o.Front != nil {
		handler = o.Front(handler)
	}
	return handler
}

// Client reaches every https URL through the public side, whatever its host.
func (p *Public) Client() *http.Client { return p.client }

// TLS is for listeners that serve as whatever name the client asks for.
func (p *Public) TLS() *tls.Config { return p.ca.config() }

// CAs trust the certificates of the public side.
func (p *Public) CAs() *x509.CertPool { return p.ca.pool() }

// CAFile writes the authority behind them as PEM to a file that ends with the
// test.
func (p *Public) CAFile(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tunneltest-ca.pem")
	if err := os.WriteFile(name, p.ca.pem(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
