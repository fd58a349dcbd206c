package sshtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

type originKey struct{}

// startPublic serves the public side.
func (s *Service) startPublic() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	// One certificate is its own authority, and good for every name.
	names := slices.Concat(s.Preset.Suffixes, s.Preset.TokenSuffixes)
	for i, suffix := range names {
		names[i] = "*." + suffix
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if s.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}

	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", r.In.Host, r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it came, even where it is odd
			r.SetXForwarded()
		},
		Transport: &http.Transport{
			DisableKeepAlives:  true,
			DisableCompression: true,
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(addr)
				c := s.find(host)
				if c == nil {
					return nil, errors.New("the session is gone")
				}
				origin, _ := ctx.Value(originKey{}).(string)
				return c.dial(origin)
			},
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	s.PublicAddr = l.Addr().String()
	s.public = &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		ErrorLog:  log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s.find(r.Host) == nil {
				http.Error(w, "no tunnel here", http.StatusServiceUnavailable)
				return
			}
			forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), originKey{}, r.RemoteAddr)))
		}),
	}
	s.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.CAs()},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.PublicAddr)
		},
	}}
	s.wg.Go(func() { _ = s.public.ServeTLS(l, "", "") })
	return nil
}

// Client reaches every https URL through the public side, whatever its host.
func (s *Service) Client() *http.Client { return s.client }

// CAs trust the certificate of the public side.
func (s *Service) CAs() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(s.cert)
	return p
}

// CAFile writes the certificate as PEM to a file that ends with the test.
func (s *Service) CAFile(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sshtest-ca.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
