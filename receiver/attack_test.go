package receiver_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// talk sends bytes, ends its half of the connection, and gives the statuses of
// all that is answered.
func talk(t *testing.T, addr, text string) (statuses []int) {
	t.Helper()
	c := raw(t, addr, text)
	require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
	in := bufio.NewReader(c)
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return statuses
		}
		statuses = append(statuses, read(t, resp).Status)
	}
}

// A request that can be read in two ways is none, and what follows it on the
// connection is not read at all. SECRET is the secret, and SECOND a request
// that would be let in.
func TestRequestSmuggling(t *testing.T) {
	const (
		head   = "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: SECRET\r\n"
		second = "POST /webhooks/evil HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: SECRET\r\nContent-Length: 2\r\n\r\n{}"
	)
	for name, c := range map[string]struct {
		request string
		want    []int
		kept    int // deliveries that are let in
	}{
		"one after the other":          {head + "Content-Length: 2\r\n\r\n{}SECOND", []int{200, 200}, 2},
		"length and chunks":            {head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nSECOND", []int{200}, 1},
		"chunks and length":            {head + "Transfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n2\r\n{}\r\n0\r\n\r\nSECOND", []int{200}, 1},
		"two lengths":                  {head + "Content-Length: 2\r\nContent-Length: 100\r\n\r\n{}SECOND", []int{400}, 0},
		"a list of lengths":            {head + "Content-Length: 2, 100\r\n\r\n{}SECOND", []int{400}, 0},
		"a length with a sign":         {head + "Content-Length: +2\r\n\r\n{}SECOND", []int{400}, 0},
		"a length below zero":          {head + "Content-Length: -2\r\n\r\n{}SECOND", []int{400}, 0},
		"a length in hex":              {head + "Content-Length: 0x2\r\n\r\n{}SECOND", []int{400}, 0},
		"a folded encoding":            {head + "Transfer-Encoding:\r\n chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nSECOND", []int{200}, 1},
		"another encoding":             {head + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nSECOND", []int{501}, 0},
		"chunked twice":                {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nSECOND", []int{501}, 0},
		"encoding with a tab":          {head + "Transfer-Encoding: \x0bchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nSECOND", []int{400}, 0},
		"a blank before the colon":     {head + "Content-Length : 2\r\n\r\n{}SECOND", []int{400}, 0},
		"a name with a blank":          {head + "X Y: z\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
		"NUL in a value":               {head + "X: \x00\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
		"a chunk below zero":           {head + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\nSECOND", []int{400}, 0},
		"a long chunk":                 {head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff2\r\n{}\r\n0\r\n\r\nSECOND", []int{400}, 0},
		"a chunk that is longer":       {head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\nSECOND", []int{400}, 0},
		"no length":                    {head + "\r\nSECOND", []int{422, 200}, 1},
		"a trailer":                    {head + "Transfer-Encoding: chunked\r\nTrailer: X-Webhook-Secret\r\n\r\n2\r\n{}\r\n0\r\nX-A: b\r\n\r\nSECOND", []int{200}, 1},
		"a secret in the trailer":      {"POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Webhook-Secret\r\n\r\n2\r\n{}\r\n0\r\nX-Webhook-Secret: SECRET\r\n\r\nSECOND", []int{401}, 0},
		"a folded secret":              {"POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: SEC\r\n RET\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{403}, 0},
		"two hosts":                    {head + "Host: y\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
		"no host":                      {"POST /webhooks/hook HTTP/1.1\r\nX-Webhook-Secret: SECRET\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
		"a host with a path":           {strings.Replace(head, "Host: x", "Host: x/y z", 1) + "Content-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
		"a blank in the path":          {strings.Replace(head, "/hook", "/ho ok", 1) + "Content-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
		"two protocols":                {strings.Replace(head, "HTTP/1.1", "HTTP/1.1 HTTP/1.1", 1) + "Content-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
		"NUL in the path":              {strings.Replace(head, "/hook", "/ho\x00ok", 1) + "Content-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
		"an older protocol":            {strings.Replace(head, "HTTP/1.1", "HTTP/0.9", 1) + "Content-Length: 2\r\n\r\n{}SECOND", []int{505}, 0},
		"HTTP/1.0":                     {strings.Replace(head, "HTTP/1.1", "HTTP/1.0", 1) + "Content-Length: 2\r\n\r\n{}SECOND", []int{200}, 1},
		"chunks in HTTP/1.0":           {strings.Replace(head, "HTTP/1.1", "HTTP/1.0", 1) + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nSECOND", []int{422}, 0},
		"HTTP/2":                       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nSECOND", []int{405}, 0},
		"HTTP/2 by upgrade":            {head + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{200, 200}, 2},
		"CONNECT":                      {"CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example:80\r\nX-Webhook-Secret: SECRET\r\n\r\nSECOND", []int{405}, 0},
		"CONNECT to a path":            {"CONNECT /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: SECRET\r\n\r\nSECOND", []int{405}, 0},
		"a request that will continue": {head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{100, 200, 200}, 2},
		"an expectation":               {head + "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{417}, 0},
		"continue without a secret":    {"POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 999\r\n\r\nSECOND", []int{401}, 0},
		"bare newlines":                {strings.ReplaceAll(head+"Content-Length: 2\r\n\r\n{}", "\r\n", "\n") + "SECOND", []int{200, 200}, 2},
		"a bare carriage return":       {head + "X: y\rContent-Length: 100\r\nContent-Length: 2\r\n\r\n{}SECOND", []int{400}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			secret, store := rand.Text(), memory.New()
			s := newServer(t, receiver.Options{Secrets: []string{secret}, Store: store, AnyPath: true, Dispatcher: noTargets{}})
			text := strings.ReplaceAll(c.request, "SECOND", second)
			text = strings.NewReplacer("SECRET", secret, "SEC\r\n RET", secret[:3]+"\r\n "+secret[3:]).Replace(text)
			assert.Equal(t, c.want, talk(t, serve(t, s), text))
			accepted := 0
			for _, d := range kept(t, store) {
				if d.Verdict == replay.Accepted {
					assert.Equal(t, "{}", string(d.Body))
					accepted++
				}
			}
			assert.Equal(t, c.kept, accepted)
		})
	}
}

// counted is a body without end.
type counted struct{ n int }

func (c *counted) Read(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

// Of what is not let in, no more is read than what is kept of it and what it
// takes to end the connection gently.
func TestHardlyAnythingIsReadOfWhatIsNotLetIn(t *testing.T) {
	const kept, lingered = 64 << 10, 256 << 10
	for name, length := range map[string]int64{"with a length": 16 << 20, "without": -1} {
		for _, store := range []replay.Store{nil, memory.New()} {
			t.Run(name, func(t *testing.T) {
				o := receiver.Options{Secrets: []string{rand.Text()}}
				if store != nil {
					o.Store, o.Dispatcher, o.AnyPath = store, noTargets{}, true
				}
				body := &counted{}
				r := httptest.NewRequest("POST", "/webhooks/hook?secret=wrong", body)
				r.ContentLength = length
				w := httptest.NewRecorder()
				newServer(t, o).ServeHTTP(w, r)
				assert.Equal(t, 403, w.Code)
				assert.LessOrEqual(t, body.n, kept+lingered+1024)
			})
		}
	}
}

// No header says where a delivery comes from, or how it came: the connection
// does, and none of the tunnels vouches for more.
func TestForwardedHeadersAreNotBelieved(t *testing.T) {
	store := memory.New()
	s := newServer(t, receiver.Options{Secrets: []string{"s"}, Store: store, AnyPath: true, Dispatcher: noTargets{}})
	addr := serve(t, s)
	var lies []string
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip", "Fly-Client-Ip", "X-Cluster-Client-Ip"} {
		lies = append(lies, name+": 127.0.0.1", name+": 192.0.2.66")
	}
	lies = append(lies, "Forwarded: for=192.0.2.66;proto=https;host=evil.example;by=127.0.0.1", "X-Forwarded-Host: evil.example",
		"X-Forwarded-Proto: https", "X-Forwarded-Prefix: /evil", "X-Forwarded-Method: GET", "X-Http-Method-Override: DELETE", "X-Method-Override: DELETE",
		"X-Original-Url: /evil", "X-Rewrite-Url: /evil", "X-Original-Host: evil.example")
	assert.Equal(t, 401, send(t, "POST", "http://"+addr+"/webhooks/hook", "{}", lies...).Status)
	assert.Equal(t, 200, send(t, "POST", "http://"+addr+"/webhooks/hook", "{}", append(lies, "X-Webhook-Secret: s")...).Status)
	page := send(t, "GET", "http://"+addr+"/", "", lies...)
	assert.NotContains(t, page.Body, "evil.example")
	all := kept(t, store)
	require.Len(t, all, 2)
	for _, d := range all {
		assert.True(t, strings.HasPrefix(d.Arrivals[0].RemoteAddr, "127.0.0.1:"), d.Arrivals[0].RemoteAddr)
		assert.Equal(t, []string{"POST", "/webhooks/hook", addr, "hook"}, []string{d.Method, d.Path, d.Host, d.Endpoint})
		assert.Equal(t, "127.0.0.1", d.Header.Get("X-Real-Ip"), "it is kept as any other")
	}
}

// What is compressed is refused before it is read, and never taken apart.
func TestBombs(t *testing.T) {
	var zipped, flat bytes.Buffer
	z := gzip.NewWriter(&zipped)
	f, err := flate.NewWriter(&flat, flate.BestSpeed)
	require.NoError(t, err)
	for _, w := range []io.WriteCloser{z, f} {
		_, err := w.Write(make([]byte, 2<<20))
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	for name, c := range map[string]struct {
		body    string
		headers []string
		want    int
	}{
		"gzip":           {zipped.String(), []string{"Content-Encoding: gzip"}, 415},
		"deflate":        {flat.String(), []string{"Content-Encoding: deflate"}, 415},
		"brotli":         {"x", []string{"Content-Encoding: br"}, 415},
		"several":        {zipped.String(), []string{"Content-Encoding: identity, gzip"}, 415},
		"a second one":   {zipped.String(), []string{"Content-Encoding: identity", "Content-Encoding: gzip"}, 415},
		"without a word": {zipped.String(), nil, 422},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			s := newServer(t, receiver.Options{NoSecret: true, Store: store, AnyPath: true, Dispatcher: noTargets{}})
			assert.Equal(t, c.want, record(s, "POST", "/webhooks/hook", c.body, c.headers...).Code)
			d := keptOne(t, store)
			assert.NotEqual(t, replay.Accepted, d.Verdict)
			assert.True(t, c.body == string(d.Body), "as it came")
		})
	}
}

// The page is for anybody to look at: it has nothing to act on, and no other
// site may have it read or framed.
func TestLandingPageGivesAwayNothing(t *testing.T) {
	secret := rand.Text()
	addr := serve(t, newServer(t, receiver.Options{Secrets: []string{secret}}))
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "TRACE"} {
		got := send(t, method, "http://"+addr+"/?<script>alert(1)</script>&secret="+secret, "", "Origin: https://evil.example",
			"Access-Control-Request-Method: POST", "Access-Control-Request-Private-Network: true", "Cookie: a=<b>", "X-Evil: <script>")
		for name := range got.Header {
			assert.False(t, strings.HasPrefix(name, "Access-Control-"), name)
		}
		assert.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
		assert.NotContains(t, got.Body, secret)
		assert.NotContains(t, strings.ToLower(got.Body), "evil")
		assert.NotContains(t, got.Body, "alert(1)")
		if method == "GET" || method == "HEAD" {
			assert.Equal(t, 200, got.Status)
			assert.Contains(t, got.Header.Get("Content-Security-Policy"), "default-src 'none'")
			assert.Contains(t, got.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
			assert.NotContains(t, got.Body, "<form")
		} else {
			assert.Equal(t, 405, got.Status)
		}
	}
}
