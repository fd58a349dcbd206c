package ssh

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// conn is a channel as a net.Conn.
//
// A channel has no deadlines, and nothing ends a Read or a Write that waits
// for the other side. So in each direction there is a chunk in between: a
// goroutine moves it from or to the channel, and Read and Write wait for the
// chunk only.
type conn struct {
	ch            ssh.Channel
	local, remote net.Addr
	in, out       half
	gone          chan struct{} // closed when the other side agreed to the end
}

// chunkSize is what one turn moves at most: two packets, to save turns.
const chunkSize = 64 << 10

// lingerTimeout is how long a closed conn tries to send what was written.
const lingerTimeout = 10 * time.Second

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

func newConn(ch ssh.Channel, local, remote net.Addr) *conn {
	c := &conn{ch: ch, local: local, remote: remote, gone: make(chan struct{})}
	c.in.changed.L, c.out.changed.L = &c.in.mu, &c.out.mu
	return c
}

// run moves what comes and goes, until Close and until the other side has
// closed the channel too.
func (c *conn) run() {
	var receiving sync.WaitGroup
	receiving.Go(c.receive)
	c.send()
	receiving.Wait()
	close(c.gone)
}

// half is one direction of a conn.
type half struct {
	mu      sync.Mutex
	changed sync.Cond
	chunk   []byte // on its way
	err     error  // of the channel; comes after chunk
	ended   bool   // for sending: nothing follows chunk
	closed  bool   // by Close
	late    bool   // the deadline has passed
	timer   *time.Timer
}

// receive moves what arrives.
func (c *conn) receive() {
	buf := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(buf)
	h := &c.in
	for {
		n, err := c.ch.Read(buf[:])
		h.mu.Lock()
		h.chunk, h.err = buf[:n], err
		h.changed.Broadcast()
		for len(h.chunk) > 0 && !h.closed {
			h.changed.Wait()
		}
		over := err != nil || h.closed
		h.mu.Unlock()
		if over {
			return
		}
	}
}

// Read gives what arrived, io.EOF after the other side ended its part, and
// os.ErrDeadlineExceeded after the deadline.
func (c *conn) Read(p []byte) (int, error) {
	h := &c.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.closed:
			return 0, net.ErrClosed
		case h.late:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(h.chunk) > 0:
			n := copy(p, h.chunk)
			if h.chunk = h.chunk[n:]; len(h.chunk) == 0 {
				h.changed.Broadcast()
			}
			return n, nil
		case h.err != nil:
			return 0, h.err
		}
		h.changed.Wait()
	}
}

// send moves what was written, then says that it was all.
func (c *conn) send() {
	h := &c.out
	var spare []byte
	said := false
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case len(h.chunk) > 0:
			sending := h.chunk
			h.chunk = spare[:0]
			h.changed.Broadcast()
			h.mu.Unlock()
			_, err := c.ch.Write(sending)
			h.mu.Lock()
			spare = sending
			if err != nil { // the channel is over: nothing more can be sent
				h.err, h.chunk = io.ErrClosedPipe, nil
				h.changed.Broadcast()
			}
		case h.ended && !said:
			said = true
			h.mu.Unlock()
			_ = c.ch.CloseWrite() // fails when the channel is over
			h.mu.Lock()
		case h.closed:
			h.stopTimer()
			_ = c.ch.Close() // likewise
			return
		default:
			h.changed.Wait()
		}
	}
}

// Write returns when p is on its way. What becomes of it, a later Write says.
func (c *conn) Write(p []byte) (n int, err error) {
	h := &c.out
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch room := chunkSize - len(h.chunk); {
		case h.ended:
			return n, net.ErrClosed
		case h.err != nil:
			return n, h.err
		case h.late:
			return n, os.ErrDeadlineExceeded
		case len(p) == 0:
			return n, nil
		case room == 0:
			h.changed.Wait()
		default:
			k := min(room, len(p))
			h.chunk = append(h.chunk, p[:k]...)
			n, p = n+k, p[k:]
			h.changed.Broadcast()
		}
	}
}

// CloseWrite tells the other side that nothing follows what was written.
func (c *conn) CloseWrite() error {
	h := &c.out
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return net.ErrClosed
	}
	h.ended = true
	h.changed.Broadcast()
	return nil
}

// Close does not wait: what was written is sent for a while longer.
func (c *conn) Close() error {
	if !c.in.close(nil) {
		return net.ErrClosed
	}
	c.out.close(func() { _ = c.ch.Close() })
	return nil
}

// close reports whether it was open. It lets linger end what takes too long.
func (h *half) close(linger func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.stopTimer()
	if linger != nil {
		h.timer = time.AfterFunc(lingerTimeout, linger)
	}
	h.ended, h.closed = true, true
	h.changed.Broadcast()
	return true
}

func (c *conn) LocalAddr() net.Addr                { return c.local }
func (c *conn) RemoteAddr() net.Addr               { return c.remote }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.in.setDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.out.setDeadline(t) }

func (c *conn) SetDeadline(t time.Time) error {
	_ = c.in.setDeadline(t) // fails as the other does
	return c.out.setDeadline(t)
}

func (h *half) setDeadline(t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return net.ErrClosed
	}
	h.stopTimer()
	h.late = !t.IsZero() && !t.After(time.Now())
	if h.late {
		h.changed.Broadcast()
	}
	if h.late || t.IsZero() {
		return nil
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(t), func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.timer == timer {
			h.late = true
			h.changed.Broadcast()
		}
	})
	h.timer = timer
	return nil
}

func (h *half) stopTimer() {
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
}
