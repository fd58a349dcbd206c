package replay

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// maxAlone is what fits between two programs while the other one does not
	// read. A larger body is written while the answer is read.
	maxAlone = 64 << 10
	// maxPlainIdle is how long a connection is kept for the next request. It is
	// short, since nobody looks at what comes in meanwhile, but at the end.
	maxPlainIdle = time.Second
	// maxInformational is how many answers of the 1xx kind come before the one.
	maxInformational = 100
)

var errLongHeader = errors.New("the header of the answer is too long")

// plainHTTP sends requests over HTTP/1.1 the way http.Transport does, small ones
// with the caller's goroutine alone. The two that a Transport has for each
// connection cost more than the sending, where many are sent to a handler next
// door. A Transport also loses some answers that come before the request was
// read. It does what that takes: no TLS, no proxies.
type plainHTTP struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	idle  []*plainConn // the latest last
	timer *time.Timer  // closes what is idle; nil when nothing is
}

type plainConn struct {
	net.Conn
	limit io.LimitedReader // how much of a header may still come
	r     *bufio.Reader
	w     *bufio.Writer
	since time.Time // when it became idle
	used  bool

	written chan error // how the writing of a large request ended; nil for others
}

// takes reports whether a request is one that it can send.
func (w *plainHTTP) takes(req *http.Request) bool {
	return !strings.ContainsFunc(req.URL.Host, func(r rune) bool { return r > unicode.MaxASCII })
}

// roundTrip sends the request and gives the answer, whose body is read and
// closed before ctx ends. A kept connection that is dead before any of the
// answer came is replaced by a new one.
func (w *plainHTTP) roundTrip(ctx context.Context, req *http.Request, p *progress) (*http.Response, error) {
	for {
		c, err := w.get(ctx, addressOf(req.URL))
		if err != nil {
			return nil, err
		}
		aborted := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
		resp, err := c.exchange(req, p)
		if err == nil {
			resp.Body = &plainBody{
				ReadCloser: resp.Body, w: w, c: c, aborted: aborted, refused: resp.StatusCode >= 400,
				keep: !resp.Close && resp.StatusCode != http.StatusSwitchingProtocols,
			}
			return resp, nil
		}
		aborted()
		if !c.used || c.r.Buffered() > 0 || c.limit.N != MaxAnswer || ctx.Err() != nil {
			return nil, err
		}
		req.Body, _ = req.GetBody()
	}
}

// addressOf is where a URL of http connects to.
func addressOf(u *url.URL) string { return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")) }

func (w *plainHTTP) get(ctx context.Context, address string) (*plainConn, error) {
	w.mu.Lock()
	for n := len(w.idle); n > 0; n = len(w.idle) {
		c := w.idle[n-1]
		w.idle = w.idle[:n-1]
		if time.Since(c.since) < maxPlainIdle && quiet(c.Conn) {
			w.mu.Unlock()
			return c, nil
		}
		c.Close()
	}
	w.mu.Unlock()
	conn, err := w.dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &plainConn{Conn: conn, w: bufio.NewWriterSize(conn, 4<<10)}
	c.limit.R = conn
	c.r = bufio.NewReaderSize(&c.limit, 4<<10)
	return c, nil
}

// exchange writes the request and reads the answer's header. With an error the
// connection is closed.
func (c *plainConn) exchange(req *http.Request, p *progress) (*http.Response, error) {
	c.limit.N = MaxAnswer
	var err error
	if req.ContentLength > maxAlone {
		p.sent.Store(true)
		c.written = make(chan error, 1)
		go func() { c.written <- c.write(req) }()
	} else {
		err = c.write(req)
		if _, ok := errors.AsType[*net.OpError](err); err != nil && !ok {
			c.Close()
			return nil, err // it cannot be sent
		}
		p.sent.Store(true)
	}
	// Also after an error: some answer before they have read everything, and
	// hang up.
	resp, readErr := c.answer(req)
	if readErr == nil {
		resp.Close = resp.Close || err != nil
		return resp, nil
	}
	c.Close()
	if c.written != nil {
		if err = <-c.written; errors.Is(err, net.ErrClosed) {
			err = nil // by us
		}
	}
	return nil, cmp.Or(err, readErr)
}

func (c *plainConn) write(req *http.Request) error {
	if err := req.Write(c.w); err != nil {
		return err
	}
	return c.w.Flush()
}

// answer reads the header of an answer.
func (c *plainConn) answer(req *http.Request) (*http.Response, error) {
	for range maxInformational {
		resp, err := http.ReadResponse(c.r, req)
		switch {
		case err != nil && c.limit.N <= 0:
			return nil, errLongHeader
		case err != nil:
			return nil, err
		case resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols:
			c.limit.N = 1<<63 - 1
			return resp, nil
		}
	}
	return nil, errLongHeader
}

// endWriting reports whether all of the request was written. Unless patient, it
// does not wait for who does not read it.
func (c *plainConn) endWriting(patient bool) bool {
	if c.written == nil {
		return true
	}
	if !patient {
		_ = c.SetWriteDeadline(time.Unix(1, 0))
	}
	err := <-c.written
	c.written = nil
	_ = c.SetWriteDeadline(time.Time{})
	return err == nil
}

func (w *plainHTTP) put(c *plainConn) {
	c.used, c.since = true, time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, c)
	if w.timer == nil {
		w.timer = time.AfterFunc(maxPlainIdle, w.tidy)
	}
}

// tidy closes what is idle for long.
func (w *plainHTTP) tidy() {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < len(w.idle) && time.Since(w.idle[n].since) >= maxPlainIdle {
		w.idle[n].Close()
		n++
	}
	w.idle = append(w.idle[:0], w.idle[n:]...)
	if len(w.idle) == 0 {
		w.timer = nil
		return
	}
	w.timer.Reset(maxPlainIdle - time.Since(w.idle[0].since))
}

// close closes what is idle.
func (w *plainHTTP) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.idle {
		c.Close()
	}
	w.idle = nil
	if w.timer != nil && w.timer.Stop() {
		w.timer = nil
	}
}

// plainBody gives its connection back when it was read to the end.
type plainBody struct {
	io.ReadCloser
	w       *plainHTTP
	c       *plainConn
	aborted func() bool // ends the watch of the context
	refused bool        // by an answer that wants no more of the request
	keep    bool        // the connection may serve another request
	end     bool        // the body was read to its end
}

func (b *plainBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.end = b.end || err == io.EOF
	return n, err
}

// Close waits for who said yes and then reads what it was sent, as long as the
// context does.
func (b *plainBody) Close() error {
	written := b.c.endWriting(b.end && !b.refused)
	// The body itself would be read to its end.
	if b.aborted() && written && b.keep && b.end && b.c.r.Buffered() == 0 {
		b.w.put(b.c)
		return nil
	}
	return b.c.Close()
}
