package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is kept may have been imported, and what was imported may be crafted.
// None of it makes a request that can be read as another one.
func TestAmbiguousRequestsAreNotSent(t *testing.T) {
	l := listen(t)
	serveConns(t, l, func(_ int, c net.Conn) {
		b, _ := io.ReadAll(c)
		assert.Empty(t, string(b[:min(len(b), 200)]), "it was sent")
	})
	target := newTarget(t, "http://"+l.Addr().String(), HTTPOptions{KeepHost: true, Timeout: 5 * time.Second})
	for name, d := range map[string]*Delivery{
		"another host":                 {Path: "http://evil.example/x"},
		"another host, https":          {Path: "https://evil.example/x"},
		"a host for a path":            {Path: "evil.example/x"},
		"a user":                       {Path: "@evil.example/x"},
		"a port":                       {Path: ":80/x"},
		"backslashes":                  {Path: `\\evil.example\x`},
		"an asterisk":                  {Path: "*"},
		"a tunnel":                     {Method: "CONNECT", Path: "evil.example:443"},
		"a tunnel with a path":         {Method: "CONNECT", Path: "/x"},
		"an older protocol":            {Path: "/ HTTP/1.0"},
		"no protocol":                  {Path: "/x\t"},
		"a blank in the query":         {Path: "/", Query: "a b"},
		"a blank in the path":          {Path: "/a b"},
		"a blank after a bad escape":   {Path: "/%zz b"},
		"a newline in the query":       {Path: "/", Query: "a\n"},
		"a carriage return":            {Path: "/\r"},
		"NUL":                          {Path: "/\x00"},
		"DEL":                          {Path: "/\x7f"},
		"a method with a blank":        {Path: "/", Method: "GET /evil"},
		"a method with a newline":      {Path: "/", Method: "GET\n"},
		"a host with a newline":        {Path: "/", Host: "a\r\nX: y"},
		"a host with a path":           {Path: "/", Host: "evil.example/x y"},
		"a header with NUL":            {Path: "/", Header: http.Header{"A": {"\x00"}}},
		"a header with CR":             {Path: "/", Header: http.Header{"A": {"b\rc"}}},
		"a header with a colon":        {Path: "/", Header: http.Header{"A: b\r\nC": {"d"}}},
		"a header name with a blank":   {Path: "/", Header: http.Header{"Content-Length ": {"0"}}},
		"a header name that is folded": {Path: "/", Header: http.Header{" A": {"b"}}},
		"no header name":               {Path: "/", Header: http.Header{"": {"b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(target, func(body []byte) {
				d.Body = body
				for _, a := range []*Attempt{target.Send(t.Context(), d), target.SendRaw(t.Context(), d, whole)} {
					assert.Equal(t, FailOther, a.Failure, a.Error)
					assert.NotContains(t, a.Error, "\n")
					assert.NotRegexp(t, ` is (none$|no )`, a.Error, "said plainly")
				}
			})
		})
	}
}

// Headers that say how long a request is, or whose it is, are the request's
// own, whatever case a crafted file has them in.
func TestStoredHeadersDoNotSmuggle(t *testing.T) {
	secret := rand.Text()
	d := &Delivery{Path: "/", Host: "public.example", Header: http.Header{
		"transfer-encoding": {"chunked"}, "Transfer-Encoding": {"chunked"}, "TRAILER": {"X"}, "te": {"trailers"},
		"content-length": {"0"}, "Content-Length": {"3"}, "host": {"evil.example"}, "Host": {"evil.example"},
		"connection": {"upgrade, x-private"}, "UPGRADE": {"h2c"}, "X-Private": {"1"}, "proxy-authorization": {"1"}, "keep-alive": {"1"},
		"x-webhook-secret": {Redacted}, "x-kept": {"1"}, "X-Kept": {"2"},
	}, Body: []byte("0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n")}
	got := wire(t, "", HTTPOptions{Secret: secret}, d)
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	assert.Equal(t, string(d.Body), body)
	lines := strings.Split(head, "\r\n")
	assert.ElementsMatch(t, []string{"POST / HTTP/1.1", "Host: TARGET", fmt.Sprintf("Content-Length: %d", len(d.Body)),
		"X-Webhook-Secret: " + secret, "X-Kept: 1", "X-Kept: 2"}, lines)
}

// A proxy goes to where the request line says, which is not for a sender to choose.
func TestKeptHostDoesNotLeadAProxyAstray(t *testing.T) {
	var asked atomic.Value
	proxy := newServer(t, func(_ http.ResponseWriter, r *http.Request) { asked.Store(r.RequestURI) })
	at, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	target := newTarget(t, "http://handler.example/in", HTTPOptions{KeepHost: true, Secret: rand.Text()})
	target.transport.Proxy = http.ProxyURL(at)
	a := target.Send(t.Context(), &Delivery{Host: "evil.example", Header: http.Header{HeaderSecret: {Redacted}}})
	require.True(t, a.OK(), a.Error)
	assert.Equal(t, "http://handler.example/in", asked.Load())
}

