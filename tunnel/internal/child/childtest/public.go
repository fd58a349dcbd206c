package childtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// Public is the public side of a service: https on loopback, where each host
// name leads to what it was routed to. All methods may be called at the same
// time.
type Public struct {
	PublicAddr string   // host and port where it listens
	ProxyURL   *url.URL // a CONNECT proxy that leads every host to PublicAddr

	cert   *x509.Certificate
	client *http.Client
	routes sync.Map // host to address
}

// StartPublic serves the given names, which may begin with "*.", until the end
// of the test.
func StartPublic(t testing.TB, names ...string) *Public {
	t.Helper()
	p := new(Public)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.cert = &x509.Certificate{ // its own authority
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "childtest"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		DNSNames:              names,
	}
	der, err := x509.CreateCertificate(rand.Reader, p.cert, p.cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if p.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.PublicAddr = l.Addr().String()
	p.client = p.newClient()

	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, DialContext: p.dial}
	server := &http.Server{
		ErrorLog:  log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		Handler: &httputil.ReverseProxy{
			Transport: transport,
			ErrorLog:  log.New(io.Discard, "", 0),
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", r.In.Host, r.In.Host
				r.Out.URL.RawQuery = r.In.URL.RawQuery // as it came, even where it is odd
				r.SetXForwarded()
			},
		},
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.ServeTLS(l, "", "") })
	p.ProxyURL = tunneltest.ConnectProxy(t, nil, func(string) string { return p.PublicAddr }).URL
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		_ = server.Close()
		wg.Wait()
	})
	return p
}

// Route leads a host name to an address.
func (p *Public) Route(host, addr string) { p.routes.Store(host, addr) }

// Unroute takes a Route away, unless there is another by now.
func (p *Public) Unroute(host, addr string) { p.routes.CompareAndDelete(host, addr) }

func (p *Public) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	to, ok := p.routes.Load(host)
	if !ok {
		return nil, &net.AddrError{Err: "no such tunnel", Addr: host}
	}
	return new(net.Dialer).DialContext(ctx, network, to.(string))
}

// Client reaches every https URL through the public side.
func (p *Public) Client() *http.Client { return p.client }

func (p *Public) newClient() *http.Client {
	cas := x509.NewCertPool()
	cas.AddCert(p.cert)
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: cas},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.PublicAddr)
		},
	}}
}

// CAFile writes the certificate that signs the public side as PEM to a file
// that ends with the test.
func (p *Public) CAFile(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "childtest-ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
	if err := os.WriteFile(name, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
