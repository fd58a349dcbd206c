package replay

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// whole writes a request as it is.
func whole(conn net.Conn, head, body []byte) {
	conn.Write(head)
	conn.Write(body)
}

func TestRawSendsWhatSendWould(t *testing.T) {
	d := &Delivery{Path: "/a%2Fb", Query: "x=1", Header: http.Header{"X-Webhook-Secret": {Redacted}, "Te": {"trailers"}}, Body: []byte(`{"a":1}`)}
	got := make(chan string, 2)
	l := listen(t)
	serveConns(t, l, func(_ int, c net.Conn) {
		var raw strings.Builder
		req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &raw)))
		if assert.NoError(t, err) {
			io.Copy(io.Discard, req.Body)
		}
		got <- raw.String()
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nConnection: close\r\n\r\nhello")
	})
	target := newTarget(t, "http://"+l.Addr().String(), HTTPOptions{Secret: "swordfish"})
	require.Empty(t, target.Send(t.Context(), d).Error)
	a := target.SendRaw(t.Context(), d, whole)
	require.Empty(t, a.Error)
	assert.True(t, a.OK())
	assert.Equal(t, 201, a.Status)
	assert.Equal(t, "hello", string(a.Body))
	sent := <-got
	assert.Equal(t, sent, <-got)
	assert.Contains(t, sent, "swordfish")
}

// closeWrite closes the half of a connection that the server reads.
func closeWrite(conn net.Conn) { conn.(interface{ CloseWrite() error }).CloseWrite() }

func TestRawHalfARequest(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			w.WriteHeader(http.StatusTeapot)
		}
		w.Write(got)
	}
	plain := newServer(t, handler)
	secure, cert, _ := newTLSServer(t, true, tls.NoClientCert)
	secure.Config.Handler = http.HandlerFunc(handler)
	for name, c := range map[string]struct {
		url string
		o   TLSOptions
	}{
		"TCP": {plain.URL, TLSOptions{}},
		"TLS": {secure.URL, TLSOptions{CAFile: cert}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTarget(t, c.url, HTTPOptions{TLS: c.o}).SendRaw(t.Context(), &Delivery{Body: []byte("0123456789")}, func(conn net.Conn, head, body []byte) {
				whole(conn, head, body[:4])
				closeWrite(conn)
			})
			assert.Equal(t, http.StatusTeapot, a.Status, a.Error)
			assert.Equal(t, "0123", string(a.Body))
		})
	}
}

func TestRawToAUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })}
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	defer func() { s.Close(); <-done }()
	a := newTarget(t, "unix://"+socket+":/hook", HTTPOptions{}).SendRaw(t.Context(), &Delivery{Body: []byte("{}")}, whole)
	assert.Equal(t, "/hook", string(a.Body), a.Error)
}

func TestRawFailures(t *testing.T) {
	secret := rand.Text()
	secure, _, _ := newTLSServer(t, false, tls.NoClientCert)
	answering := func(answer string) string {
		l := listen(t)
		serveConns(t, l, func(_ int, c net.Conn) {
			if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.Copy(io.Discard, req.Body)
			}
			io.WriteString(c, strings.ReplaceAll(answer, "SECRET", secret))
		})
		return "http://" + l.Addr().String()
	}
	nobody := listen(t)
	nobody.Close()
	for name, c := range map[string]struct {
		url     string
		failure Failure
	}{
		"nobody listens":  {"http://" + nobody.Addr().String(), FailRefused},
		"no such name":    {"http://nowhere.invalid:1", FailDNS},
		"not trusted":     {secure.URL, FailTLS},
		"no answer":       {answering(""), FailBroken},
		"garbage":         {answering("220 mail.example ESMTP SECRET\r\n"), FailBroken},
		"endless header":  {answering("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 4*MaxAnswer)), FailBroken},
		"half an answer":  {answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), FailBroken},
		"not even a word": {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), FailBroken},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTarget(t, c.url, HTTPOptions{Secret: secret}).SendRaw(t.Context(), &Delivery{Body: []byte("{}")}, whole)
			assert.Equal(t, c.failure, a.Failure, a.Error)
			assert.False(t, a.OK())
			assert.NotContains(t, a.Error, secret)
		})
	}
	t.Run("closed by the writer", func(t *testing.T) {
		a := newTarget(t, answering(""), HTTPOptions{}).SendRaw(t.Context(), &Delivery{Body: []byte("{}")}, func(conn net.Conn, _, _ []byte) { conn.Close() })
		assert.Equal(t, FailBroken, a.Failure, a.Error)
	})
}

// The writer ends with the attempt, however the attempt ends.
func TestRawEndsItsWriter(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	endless := func(ended *bool) func(net.Conn, []byte, []byte) {
		return func(conn net.Conn, head, body []byte) {
			conn.Write(head)
			for {
				if _, err := conn.Write(body); err != nil {
					*ended = true
					return
				}
			}
		}
	}
	d := &Delivery{Body: make([]byte, 1<<10)}
	var ended bool
	a := newTarget(t, s.URL, HTTPOptions{}).SendRaw(t.Context(), d, endless(&ended))
	assert.True(t, ended)
	assert.NotEqual(t, FailTimeout, a.Failure)

	silent := listen(t)
	serveConns(t, silent, func(_ int, c net.Conn) { io.Copy(io.Discard, c) })
	ended = false
	a = newTarget(t, "http://"+silent.Addr().String(), HTTPOptions{Timeout: 50 * time.Millisecond}).SendRaw(t.Context(), d, endless(&ended))
	assert.True(t, ended)
	assert.Equal(t, FailTimeout, a.Failure, a.Error)

	ctx, cancel := context.WithCancel(t.Context())
	a = newTarget(t, "http://"+silent.Addr().String(), HTTPOptions{}).SendRaw(ctx, d, func(conn net.Conn, head, _ []byte) { cancel() })
	assert.Equal(t, FailCancelled, a.Failure, a.Error)
}
