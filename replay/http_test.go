package replay

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newTarget gives a target that is closed with the test.
func newTarget(t testing.TB, url string, o HTTPOptions) *HTTPTarget {
	t.Helper()
	target, err := NewHTTPTarget(url, o)
	require.NoError(t, err)
	t.Cleanup(func() { target.Close() })
	return target
}

func newServer(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// listen gives a listener on loopback that is closed with the test.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// serveConns calls serve for each connection, in its order, until the test ends.
func serveConns(t testing.TB, l net.Listener, serve func(n int, c net.Conn)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(n, c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
}

// wire gives the bytes that a target sends for a delivery.
func wire(t *testing.T, suffix string, o HTTPOptions, d *Delivery) string {
	t.Helper()
	l := listen(t)
	got := make(chan string, 1)
	serveConns(t, l, func(_ int, c net.Conn) {
		var raw strings.Builder
		in := bufio.NewReader(io.TeeReader(c, &raw))
		req, err := http.ReadRequest(in)
		if assert.NoError(t, err) {
			io.Copy(io.Discard, req.Body)
		}
		got <- raw.String()
		io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	a := newTarget(t, "http://"+l.Addr().String()+suffix, o).Send(t.Context(), d)
	require.Empty(t, a.Error)
	require.Equal(t, 204, a.Status)
	return strings.ReplaceAll(<-got, l.Addr().String(), "TARGET")
}

func TestHTTPSendsTheSameBytes(t *testing.T) {
	body := "\x00\xff{\r\n\"a\": 1 }"
	d := &Delivery{
		Method: "POST", Path: "/webhooks/a%2Fb//ü\"<x>", Query: "a=%20b&&c;d", Host: "public.example",
		Header: http.Header{
			"Content-Type":   {"application/json"},
			"Content-Length": {"999"},
			"Expect":         {"100-continue"}, // the body does not wait for it
			"Webhook-Id":     {"wh"},
			"X-Twice":        {"1", "2"},
		},
		Body: []byte(body),
	}
	assert.Equal(t, "POST /webhooks/a%2Fb//ü\"<x>?a=%20b&&c;d HTTP/1.1\r\n"+
		"Host: TARGET\r\n"+
		"Content-Length: 13\r\n"+
		"Content-Type: application/json\r\n"+
		"Expect: 100-continue\r\n"+
		"Webhook-Id: wh\r\n"+
		"X-Twice: 1\r\n"+
		"X-Twice: 2\r\n"+
		"\r\n"+body, wire(t, "", HTTPOptions{}, d))
}

func TestHTTPAddsNothing(t *testing.T) {
	assert.Equal(t, "POST /x HTTP/1.1\r\nHost: TARGET\r\nContent-Length: 0\r\n\r\n",
		wire(t, "", HTTPOptions{}, &Delivery{Path: "/x"}))
}

func TestHTTPRequestLine(t *testing.T) {
	for name, c := range map[string]struct{ target, path, query, want string }{
		"no path keeps the one that came": {"", "/webhooks/dev", "", "/webhooks/dev"},
		"a slash is a path":               {"/", "/webhooks/dev", "", "/"},
		"a path gets all":                 {"/in/%2F", "/webhooks/dev", "x=1", "/in/%2F?x=1"},
		"queries are joined":              {"/in?k=%7e", "/webhooks/dev", "x=1", "/in?k=%7e&x=1"},
		"query without path":              {"?k=v", "/webhooks/dev", "", "/webhooks/dev?k=v"},
		"two slashes":                     {"", "//webhooks//dev", "x", "//webhooks//dev?x"},
		"dots":                            {"", "/a/../b/./c", "", "/a/../b/./c"},
		"no path anywhere":                {"", "", "", "/"},
		"what package url would escape":   {"", "/a|b^c`[d]\\", "e=|", "/a|b^c`[d]\\?e=|"},
	} {
		t.Run(name, func(t *testing.T) {
			got := wire(t, c.target, HTTPOptions{}, &Delivery{Path: c.path, Query: c.query})
			line, _, _ := strings.Cut(got, "\r\n")
			assert.Equal(t, "POST "+c.want+" HTTP/1.1", line)
		})
	}
}

func TestHTTPHeaders(t *testing.T) {
	d := &Delivery{Path: "/", Host: "public.example", Header: http.Header{
		"Connection":          {"close, X-Named", "x-also"},
		"X-Named":             {"1"},
		"X-Also":              {"1"},
		"Keep-Alive":          {"1"},
		"Proxy-Authorization": {"1"},
		"Te":                  {"trailers"},
		"Trailer":             {"X"},
		"Transfer-Encoding":   {"chunked"},
		"Upgrade":             {"websocket"},
		"User-Agent":          {"hub"},
		"Accept":              {"*/*"},
		"Accept-Encoding":     {"br"},
	}}
	start := "POST / HTTP/1.1\r\nHost: TARGET\r\nUser-Agent: hub\r\nContent-Length: 0\r\n"
	assert.Equal(t, start+"Accept: */*\r\nAccept-Encoding: br\r\n\r\n", wire(t, "", HTTPOptions{}, d))
	assert.Equal(t, start+"A: 1\r\nA: 2\r\nAccept-Encoding: br\r\n\r\n",
		wire(t, "", HTTPOptions{Header: http.Header{"a": {"1", "2"}, "accept": nil}}, d))
	assert.Contains(t, wire(t, "", HTTPOptions{Host: "other.example"}, d), "\r\nHost: other.example\r\n")
	assert.Contains(t, wire(t, "", HTTPOptions{KeepHost: true}, d), "\r\nHost: public.example\r\n")
	assert.Len(t, d.Header, 12, "the delivery is left as it is")
}

func TestHTTPSecret(t *testing.T) {
	secret := rand.Text() + "&=+ ;/"
	d := &Delivery{
		Path: "/x", Query: "a=%31&s%65cret=" + Redacted + "&b=2",
		Header: http.Header{HeaderSecret: {Redacted}},
	}
	got := wire(t, "", HTTPOptions{Secret: secret}, d)
	escaped := strings.NewReplacer("&", "%26", "=", "%3D", "+", "%2B", " ", "+", ";", "%3B", "/", "%2F").Replace(secret)
	assert.Contains(t, got, "POST /x?a=%31&s%65cret="+escaped+"&b=2 HTTP/1.1\r\n")
	assert.Contains(t, got, "\r\nX-Webhook-Secret: "+secret+"\r\n")

	got = wire(t, "", HTTPOptions{}, d)
	assert.Contains(t, got, "POST /x?a=%31&b=2 HTTP/1.1\r\n")
	assert.NotContains(t, got, "Secret")

	got = wire(t, "", HTTPOptions{Secret: secret}, &Delivery{Path: "/x"})
	assert.Equal(t, "POST /x HTTP/1.1\r\nHost: TARGET\r\nContent-Length: 0\r\n\r\n", got, "only where one was")
	assert.Equal(t, Redacted, d.Header.Get(HeaderSecret), "the delivery is left as it is")
}

// A handler may also write it another way, or break off in the middle of it.
func TestHTTPAnswerThatRepeatsTheSecretInOtherWords(t *testing.T) {
	secret := `+/=&"<` + rand.Text()
	password := rand.Text()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		got := r.Header.Get(HeaderSecret)
		w.Header().Set("Location", "/x?s="+url.QueryEscape(got)+"&"+strings.ToLower(url.QueryEscape(got[:6]))+got[6:])
		fmt.Fprintf(w, "%q %s %x ", got, html.EscapeString(got), got)
		_ = json.NewEncoder(w).Encode(map[string]any{"secret": got, "list": []byte(got), "auth": r.Header["Authorization"]})
		fmt.Fprint(w, "password ", password, "\nand ", got[:len(got)-1])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	d := &Delivery{Path: "/", Header: http.Header{HeaderSecret: {Redacted}}}
	target := newTarget(t, "http://me:"+password+"@"+s.Listener.Addr().String(), HTTPOptions{Secret: secret})
	for name, send := range map[string]func() *Attempt{
		"sent": func() *Attempt { return target.Send(t.Context(), d) },
		"raw": func() *Attempt {
			return target.SendRaw(t.Context(), d, func(c net.Conn, head, body []byte) { _, _ = c.Write(append(head, body...)) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := send()
			assert.Equal(t, FailBroken, a.Failure)
			got := a.Header.Get("Location") + string(a.Body)
			assert.Equal(t, 10, strings.Count(got, Redacted), "%s", got)
			for i := range len(secret) - 8 {
				assert.NotContains(t, got, secret[i:i+8])
			}
		})
	}
}

func TestHTTPAnswerThatRepeatsTheSecret(t *testing.T) {
	secret := rand.Text() + "/"
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", "was "+r.Header.Get(HeaderSecret))
		fmt.Fprint(w, r.URL.RawQuery)
		// Some are cut by any end that there may be.
		fmt.Fprint(w, strings.Repeat("x"+r.Header.Get(HeaderSecret), MaxAnswer/len(secret)))
	})
	d := &Delivery{Path: "/", Query: "secret=" + Redacted, Header: http.Header{HeaderSecret: {Redacted}}}
	a := newTarget(t, s.URL, HTTPOptions{Secret: secret}).Send(t.Context(), d)
	assert.Equal(t, "was "+Redacted, a.Header.Get("X-Echo"))
	got := string(a.Body)
	assert.True(t, strings.HasPrefix(got, "secret="+Redacted+"x"+Redacted+"x"), "%.80s", got)
	assert.False(t, strings.Contains(got, secret[:4]), "not in parts either")
	assert.True(t, a.BodyCut)
}

// What a handler compresses is looked through as well.
func TestHTTPCompressedAnswerThatRepeatsTheSecret(t *testing.T) {
	secret := rand.Text()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		echo, err := json.Marshal(r.Header)
		assert.NoError(t, err)
		switch r.URL.Path {
		case "/asked":
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				_, _ = w.Write(echo)
				return
			}
			fallthrough
		case "/gzip", "/half":
			w.Header().Set("Content-Encoding", "GZip")
			if r.URL.Path == "/half" {
				echo = fmt.Append(nil, rand.Text(), string(echo), rand.Text(), rand.Text())
			}
			coded := squeeze(t, echo, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
			if r.URL.Path == "/half" {
				coded = coded[:len(coded)-30]
			}
			_, _ = w.Write(coded)
		case "/deflate":
			w.Header().Set("Content-Encoding", "deflate")
			_, _ = w.Write(squeeze(t, echo, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }))
		case "/raw":
			w.Header().Set("Content-Encoding", "deflate")
			_, _ = w.Write(squeeze(t, echo, func(w io.Writer) io.WriteCloser {
				z, err := flate.NewWriter(w, 9)
				assert.NoError(t, err)
				return z
			}))
		case "/twice":
			w.Header().Set("Content-Encoding", "gzip, gzip")
			once := squeeze(t, echo, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
			_, _ = w.Write(squeeze(t, once, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }))
		case "/unknown":
			w.Header().Set("Content-Encoding", "rot13")
			_, _ = w.Write(echo)
		}
	})
	for _, path := range []string{"/asked", "/gzip", "/half", "/deflate", "/raw", "/twice", "/unknown"} {
		t.Run(path, func(t *testing.T) {
			target := newTarget(t, s.URL, HTTPOptions{Secret: secret})
			d := &Delivery{Path: path, Header: http.Header{HeaderSecret: {Redacted}, "Accept-Encoding": {"gzip"}}}
			for _, a := range []*Attempt{target.Send(t.Context(), d), target.SendRaw(t.Context(), d, whole)} {
				require.Empty(t, a.Failure, a.Error)
				body := string(a.Body)
				if path == "/twice" || path == "/unknown" {
					assert.Empty(t, body)
					assert.NotEmpty(t, a.Header["Content-Encoding"], "it says why")
				} else {
					assert.Contains(t, body, Redacted)
					assert.NotContains(t, body, secret[:8])
					assert.NotContains(t, a.Header, "Content-Encoding", "it is of the body that is kept")
				}
				assert.Equal(t, path == "/twice" || path == "/unknown" || path == "/half", a.BodyCut)
			}
		})
	}
	t.Run("nothing to hide", func(t *testing.T) {
		a := newTarget(t, s.URL, HTTPOptions{}).Send(t.Context(), &Delivery{Path: "/unknown"})
		assert.NotEmpty(t, a.Body)
		assert.False(t, a.BodyCut)
		assert.Equal(t, "rot13", a.Header.Get("Content-Encoding"))
	})
}