// The secret goes to the target and to nobody else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	trap := newServer(t, func(http.ResponseWriter, *http.Request) { t.Error("it was followed") })
	for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
		for _, to := range []string{trap.URL + "/x", "//" + trap.Listener.Addr().String() + "/x"} {
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", to)
				w.Header().Set("Refresh", "0; url="+to)
				w.Header().Set("Alt-Svc", fmt.Sprintf(`h2=%q`, trap.Listener.Addr()))
				w.WriteHeader(status)
			})
			target := newTarget(t, s.URL, HTTPOptions{Secret: rand.Text()})
			eachWay(target, func(body []byte) {
				d := &Delivery{Path: "/", Header: http.Header{HeaderSecret: {Redacted}}, Body: body}
				for _, a := range []*Attempt{target.Send(t.Context(), d), target.SendRaw(t.Context(), d, whole), target.Send(t.Context(), d)} {
					assert.Equal(t, status, a.Status, a.Error)
					assert.False(t, a.OK())
				}
			})
		}
	}
}

// What a target says after its answer is no answer to the next delivery.
func TestAnswerToNobody(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // where it is only made unlikely
	}
	l := listen(t)
	answered := make(chan struct{})
	serveConns(t, l, func(n int, c net.Conn) {
		in := bufio.NewReader(c)
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", n)
		if n == 0 {
			<-answered
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			_, _ = in.ReadByte() // its end
		}
	})
	target := newTarget(t, "http://"+l.Addr().String(), HTTPOptions{})
	require.Equal(t, "0", string(target.Send(t.Context(), &Delivery{Path: "/"}).Body))
	close(answered)
	target.plain.mu.Lock()
	idle := slices.Clone(target.plain.idle)
	target.plain.mu.Unlock()
	require.Len(t, idle, 1)
	require.Eventually(t, func() bool { return !quiet(idle[0].Conn) }, 10*time.Second, time.Millisecond)
	assert.Equal(t, "1", string(target.Send(t.Context(), &Delivery{Path: "/"}).Body))
}

// Answers may be anything; what is kept of them is small.
func TestHostileAnswers(t *testing.T) {
	zeros := make([]byte, 8*MaxAnswer)
	bomb := squeeze(t, zeros, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	const good = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		answer string
		status int // 0: there is none
		body   string
		broken bool
	}{
		"a bomb":                  {good + fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(bomb), bomb), 200, string(zeros[:MaxAnswer]), false},
		"a bomb that says less":   {good + "Content-Encoding: gzip\r\n\r\n" + string(bomb[:len(bomb)/2]), 200, string(zeros[:MaxAnswer]), false},
		"no gzip":                 {good + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
		"a coding unheard of":     {good + "Transfer-Encoding: gzip\r\n\r\nx", 0, "", true},
		"two lengths":             {good + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 0, "", true},
		"a length below zero":     {good + "Content-Length: -1\r\n\r\nab", 0, "", true},
		"a length beyond numbers": {good + "Content-Length: 99999999999999999999\r\n\r\nab", 0, "", true},
		"length and chunks":       {good + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200, "ab", false},
		"a chunk below zero":      {good + "Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n", 200, "", true},
		"chunk extensions":        {good + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\na\r\n", 100), 200, "*", true},
		"trailers without end":    {good + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("A: b\r\n", 100_000), 200, "", true},
		"100,000 header lines":    {good + strings.Repeat("A: b\r\n", 100_000) + "\r\n", 0, "", true},
		"a folded header":         {good + "A: b\r\n c\r\nContent-Length: 0\r\n\r\n", 200, "", false},
		"a header without colon":  {good + "A\r\n\r\n", 0, "", true},
		"a status of words":       {"HTTP/1.1 OK OK\r\n\r\n", 0, "", true},
		"a status of 4 digits":    {"HTTP/1.1 2000 OK\r\n\r\n", 0, "", true},
		"a status below zero":     {"HTTP/1.1 -20 OK\r\n\r\n", 0, "", true},
		"status zero":             {"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", 0, "", true},
		"HTTP/2":                  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, "", true},
		"no protocol":             {"hello", 0, "", true},
		"NUL":                     {strings.Repeat("\x00", 1<<20), 0, "", true},
		"longer than it said":     {good + "Content-Length: 2\r\n\r\nabcdef", 200, "ab", false},
		"shorter than it said":    {good + "Content-Length: 20\r\n\r\nab", 200, "ab", true},
	} {
		t.Run(name, func(t *testing.T) {
			target := answeringOnce(t, c.answer)
			eachWay(target, func(sent []byte) {
				a := target.Send(t.Context(), &Delivery{Path: "/", Body: sent})
				assert.Equal(t, c.status, a.Status, a.Error)
				assert.Equal(t, c.broken, a.Failure != "", a.Error)
				assert.NotRegexp(t, ` is none$`, a.Error, "said plainly")
				assert.Equal(t, c.broken || a.Status/100 != 2, !a.OK())
				assert.LessOrEqual(t, len(a.Body), MaxAnswer)
				if c.body != "*" {
					assert.True(t, c.body == string(a.Body), "%.100q", a.Body)
				}
			})
		})
	}
}

// eachWay sends a small body and a large one the plain way, and a small one by a
// Transport, which loses some answers to large ones when the connection ends
// with them.
func eachWay(target *HTTPTarget, send func(body []byte)) {
	small := []byte("xx")
	send(small)
	send(bytes.Repeat([]byte("x"), maxAlone+1))
	plain := target.plain
	target.plain = nil
	send(small)
	target.plain = plain
}

// answeringOnce gives a target that answers each connection with these bytes
// and closes it.
func answeringOnce(t *testing.T, answer string) *HTTPTarget {
	l := listen(t)
	serveConns(t, l, func(_ int, c net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(c, answer)
		}
	})
	return newTarget(t, "http://"+l.Addr().String(), HTTPOptions{Timeout: 20 * time.Second})
}
