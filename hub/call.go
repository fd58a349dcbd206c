package hub

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxAnswer = 8 << 20  // of a good answer
	maxError  = 64 << 10 // of any other
	maxTries  = 3
)

// request is one call to the Hub.
type request struct {
	op, right    string // what it does, and the right that it takes; any token has ""
	method, path string
	body         []byte // JSON; nil: none
	secrets      []string
	names        bool // the path names something: 404 means that it is not there
	anonymous    bool // it takes no token and waits for no rate limit
}

// do makes the call, again where that is safe, and decodes the answer.
func (c *Client) do(ctx context.Context, q request, answer any) error {
	switch {
	case c.offline:
		return reject(q.op, "", "unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE to reach the Hub", ErrOffline)
	case c.token().Value == "" && !q.anonymous:
		return reject(q.op, "", "set HF_TOKEN, or run `hf auth login`; make a token at "+c.endpoint+"/settings/tokens", ErrNoToken)
	}
	redact := newRedactor(append(q.secrets, string(c.token().Value))...)
	limited, cancel := context.WithTimeoutCause(ctx, c.timeout, errLate)
	defer cancel()
	for try, waited := 1, q.anonymous; ; try++ {
		body, e, again := c.once(limited, &q, redact)
		if e == nil {
			if len(body) == 0 && q.method == http.MethodDelete {
				return nil
			}
			if json.Unmarshal(body, answer) != nil {
				return c.notAHub(q.op)
			}
			return nil
		}
		var pause time.Duration
		switch {
		case limited.Err() != nil:
			return c.ended(limited, e)
		case e.Status == http.StatusTooManyRequests && !waited: // the Hub did nothing
			waited = true
			pause = max(e.RetryAfter, time.Second)
		case again && try < maxTries:
			pause = max(e.RetryAfter, backoff(try))
		default:
			return e
		}
		if end, _ := limited.Deadline(); time.Until(end) <= pause {
			return e
		}
		c.log.DebugContext(ctx, "calling the Hub again", "op", q.op, "in", pause, "err", e)
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-limited.Done():
			wait.Stop()
			return c.ended(limited, e)
		}
	}
}

var errAnswer = errors.New("not the answer of a Hub")

// backoff is the pause after failed try n, counted from 1: random, so that
// programs that lost the same Hub do not come back in step.
func backoff(n int) time.Duration { return rand.N(500 * time.Millisecond << (n - 1)) }

// errLate is why a call's context ends by itself.
var errLate = errors.New("the Hub is late")

// ended tells about a call that took too long, or that the caller gave up.
func (c *Client) ended(ctx context.Context, e *Error) *Error {
	if cause := context.Cause(ctx); cause != errLate {
		return &Error{Op: e.Op, Message: "it was given up", Err: cause}
	}
	if e.Status != 0 { // it answered, and what it said tells more
		return e
	}
	return &Error{Op: e.Op, Message: fmt.Sprintf("%s did not answer within %s", c.endpoint, c.timeout),
		Hint: "try again later, and see https://status.huggingface.co", Err: context.DeadlineExceeded}
}

// notAHub is for an answer that makes no sense.
func (c *Client) notAHub(op string) *Error {
	return &Error{Op: op, Message: "the answer is not one of the Hub's",
		Hint: fmt.Sprintf("is %s a Hub? see HF_ENDPOINT", c.endpoint), Err: errAnswer}
}

// once makes one request. again says that another try is safe and may help.
func (c *Client) once(ctx context.Context, q *request, redact redactor) (answer []byte, e *Error, again bool) {
	// Without a connection nothing was sent. A transport that does not tell may
	// have had one.
	var wanted, had atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { had.Store(true) },
	})
	reads := q.method == http.MethodGet
	lost := func(err error) ([]byte, *Error, bool) {
		return nil, c.unreachable(q, err, redact), (reads || wanted.Load() && !had.Load()) && !permanent(err)
	}
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(traced, q.method, c.endpoint+q.path, body)
	if err != nil {
		return nil, reject(q.op, "", "", ErrInvalid), false
	}
	if !q.anonymous {
		req.Header.Set("Authorization", "Bearer "+string(c.token().Value))
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "application/json")
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}

	start := time.Now()
	// Not an http.Client: it would follow redirects.
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return lost(err)
	}
	defer resp.Body.Close()
	c.log.DebugContext(ctx, "the Hub answered", "method", q.method, "path", q.path, "status", resp.StatusCode, "after", time.Since(start))
	c.passWarnings(ctx, resp.Header, redact)

	good := resp.StatusCode/100 == 2
	limit := maxAnswer
	if !good {
		limit = maxError
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	switch {
	case good && err != nil:
		return lost(err)
	case good && len(answer) > limit:
		return nil, &Error{Op: q.op, Message: fmt.Sprintf("the answer has more than %d MiB", limit>>20), Err: errAnswer}, false
	case good:
		return answer, nil, false
	}
	e = c.refusal(q, resp, answer, redact)
	passes := e.Status == 500 || e.Status == 502 || e.Status == 503 || e.Status == 504
	return nil, e, reads && passes
}

// unreachable is for when there was no answer.
func (c *Client) unreachable(q *request, err error, redact redactor) *Error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	e := &Error{Op: q.op, Err: err}
	if text := err.Error(); redact.text(text) != text {
		e.Err = errors.New(redact.text(text))
	}
	proxy, isProxy := errors.AsType[proxyError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	_, isCert := errors.AsType[*tls.CertificateVerificationError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	problem := "the connection broke"
	switch {
	case isProxy:
		problem = proxy.Error()
		e.Hint = "see HTTPS_PROXY and NO_PROXY"
	case isCert:
		problem = "its certificate is not trusted"
		e.Hint = "is the connection intercepted? add the certificate of the company's proxy to the system's, or name its file in SSL_CERT_FILE"
	case isPlain:
		problem = "it does not speak TLS"
		e.Hint = "is HF_ENDPOINT to begin with http://?"
	case isDNS && dns.IsNotFound:
		problem = redact.line(dns.Name) + " was not found"
		e.Hint = "is the network up? behind a company proxy, set HTTPS_PROXY"
	case isDNS:
		problem = "the name server did not answer"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, wsaConnRefused):
		problem = "connection refused"
		e.Hint = "is it up, and is HF_ENDPOINT right? see https://status.huggingface.co"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		problem = "no route"
		e.Hint = "is the network up?"
	case isTimeout(err):
		problem = "timed out"
	case isOp && (op.Op == "dial" || op.Op == "proxyconnect"):
		problem = "no connection"
	}
	if isOp && op.Op == "proxyconnect" {
		problem = "the proxy: " + problem
		e.Hint = "see HTTPS_PROXY and NO_PROXY"
	}
	e.Message = fmt.Sprintf("%s cannot be reached (%s)", c.endpoint, problem)
	return e
}

// wsaConnRefused is how Windows refuses a connection; no other system has this
// number.
const wsaConnRefused = syscall.Errno(10061)

// proxyError is the status of a proxy that makes no connection.
type proxyError int

func (e proxyError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the proxy answered %d %s", int(e), http.StatusText(int(e))))
}

// permanent reports whether waiting does not help.
func permanent(err error) bool {
	_, isCert := errors.AsType[*tls.CertificateVerificationError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	return isCert || isPlain || errors.Is(err, proxyError(http.StatusProxyAuthRequired))
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}
