package replay

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newTLSServer answers with the protocol and the number of client
// certificates. The files hold its certificate and key.
func newTLSServer(t *testing.T, h2 bool, auth tls.ClientAuthType) (s *httptest.Server, certFile, keyFile string) {
	t.Helper()
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, r.Proto, " ", len(r.TLS.PeerCertificates), " ", r.Header["User-Agent"], r.Header["Accept-Encoding"])
	}))
	s.EnableHTTP2 = h2
	s.TLS = &tls.Config{ClientAuth: auth}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)

	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	return s, write("cert.pem", "CERTIFICATE", s.Certificate().Raw), write("key.pem", "PRIVATE KEY", key)
}

func TestTLS(t *testing.T) {
	h1, cert, _ := newTLSServer(t, false, tls.NoClientCert)
	h2, _, _ := newTLSServer(t, true, tls.NoClientCert)
	strict, _, key := newTLSServer(t, false, tls.RequireAnyClientCert)
	for name, c := range map[string]struct {
		url  string
		o    TLSOptions
		want string
	}{
		"CA file":            {h1.URL, TLSOptions{CAFile: cert}, "HTTP/1.1 0 [] []"},
		"HTTP/2":             {h2.URL, TLSOptions{CAFile: cert}, "HTTP/2.0 0 [] []"},
		"any certificate":    {h2.URL, TLSOptions{SkipVerify: true}, "HTTP/2.0 0 [] []"},
		"server name":        {h1.URL, TLSOptions{CAFile: cert, ServerName: "example.com"}, "HTTP/1.1 0 [] []"},
		"client certificate": {strict.URL, TLSOptions{CAFile: cert, CertFile: cert, KeyFile: key}, "HTTP/1.1 1 [] []"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTarget(t, c.url, HTTPOptions{TLS: c.o}).Send(t.Context(), &Delivery{Body: []byte("{}")})
			assert.Equal(t, c.want, string(a.Body), a.Error)
		})
	}
	for name, c := range map[string]struct {
		url string
		o   TLSOptions
	}{
		"unknown authority":        {h1.URL, TLSOptions{}},
		"other server name":        {h1.URL, TLSOptions{CAFile: cert, ServerName: "other.invalid"}},
		"no client certificate":    {strict.URL, TLSOptions{CAFile: cert}},
		"unknown authority, HTTP2": {h2.URL, TLSOptions{}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTarget(t, c.url, HTTPOptions{TLS: c.o}).Send(t.Context(), &Delivery{Body: []byte("{}")})
			assert.Equal(t, FailTLS, a.Failure, a.Error)
		})
	}
	t.Run("HTTP/2 stream reset", func(t *testing.T) {
		a := newTarget(t, h2.URL, HTTPOptions{TLS: TLSOptions{CAFile: cert}}).Send(t.Context(), &Delivery{Path: "/abort"})
		assert.Equal(t, FailBroken, a.Failure, a.Error)
	})
}

func TestTLSOptionsRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for want, o := range map[string]TLSOptions{
		"reading the CA file":            {CAFile: filepath.Join(t.TempDir(), "no.pem")},
		"holds no PEM certificate":       {CAFile: empty},
		"both a certificate file":        {CertFile: empty},
		"reading the client certificate": {CertFile: empty, KeyFile: empty},
	} {
		_, err := NewHTTPTarget("https://h", HTTPOptions{TLS: o})
		require.ErrorContains(t, err, want)
	}
}
