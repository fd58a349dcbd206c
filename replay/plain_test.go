package replay

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answering gives a target whose answers are these bytes, as often as it is
// asked, and how many connections it took.
func answering(t *testing.T, answer string) (*HTTPTarget, *atomic.Int32) {
	l := listen(t)
	taken := new(atomic.Int32)
	serveConns(t, l, func(_ int, c net.Conn) {
		taken.Add(1)
		in := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	})
	target := newTarget(t, "http://"+l.Addr().String(), HTTPOptions{})
	require.NotNil(t, target.plain)
	return target, taken
}

func TestPlainAnswers(t *testing.T) {
	d := &Delivery{Method: "POST", Path: "/", Body: []byte("body")}
	for name, c := range map[string]struct {
		answer string
		status int
		body   string
		conns  int32 // for three sends
	}{
		"with a length":               {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", 1},
		"in chunks":                   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok", 1},
		"without a body":              {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", 1},
		"that are announced":          {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "", 1},
		"after which there is more":   {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 200, "ok", 3},
		"that close the connection":   {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", 3},
		"of a protocol without reuse": {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", 3},
		"that switch protocols":       {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 101, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			target, taken := answering(t, c.answer)
			for range 3 {
				a := target.Send(t.Context(), d)
				assert.Empty(t, a.Failure, a.Error)
				assert.Equal(t, c.status, a.Status)
				assert.Equal(t, c.body, string(a.Body))
			}
			require.NoError(t, target.Close())
			assert.Equal(t, c.conns, taken.Load())
		})
	}
}

func TestPlainAnswersWithoutEnd(t *testing.T) {
	for name, answer := range map[string]string{
		"header": "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", MaxAnswer) + "\r\n\r\n",
		"1xx":    strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 200),
	} {
		t.Run(name, func(t *testing.T) {
			target, _ := answering(t, answer)
			a := target.Send(t.Context(), &Delivery{Method: "POST", Path: "/"})
			assert.Equal(t, FailBroken, a.Failure)
			assert.Contains(t, a.Error, "too long")
		})
	}
}

// TestPlainEarlyAnswer is about a server that does not want all of a request.
func TestPlainEarlyAnswer(t *testing.T) {
	l := listen(t)
	serveConns(t, l, func(_ int, c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	})
	target := newTarget(t, "http://"+l.Addr().String(), HTTPOptions{})
	for _, size := range []int{10, maxAlone, maxAlone + 1, 8 << 20} {
		d := &Delivery{Method: "POST", Path: "/", Body: make([]byte, size)}
		a := target.Send(t.Context(), d)
		assert.Equal(t, 413, a.Status, "%d: %s", size, a.Error)
	}
}

// Some say yes first and read then, and are sent all of it.
func TestPlainEarlyYes(t *testing.T) {
	l := listen(t)
	got := make(chan int64, 1)
	serveConns(t, l, func(_ int, c net.Conn) {
		in := bufio.NewReader(c)
		req, err := http.ReadRequest(in)
		assert.NoError(t, err)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		n, _ := io.Copy(io.Discard, req.Body)
		got <- n
	})
	a := newTarget(t, "http://"+l.Addr().String(), HTTPOptions{}).Send(t.Context(), &Delivery{Method: "POST", Path: "/", Body: make([]byte, 16<<20)})
	assert.True(t, a.OK(), a.Error)
	assert.EqualValues(t, 16<<20, <-got)
}

// And some never read, for whom nobody waits longer than for an answer.
func TestPlainYesOfTheDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		target, wait := piped(t, HTTPOptions{}, func(c net.Conn) {
			_, err := http.ReadRequest(bufio.NewReader(c))
			assert.NoError(t, err)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			<-done
		})
		a := target.Send(t.Context(), &Delivery{Method: "POST", Path: "/", Body: make([]byte, maxAlone+1)})
		assert.True(t, a.OK(), a.Error)
		assert.Empty(t, target.plain.idle)
		close(done)
		wait()
	})
}

