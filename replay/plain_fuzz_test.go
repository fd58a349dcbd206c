package replay

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// piped gives a target whose connections end at serve, in this process. The
// function it gives waits until all of them are over.
func piped(t *testing.T, o HTTPOptions, serve func(c net.Conn)) (*HTTPTarget, func()) {
	target, err := NewHTTPTarget("http://target.example", o)
	require.NoError(t, err)
	target.transport.Proxy = noProxy
	var serving sync.WaitGroup
	dial := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		serving.Go(func() {
			defer theirs.Close()
			serve(theirs)
		})
		return ours, nil
	}
	target.plain.dial, target.transport.DialContext = dial, dial
	return target, func() {
		target.Close()
		serving.Wait()
	}
}

// FuzzPlain is about what any delivery looks like to its target: one request,
// of its method, to its path, with its body, and not a byte besides.
func FuzzPlain(f *testing.F) {
	f.Add("POST", "/webhooks/dev", "a=b", "public.example", "X-A", "b", []byte("{}"), false)
	f.Add("CONNECT", "evil.example:80", "", "", "", "", []byte(nil), true)
	f.Add("GET", "http://evil.example/", "#", "evil.example", "transfer-encoding", "chunked", []byte("0\r\n\r\nGET / HTTP/1.1\r\n\r\n"), true)
	f.Add("OPTIONS", "*", "", "", "content-length", "0", []byte("x"), false)
	f.Add("", "//a/%zz/../%2e", "a b", "a\r\nb", "Connection", "x, content-length", []byte("x"), true)
	f.Add("PUT", "/ HTTP/1.1\r\nX: y\r\n\r\n", "\n", "[::1%25eth0]:80", "A: b\r\nC", "d", []byte("x"), true)
	f.Add("POST", "/", "", "", "A", "b", bytes.Repeat([]byte("x"), maxAlone+1), false)
	f.Add("HEAD", "/?x y\t", "?", "h", "Expect", "100-continue", []byte(nil), false)
	f.Fuzz(func(t *testing.T, method, path, query, host, name, value string, body []byte, keepHost bool) {
		var got bytes.Buffer
		target, wait := piped(t, HTTPOptions{KeepHost: keepHost, Secret: "made-up", Timeout: 5 * time.Second}, func(c net.Conn) {
			in := bufio.NewReader(io.TeeReader(c, &got))
			if req, err := http.ReadRequest(in); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			}
			_, _ = io.Copy(io.Discard, in)
		})
		d := &Delivery{Method: method, Path: path, Query: query, Host: host, Header: http.Header{name: {value}}, Body: body}
		a := target.Send(t.Context(), d)
		wait()
		if got.Len() == 0 {
			assert.Equal(t, FailOther, a.Failure, a.Error)
			return
		}
		assert.Equal(t, 204, a.Status, "%s: %q", a.Error, got.String())
		in := bufio.NewReader(&got)
		req, err := http.ReadRequest(in)
		require.NoError(t, err)
		sent, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(body, sent))
		rest, _ := io.ReadAll(in)
		assert.Empty(t, rest)
		if method == "" {
			method = http.MethodPost
		}
		assert.Equal(t, method, req.Method)
		wantPath := path
		if path == "" {
			wantPath = "/"
		}
		if !strings.HasPrefix(path, "//") { // which package url may escape
			assert.True(t, strings.HasPrefix(req.RequestURI, wantPath), req.RequestURI)
		}
		assert.Empty(t, req.TransferEncoding)
		if !keepHost || host == "" {
			assert.Equal(t, "target.example", req.Host)
		} else {
			assert.Equal(t, strings.Contains(host, "%"), req.Host != host, req.Host) // a zone is for this machine
		}
	})
}

// FuzzPlainAnswer holds the reading of answers against that of package http.
func FuzzPlainAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.0 404 No\r\n\r\nx",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 099 No\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "220 ESMTP\r\n", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		target, wait := piped(t, HTTPOptions{Timeout: 5 * time.Second}, func(c net.Conn) {
			if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = c.Write(answer)
			}
		})
		a := target.Send(t.Context(), &Delivery{Path: "/", Body: []byte("{}")})
		wait()

		status, body, err := reference(answer)
		assert.Equal(t, status, a.Status, a.Error)
		assert.Equal(t, err != nil, a.Failure != "", "%v and %s", err, a.Error)
		assert.NotEqual(t, FailTimeout, a.Failure)
		coded := bytes.Contains(bytes.ToLower(answer), []byte("content-encoding"))
		assert.True(t, coded || bytes.Equal(body[:min(len(body), MaxAnswer)], a.Body))
	})
}

func reference(answer []byte) (status int, body []byte, err error) {
	in := bufio.NewReader(bytes.NewReader(answer))
	req := &http.Request{Method: http.MethodPost}
	for range maxInformational {
		resp, err := http.ReadResponse(in, req)
		switch {
		case err != nil:
			return 0, nil, err
		case resp.StatusCode < 100:
			return 0, nil, errors.New("no status")
		case resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
			if len(body) > MaxAnswer {
				err = nil
			}
			return resp.StatusCode, body, err
		}
	}
	return 0, nil, errLongHeader
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }
