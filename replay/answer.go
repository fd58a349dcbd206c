package replay

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// progress notes how far an HTTP attempt came, which its error does not tell.
type progress struct {
	badHandshake, sent atomic.Bool
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err != nil {
				p.badHandshake.Store(true)
			}
		},
		WroteHeaders: func() { p.sent.Store(true) },
	}
}

func newBody(b []byte) io.ReadCloser {
	if len(b) == 0 {
		return http.NoBody // anything else would be sent in chunks
	}
	return io.NopCloser(bytes.NewReader(b))
}

// read keeps an answer, without the secret.
func (t *HTTPTarget) read(a *Attempt, resp *http.Response) error {
	if resp.StatusCode < 100 {
		return fmt.Errorf("the status %03d is not valid", resp.StatusCode)
	}
	a.Status, a.Header = resp.StatusCode, resp.Header
	for _, values := range a.Header {
		for i := range values {
			values[i] = t.redact.Replace(values[i])
		}
	}
	return t.readBody(a, resp.Body)
}

// readBody keeps what an attempt keeps of an answer's body, and reads little
// more, however long it is. A secret is not found in what is compressed, so what
// can be is decompressed, and nothing kept of what cannot where there is a secret.
func (t *HTTPTarget) readBody(a *Attempt, r io.Reader) error {
	limit := MaxAnswer + 1 + t.redact.Longest()
	body, err := readUpTo(limit, r)
	ended := err
	if a.BodyCut = len(body) > MaxAnswer; a.BodyCut {
		err = nil // what is missing would not be kept
	}
	if coding := strings.ToLower(strings.Join(a.Header["Content-Encoding"], ",")); coding != "" && coding != "identity" && len(body) > 0 {
		var plain []byte
		plain, ended = decompress(limit, coding, body)
		switch {
		case len(plain) > 0 || ended == nil:
			body = plain
			delete(a.Header, "Content-Encoding")
			delete(a.Header, "Content-Length")
			a.BodyCut = a.BodyCut || ended != nil || len(body) > MaxAnswer
		case t.redact != nil:
			body, a.BodyCut = nil, true
		}
	}
	kept := t.redact.Replace(string(body))
	switch {
	case len(body) == limit:
		kept = kept[:max(0, len(kept)-t.redact.Longest())] // it may end in half a secret
	case ended != nil:
		kept = t.redact.ReplaceCut(string(body))
	}
	a.setBody([]byte(kept))
	return err
}

func readUpTo(limit int, r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, int64(limit)))
}

// decompress undoes a Content-Encoding, as far as the body goes and up to limit
// bytes. Several codings one over the other nobody uses.
func decompress(limit int, coding string, body []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch coding {
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(body)), nil // some send it bare
		}
	default:
		err = fmt.Errorf("unknown coding %q", coding)
	}
	if err != nil {
		return nil, err
	}
	return readUpTo(limit, r)
}

// fail notes in a why no complete answer came. limited ends with ctx, or when
// the time for the attempt is over.
func (t *HTTPTarget) fail(ctx, limited context.Context, a *Attempt, err error, p *progress) {
	op, _ := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	refused := op != nil && (op.Op == "dial" || op.Op == "proxyconnect")
	if p.sent.Load() && (isDNS || refused || p.badHandshake.Load()) {
		err = fmt.Errorf("it was sent on a connection that ended without an answer, and there is no other: %w", err)
	}
	switch {
	case ctx.Err() != nil:
		a.Failure, err = gaveUp(ctx), context.Cause(ctx)
	case limited.Err() != nil:
		a.Failure, err = FailTimeout, fmt.Errorf("no complete answer within %v", t.options.Timeout)
	case isDNS:
		a.Failure = FailDNS
	case refused:
		a.Failure = FailRefused
	case p.badHandshake.Load(), op != nil && op.Op == "remote error":
		// A remote error is an alert, which in TLS 1.3 may come after what
		// looked like the end of the handshake.
		a.Failure = FailTLS
	case a.Status != 0:
		a.Failure, err = FailBroken, fmt.Errorf("the connection ended in the middle of the answer: %w", err)
	case p.sent.Load():
		a.Failure, err = FailBroken, fmt.Errorf("the connection ended before an answer: %w", err)
	default:
		a.Failure = FailOther
	}
	a.Error = t.redact.Replace(err.Error())
}