func TestPlainIdleConnectionsAreClosed(t *testing.T) {
	l := listen(t)
	ended := make(chan struct{})
	serveConns(t, l, func(_ int, c net.Conn) {
		in := bufio.NewReader(c)
		if _, err := http.ReadRequest(in); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		_, err := in.ReadByte()
		assert.ErrorIs(t, err, io.EOF)
		close(ended)
	})
	target := newTarget(t, "http://"+l.Addr().String(), HTTPOptions{})
	require.True(t, target.Send(t.Context(), &Delivery{Method: "POST", Path: "/"}).OK())
	<-ended // no Close
	target.plain.mu.Lock()
	defer target.plain.mu.Unlock()
	assert.Empty(t, target.plain.idle)
}

func TestPlainIsCancelled(t *testing.T) {
	begun := make(chan struct{})
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(begun)
		<-r.Context().Done() // the connection ends
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	a := newTarget(t, server.URL, HTTPOptions{}).Send(ctx, &Delivery{Method: "POST", Path: "/"})
	assert.Equal(t, FailCancelled, a.Failure)
}

func TestPlainManyAtTheSameTime(t *testing.T) {
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	target := newTarget(t, server.URL, HTTPOptions{})
	var senders sync.WaitGroup
	for n := range 32 {
		senders.Go(func() {
			for i := range 50 {
				body := bytes.Repeat([]byte{byte(n)}, 1+i*100)
				a := target.Send(t.Context(), &Delivery{Method: "POST", Path: "/", Body: body})
				assert.True(t, bytes.Equal(body, a.Body), "the answer of another")
			}
		})
	}
	senders.Wait()
}

// TestPlainSendsWhatATransportSends compares the bytes.
func TestPlainSendsWhatATransportSends(t *testing.T) {
	l := listen(t)
	got := make(chan string, 1)
	serveConns(t, l, func(_ int, c net.Conn) {
		var raw strings.Builder
		if req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &raw))); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		got <- raw.String()
	})
	for _, d := range []*Delivery{
		{Method: "POST", Path: "/webhooks/a%2Fb//ü?", Query: "a=%20b&&c;d", Body: []byte("x")},
		{Method: "GET", Path: "/"},
		{Method: "PUT", Path: "//double", Header: http.Header{"X": {"1", "2"}, "Connection": {"X"}, "Expect": {"100-continue"}}},
		{Method: "POST", Path: "/", Header: http.Header{"User-Agent": {"a"}, "Accept-Encoding": {"br"}}, Body: bytes.Repeat([]byte("y"), maxAlone)},
		{Method: "POST", Path: "/", Body: bytes.Repeat([]byte("z"), 1<<20)},
	} {
		both := map[bool]string{}
		for _, plain := range []bool{true, false} {
			target, err := NewHTTPTarget("http://"+l.Addr().String()+"?q=1", HTTPOptions{Secret: "s"})
			require.NoError(t, err)
			if !plain {
				target.plain = nil
			}
			a := target.Send(t.Context(), d)
			assert.Equal(t, 204, a.Status, a.Error)
			both[plain] = <-got
			require.NoError(t, target.Close())
		}
		assert.Equal(t, both[false], both[true])
	}
}

func TestPlainLeavesTheRest(t *testing.T) {
	takes := func(target *HTTPTarget, d *Delivery) bool {
		req, err := target.request(d)
		require.NoError(t, err)
		return target.plain.takes(req)
	}
	target := newTarget(t, "http://127.0.0.1:1", HTTPOptions{})
	assert.True(t, takes(target, &Delivery{Method: "POST", Path: "/"}))
	foreign := newTarget(t, "http://bücher.example", HTTPOptions{})
	assert.False(t, takes(foreign, &Delivery{Method: "POST", Path: "/"}))
	assert.Nil(t, newTarget(t, "https://127.0.0.1:1", HTTPOptions{}).plain)
}

func TestPlainAddresses(t *testing.T) {
	for raw, want := range map[string]string{
		"http://localhost": "localhost:80", "http://localhost:3000/a": "localhost:3000",
		"http://[::1]": "[::1]:80", "http://[::1]:3000": "[::1]:3000", "http://127.0.0.1:": "127.0.0.1:80",
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		assert.Equal(t, want, addressOf(u), raw)
	}
}