func squeeze(t *testing.T, text []byte, by func(io.Writer) io.WriteCloser) []byte {
	var b bytes.Buffer
	z := by(&b)
	_, err := z.Write(text)
	assert.NoError(t, err)
	assert.NoError(t, z.Close())
	return b.Bytes()
}

func TestHTTPBasicAuthenticationIsNotInTheName(t *testing.T) {
	password := rand.Text()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		user, got, _ := r.BasicAuth()
		assert.Equal(t, "me", user)
		assert.Equal(t, password, got)
	})
	target := newTarget(t, "http://me:"+password+"@"+s.Listener.Addr().String()+"/x?secret="+password, HTTPOptions{})
	assert.Equal(t, s.URL+"/x?secret="+Redacted, target.Name())
	assert.True(t, target.Send(t.Context(), &Delivery{}).OK())
}

func TestHTTPHeaderSmuggling(t *testing.T) {
	s := newServer(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	target := newTarget(t, s.URL, HTTPOptions{KeepHost: true})
	for name, d := range map[string]*Delivery{
		"header value": {Path: "/", Header: http.Header{"A": {"1\r\nX-Evil: 2"}}},
		"newline":      {Path: "/", Header: http.Header{"A": {"1\nX-Evil: 2"}}},
		"header name":  {Path: "/", Header: http.Header{"A: 1\r\nB": {"1"}}},
		"path":         {Path: "/ HTTP/1.1\r\nX-Evil: 2"},
		"query":        {Path: "/", Query: "a HTTP/1.1\r\nX-Evil: 2"},
		"method":       {Path: "/", Method: "POST / HTTP/1.1\r\nX-Evil: 2\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			a := target.Send(t.Context(), d)
			assert.Equal(t, FailOther, a.Failure, a.Error)
			assert.NotContains(t, a.Error, "\n")
		})
	}
}

