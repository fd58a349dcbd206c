package tunneltest

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// Wires makes connections that can be broken as networks break them. The zero
// value is ready; its methods may be called at the same time.
type Wires struct {
	mu  sync.Mutex
	all map[*wire]struct{}
}

// Break is a way in which a connection breaks.
type Break string

const (
	Reset   Break = "reset"     // both sides learn of it at once
	HalfWay Break = "half open" // the other side is gone, this one hears nothing
	Stall   Break = "stall"     // nothing comes or goes any more
	Garbage Break = "garbage"   // what comes is not what was sent
)

// Dial is a DialContext that makes connections to be broken.
func (w *Wires) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	one := &wire{Conn: c, of: w, closed: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[*wire]struct{}{}
	}
	w.all[one] = struct{}{}
	return one, nil
}

// To is Dial that leads to addr whatever is asked for.
func (w *Wires) To(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) { return w.Dial(ctx, network, addr) }
}

// Break breaks all connections that there are.
func (w *Wires) Break(how Break) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.all {
		one.breaks(how)
	}
}

type wire struct {
	net.Conn
	of     *Wires
	once   sync.Once
	closed chan struct{}

	mu       sync.Mutex
	how      Break
	deadline time.Time // for reading
}

func (c *wire) breaks(how Break) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.how = how
	switch how {
	case Reset:
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		_ = c.Conn.Close()
	case HalfWay, Stall:
		if how == HalfWay {
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Conn.Close()
		} else {
			_ = c.Conn.SetDeadline(time.Unix(1, 0)) // whoever reads comes here
		}
	}
}

func (c *wire) broken() Break {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.how
}

func (c *wire) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	switch c.broken() {
	case HalfWay, Stall:
		return 0, c.silence()
	case Garbage:
		for i := range p[:n] {
			p[i] = byte(rand.Uint32())
		}
	}
	return n, err
}

// silence lasts until the connection is closed, or the deadline is over.
func (c *wire) silence() error {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	var late <-chan time.Time
	if !deadline.IsZero() {
		late = time.After(time.Until(deadline))
	}
	select {
	case <-c.closed:
		return net.ErrClosed
	case <-late:
		return os.ErrDeadlineExceeded
	}
}

func (c *wire) Write(p []byte) (int, error) {
	switch c.broken() {
	case HalfWay, Stall: // into the buffers of a network that is gone
		return len(p), nil
	}
	n, err := c.Conn.Write(p)
	switch c.broken() {
	case HalfWay, Stall:
		return len(p), nil
	}
	return n, err
}

func (c *wire) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *wire) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	if c.how == HalfWay || c.how == Stall {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *wire) SetWriteDeadline(t time.Time) error {
	if b := c.broken(); b == HalfWay || b == Stall {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *wire) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.of.mu.Lock()
		delete(c.of.all, c)
		c.of.mu.Unlock()
	})
	return c.Conn.Close()
}
