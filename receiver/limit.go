package receiver

import (
	"net"
	"sync"
	"time"
)

// limitConns accepts no more than n connections at a time, and gives up on a
// peer that takes none of an answer for so long.
func limitConns(l net.Listener, n int, timeout time.Duration) net.Listener {
	return &limitedListener{Listener: l, timeout: timeout, places: make(chan struct{}, n), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener
	timeout time.Duration
	places  chan struct{}
	once    sync.Once
	closed  chan struct{}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{Conn: c, timeout: l.timeout, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	timeout time.Duration
	leave   func()
}

// Write sets a deadline of its own: http.Server.WriteTimeout would count from
// the request on, and so be one for the handler.
func (c *limitedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// CloseWrite lets net/http end a refused upload gently.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