func TestHTTPFailures(t *testing.T) {
	closed := listen(t)
	closed.Close()
	hang := make(chan struct{})
	hanging := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-hang:
		}
	})
	t.Cleanup(func() { close(hang) })
	slow := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, "drip")
			http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	broken := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	early := newServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	garbage := listen(t)
	serveConns(t, garbage, func(_ int, c net.Conn) {
		http.ReadRequest(bufio.NewReader(c))
		io.WriteString(c, "what is this\r\n\r\n")
	})
	for name, c := range map[string]struct {
		url    string
		want   Failure
		status int
		body   string
	}{
		"refused":                {"http://" + closed.Addr().String(), FailRefused, 0, ""},
		"no socket":              {"unix://" + filepath.ToSlash(t.TempDir()) + "/no.sock", FailRefused, 0, ""},
		"no such name":           {"http://nosuch.invalid", FailDNS, 0, ""},
		"https to http":          {"https://" + early.Listener.Addr().String(), FailTLS, 0, ""},
		"hangs":                  {hanging.URL, FailTimeout, 0, ""},
		"drips":                  {slow.URL, FailTimeout, 200, "*"},
		"closes":                 {early.URL, FailBroken, 0, ""},
		"closes in mid answer":   {broken.URL, FailBroken, 200, "half"},
		"answers something else": {"http://" + garbage.Addr().String(), FailBroken, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_PROXY", "*")
			o := HTTPOptions{Timeout: 5 * time.Second}
			if c.want == FailTimeout {
				o.Timeout = 100 * time.Millisecond
			}
			secret := rand.Text()
			a := newTarget(t, c.url+"?token="+secret, o).Send(t.Context(), &Delivery{Path: "/"})
			assert.Equal(t, c.want, a.Failure, a.Error)
			assert.Equal(t, c.status, a.Status)
			if c.body != "*" {
				assert.Equal(t, c.body, string(a.Body))
			}
			assert.NotEmpty(t, a.Error)
			assert.NotContains(t, a.Error, secret)
			assert.False(t, a.OK())
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		a := newTarget(t, hanging.URL, HTTPOptions{}).Send(ctx, &Delivery{})
		assert.Equal(t, FailCancelled, a.Failure, a.Error)
	})
	t.Run("the caller's deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		a := newTarget(t, hanging.URL, HTTPOptions{}).Send(ctx, &Delivery{})
		assert.Equal(t, FailTimeout, a.Failure, a.Error)
	})
}

