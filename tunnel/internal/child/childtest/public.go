package childtest

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// Public is the public side of a service, where each host name leads to what
// it was routed to. All methods may be called at the same time.
type Public struct {
	*tunneltest.Public
	ProxyURL *url.URL // a CONNECT proxy that leads every host to PublicAddr

	routes sync.Map // host to address
}

// StartPublic runs until the end of the test.
func StartPublic(t testing.TB) *Public {
	t.Helper()
	p := new(Public)
	p.Public = tunneltest.StartPublic(t, tunneltest.PublicOptions{Dial: p.dial})
	p.ProxyURL = tunneltest.ConnectProxy(t, nil, func(string) string { return p.PublicAddr }).URL
	return p
}

// Route leads a host name to an address.
func (p *Public) Route(host, addr string) { p.routes.Store(host, addr) }

// Unroute takes a Route away, unless there is another by now.
func (p *Public) Unroute(host, addr string) { p.routes.CompareAndDelete(host, addr) }

func (p *Public) dial(ctx context.Context, host, _ string) (net.Conn, error) {
	to, ok := p.routes.Load(host)
	if !ok {
		return nil, &net.AddrError{Err: "no such tunnel", Addr: host}
	}
	return new(net.Dialer).DialContext(ctx, "tcp", to.(string))
}
