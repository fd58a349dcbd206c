package ngrok

import (
	"net"
	"sync"
	"time"
)

// conn spares the library's streams what they cannot take. A stream has one
// frame, which its session may still be sending after a write has failed or a
// write deadline has passed: the next write, and Close makes one, changes the
// frame meanwhile and may corrupt the whole session.
type conn struct {
	net.Conn

	mu     sync.Mutex
	broken bool // a write has failed: the stream is over already
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.broken = c.broken || err != nil
	return n, err
}

// Close waits for a Write; the heartbeat ends those that hang.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken {
		return nil
	}
	return c.Conn.Close()
}

// SetDeadline sets the read deadline only.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