func TestHTTPAnswers(t *testing.T) {
	var redirected atomic.Bool
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "/elsewhere":
			redirected.Store(true)
		case "/500":
			w.Header().Set("X-Why", "bug")
			http.Error(w, "boom", http.StatusInternalServerError)
		case "/exact":
			w.Write(make([]byte, MaxAnswer))
		}
	})
	target := newTarget(t, s.URL, HTTPOptions{})

	a := target.Send(t.Context(), &Delivery{Path: "/redirect"})
	assert.Equal(t, 307, a.Status)
	assert.Empty(t, a.Failure)
	assert.Equal(t, "/elsewhere", a.Header.Get("Location"))
	assert.False(t, redirected.Load())

	a = target.Send(t.Context(), &Delivery{Path: "/500"})
	assert.Equal(t, 500, a.Status)
	assert.Empty(t, a.Failure)
	assert.Equal(t, "boom\n", string(a.Body))
	assert.Equal(t, "bug", a.Header.Get("X-Why"))

	a = target.Send(t.Context(), &Delivery{Path: "/exact"})
	assert.Len(t, a.Body, MaxAnswer)
	assert.False(t, a.BodyCut)
}

func TestHTTPEndlessAnswer(t *testing.T) {
	var sent atomic.Int64
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 64<<10)
		for {
			n, err := w.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	a := newTarget(t, s.URL, HTTPOptions{}).Send(t.Context(), &Delivery{})
	assert.Empty(t, a.Failure, a.Error)
	assert.Len(t, a.Body, MaxAnswer)
	assert.True(t, a.BodyCut)
	s.Close() // waits for the handler
	assert.Less(t, sent.Load(), int64(100<<20), "the connection is closed, not drained")
}

