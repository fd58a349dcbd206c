package tunnel_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

func TestProbeFindsItself(t *testing.T) {
	p := tunnel.NewProber()
	p.Version = "1.2.3"
	var asked *http.Request
	h := p.Handler(http.NotFoundHandler())
	kept := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = r; h.ServeHTTP(w, r) })
	stripped := http.StripPrefix("/strip/it", kept)

	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/strip/") {
			stripped.ServeHTTP(w, r)
			return
		}
		kept.ServeHTTP(w, r)
	}))
	defer srv.Close()
	for _, prefix := range []string{"", "/", "/strip/it", "/keep/it/"} {
		require.NoError(t, p.Probe(t.Context(), mustURL(t, srv.URL+prefix)), prefix)
		assert.Equal(t, "hfhook/1.2.3", asked.UserAgent())
		assert.Equal(t, "1", asked.Header.Get("ngrok-skip-browser-warning"))
	}
	assert.Equal(t, 0, strings.Index(asked.URL.Path, "/keep/it/.well-known/hfhook/"))
}

func TestProbeHandlerLeavesTheRestAlone(t *testing.T) {
	p := tunnel.NewProber()
	h := p.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	nonce := rand.Text()
	for _, c := range []struct{ method, path string }{
		{"GET", "/"},
		{"GET", "/.well-known/hfhook"},
		{"GET", "/.well-known/hfhook/"},
		{"POST", "/.well-known/hfhook/" + nonce},
		{"GET", "/.well-known/hfhook/" + nonce + "/x"},
		{"GET", "/.well-known/hfhook/" + strings.Repeat("A", 65)},
		{"GET", "/.well-known/hfhook/lower"},
		{"GET", "/.well-known/hfhook/%00"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		assert.Equal(t, http.StatusTeapot, w.Code, "%s %s", c.method, c.path)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/hfhook/"+nonce, nil))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.NotContains(t, w.Body.String(), nonce)
}

func TestProbeTellsFailuresApart(t *testing.T) {
	asking := tunnel.NewProber()
	seen := httptest.NewRecorder()
	asking.Handler(nil).ServeHTTP(seen, httptest.NewRequest("GET", "/.well-known/hfhook/"+rand.Text(), nil))
	former := seen.Body.String()
	other := tunnel.NewProber().Handler(http.NotFoundHandler())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch prefix, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); prefix {
		case "other":
			other.ServeHTTP(w, r)
		case "echo":
			_, _ = io.WriteString(w, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		case "replay": // what was right for another question
			_, _ = io.WriteString(w, former)
		case "page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<p>Are you sure?")
		case "huge":
			for range 1000 {
				_, _ = w.Write(make([]byte, 1<<16))
			}
		case "quota":
			w.Header().Set("Ngrok-Error-Code", "ERR_NGROK_727")
			w.WriteHeader(http.StatusTooManyRequests)
		case "gone":
			w.Header().Set("Ngrok-Error-Code", "ERR_NGROK_3200")
			w.WriteHeader(http.StatusNotFound)
		case "news":
			w.Header().Set("Ngrok-Error-Code", "ERR_NGROK_3004")
			w.WriteHeader(http.StatusBadGateway)
		case "odd":
			w.Header().Set("Ngrok-Error-Code", "ERR_NGROK_<b>")
			w.WriteHeader(http.StatusBadGateway)
		case "moved":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "hang":
			<-r.Context().Done()
		case "break":
			panic(http.ErrAbortHandler)
		default:
			t.Errorf("asked for %s", r.URL)
		}
	}))
	defer srv.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	gone := listen(t)
	require.NoError(t, gone.Close())

	for _, c := range []struct {
		url    string
		class  tunnel.ProbeClass
		status int
		code   string
		detail string
	}{
		{srv.URL + "/other", tunnel.ProbeForeign, 200, "", "answers, but not from this hfhook"},
		{srv.URL + "/echo", tunnel.ProbeForeign, 200, "", "answers, but not from this hfhook"},
		{srv.URL + "/replay", tunnel.ProbeForeign, 200, "", "answers, but not from this hfhook"},
		{srv.URL + "/huge", tunnel.ProbeForeign, 200, "", "answers, but not from this hfhook"},
		{srv.URL + "/page", tunnel.ProbePage, 200, "", "shows a page before your receiver"},
		{srv.URL + "/quota", tunnel.ProbeProvider, 429, "ERR_NGROK_727", "ngrok answers for you: a request quota of your plan is used up (ERR_NGROK_727)"},
		{srv.URL + "/gone", tunnel.ProbeProvider, 404, "ERR_NGROK_3200", "is offline (ERR_NGROK_3200)"},
		{srv.URL + "/news", tunnel.ProbeProvider, 502, "ERR_NGROK_3004", "ngrok answers for you (ERR_NGROK_3004)"},
		{srv.URL + "/odd", tunnel.ProbeStatus, 502, "", "answers 502 Bad Gateway"},
		{srv.URL + "/moved", tunnel.ProbeStatus, 302, "", "answers 302 Found"},
		{srv.URL + "/hang", tunnel.ProbeTimeout, 0, "", "did not answer in time"},
		{srv.URL + "/break", tunnel.ProbeUnreachable, 0, "", "does not lead here (EOF)"},
		{"http://" + gone.Addr().String(), tunnel.ProbeUnreachable, 0, "", "does not lead here (connection refused)"},
		{secure.URL, tunnel.ProbeTLS, 0, "", "TLS with " + secure.URL + " fails (tls: failed to verify certificate"},
		{strings.Replace(srv.URL, "http:", "https:", 1), tunnel.ProbeTLS, 0, "", "fails (http: server gave HTTP response"},
	} {
		t.Run(strings.TrimPrefix(c.url, srv.URL), func(t *testing.T) {
			p := asking
			p.Timeout = 0
			if strings.HasSuffix(c.url, "/hang") {
				p.Timeout = 20 * time.Millisecond
			}
			err := p.Probe(t.Context(), mustURL(t, c.url))
			var e *tunnel.ProbeError
			require.ErrorAs(t, err, &e)
			assert.Equal(t, c.class, e.Class)
			assert.Equal(t, c.status, e.Status)
			assert.Equal(t, c.code, e.Code)
			assert.Contains(t, e.Error(), c.detail)
		})
	}

	t.Run("dns", func(t *testing.T) {
		p := tunnel.NewProber()
		notFound := &net.DNSError{Name: "x.example.test", IsNotFound: true}
		p.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: notFound}
		})}
		err := p.Probe(t.Context(), mustURL(t, "https://x.example.test"))
		var e *tunnel.ProbeError
		require.ErrorAs(t, err, &e)
		assert.Equal(t, tunnel.ProbeDNS, e.Class)
		assert.Equal(t, "x.example.test is not known to the name server (yet)", e.Error())
		assert.ErrorIs(t, err, notFound)
	})

	t.Run("certificate of another name", func(t *testing.T) {
		p := tunnel.NewProber()
		p.Client = secure.Client()
		p.Client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{
			RootCAs:    p.Client.Transport.(*http.Transport).TLSClientConfig.RootCAs,
			ServerName: "other.test",
		}
		err := p.Probe(t.Context(), mustURL(t, secure.URL))
		var e *tunnel.ProbeError
		require.ErrorAs(t, err, &e)
		assert.Equal(t, tunnel.ProbeTLS, e.Class)
	})
}

// Certificates hold names that anybody made up, and the text of an error has
// them all.
func TestProbeShowsNothingThatSteersATerminal(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"a\x1b]0;b\x07\nhint: c"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}}
	srv.StartTLS()
	defer srv.Close()
	err = tunnel.NewProber().Probe(t.Context(), mustURL(t, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)))
	var e *tunnel.ProbeError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, tunnel.ProbeTLS, e.Class)
	assert.NotContains(t, e.Error(), "\x1b")
	assert.NotContains(t, e.Error(), "\n")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