func TestHTTPKeptConnectionThatDied(t *testing.T) {
	l := listen(t)
	serveConns(t, l, func(n int, c net.Conn) {
		in := bufio.NewReader(c)
		req, err := http.ReadRequest(in)
		if !assert.NoError(t, err) {
			return
		}
		body, _ := io.ReadAll(req.Body)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body)+1, fmt.Sprint(n)+string(body))
		if n == 0 {
			http.ReadRequest(in) // and close without a word
		}
	})
	target := newTarget(t, "http://"+l.Addr().String(), HTTPOptions{})
	assert.Equal(t, "0a", string(target.Send(t.Context(), &Delivery{Body: []byte("a")}).Body))
	a := target.Send(t.Context(), &Delivery{Body: []byte("b")})
	assert.Equal(t, "1b", string(a.Body), a.Error)
}

func TestHTTPConnectionsAreKept(t *testing.T) {
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	target := newTarget(t, s.URL, HTTPOptions{})
	for range 5 {
		require.True(t, target.Send(t.Context(), &Delivery{}).OK())
	}
	assert.EqualValues(t, 1, conns.Load())
}

func TestHTTPUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "my app.sock")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, " ", r.RequestURI)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	for suffix, want := range map[string]string{
		"":             "localhost /webhooks/dev?x=1",
		"?k=v":         "localhost /webhooks/dev?k=v&x=1",
		":/":           "localhost /?x=1",
		":/in/%2F?k=v": "localhost /in/%2F?k=v&x=1",
	} {
		target := newTarget(t, "unix://"+path+suffix, HTTPOptions{})
		a := target.Send(t.Context(), &Delivery{Path: "/webhooks/dev", Query: "x=1"})
		assert.Equal(t, want, string(a.Body), a.Error)
		assert.Equal(t, "unix://"+path+suffix, target.Name())
	}
}

func TestNewHTTPTargetRefuses(t *testing.T) {
	secret := rand.Text()
	for url, want := range map[string]string{
		"localhost:3000":                  "scheme",
		"http://":                         "no host",
		"http://:3000":                    "no host",
		"http:/x":                         "no host",
		"ftp://host":                      `"ftp"`,
		"unix://relative.sock":            "three slashes",
		"unix:relative.sock":              "three slashes",
		"http://u:" + secret + "@h\x01/x": "target URL",
		"http://u:" + secret + "@[::1/x":  "target URL",
		"":                                "scheme",
	} {
		_, err := NewHTTPTarget(url, HTTPOptions{})
		require.ErrorContains(t, err, want, url)
		assert.NotContains(t, err.Error(), secret)
	}
	for name, o := range map[string]HTTPOptions{
		"header name":        {Header: http.Header{"a b": {"1"}}},
		"for header A":       {Header: http.Header{"A": {"fine", "1\r\nB: 2"}}},
		"Host option":        {Header: http.Header{"host": {"x"}}},
		"control characters": {Secret: "a\nb"},
		"https targets only": {TLS: TLSOptions{SkipVerify: true}},
	} {
		_, err := NewHTTPTarget("http://h", o)
		require.ErrorContains(t, err, name)
	}
}

func BenchmarkHTTPTarget(b *testing.B) {
	s := newServer(b, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	body := make([]byte, 2<<10)
	b.Run("floor=http.Client", func(b *testing.B) {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		for b.Loop() {
			resp, err := client.Post(s.URL, "application/json", strings.NewReader(string(body)))
			require.NoError(b, err)
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	b.Run("target", func(b *testing.B) {
		target := newTarget(b, s.URL, HTTPOptions{Secret: rand.Text()})
		d := &Delivery{Path: "/webhooks/dev", Body: body, Header: http.Header{
			"Content-Type": {"application/json"}, HeaderSecret: {Redacted}, HeaderWebhookID: {"wh"},
		}}
		for b.Loop() {
			require.True(b, target.Send(b.Context(), d).OK())
		}
	})
}
