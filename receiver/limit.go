package receiver

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// limitConns keeps no more than n connections open at a time, and gives up on a
// peer that takes none of an answer for so long.
//
// A connection that comes when there are as many gets its place all the same,
// and another is closed for it: the one that came first of those that have not
// shown yet that they are to be let in, or else the one that is idle for
// longest. So who sends nothing, or dribbles, cannot keep the others out. It
// waits only while all of them have a request under way that was let in, or
// came just now.
func limitConns(l net.Listener, n int, timeout time.Duration) *limitedListener {
	limited := &limitedListener{Listener: l, timeout: timeout, max: n}
	limited.changed.L = &limited.mu
	return limited
}

// minStay is what a connection has to show the secret, however many come, from
// when it is first read from. A request is there with the connection or soon
// after; without this, a flood could close it before it is looked at.
const minStay = 250 * time.Millisecond

type limitedListener struct {
	net.Listener
	timeout time.Duration
	max     int

	mu        sync.Mutex
	changed   sync.Cond // there may be a place
	open      int
	fresh     int       // that were not read from yet
	strangers list.List // the first one first
	idle      list.List // that were let in before, the longest idle first
	closed    bool
}

func (l *limitedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &limitedConn{Conn: conn, l: l}
	if !l.enter(c) {
		conn.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// enter gives c a place, unless the listener is closed before there is one.
func (l *limitedListener) enter(c *limitedConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.open >= l.max && !l.closed {
		first := l.strangers.Front()
		if first == nil && l.fresh == 0 {
			first = l.idle.Front()
		}
		if first == nil {
			l.changed.Wait()
			continue
		}
		victim := first.Value.(*limitedConn)
		if early := minStay - time.Since(victim.since); early > 0 {
			timer := time.AfterFunc(early, l.wake)
			l.changed.Wait()
			timer.Stop()
			continue
		}
		l.leave(victim)
		l.mu.Unlock()
		victim.Conn.Close()
		l.mu.Lock()
	}
	if l.closed {
		return false
	}
	l.open++
	l.fresh++
	return true
}

func (l *limitedListener) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed.Broadcast()
}

// leave takes the place of c away, if it still has one.
func (l *limitedListener) leave(c *limitedConn) {
	if c.gone {
		return
	}
	c.notice()
	c.move(nil)
	c.gone = true
	l.open--
	l.changed.Signal()
}

func (l *limitedListener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.changed.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

// cutStrangers closes the connections of requests that are not let in.
func (l *limitedListener) cutStrangers() {
	var conns []net.Conn
	l.mu.Lock()
	for _, list := range []*list.List{&l.strangers, &l.idle} {
		for e := list.Front(); e != nil; e = e.Next() {
			conns = append(conns, e.Value.(*limitedConn).Conn)
		}
	}
	l.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

type limitedConn struct {
	net.Conn
	l    *limitedListener
	read sync.Once // has begun

	// Guarded by l.mu.
	seen  bool
	in    *list.List // nil: it is new, or has a request under way that was let in
	place *list.Element
	since time.Time // that it is there
	gone  bool
}

// move puts c at the end of a list, of nil on none.
func (c *limitedConn) move(to *list.List) {
	if c.in != nil {
		c.in.Remove(c.place)
	}
	if c.in = to; to != nil {
		c.place, c.since = to.PushBack(c), time.Now()
	}
}

// notice makes a fresh connection one of the strangers.
func (c *limitedConn) notice() {
	if !c.seen {
		c.seen = true
		c.l.fresh--
		c.move(&c.l.strangers)
		c.l.changed.Signal()
	}
}

// letIn notes that the request under way is let in.
func (c *limitedConn) letIn() {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if !c.gone {
		c.move(nil)
	}
}

// rest notes that a request is over, and its answer on the way.
func (c *limitedConn) rest() {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if !c.gone && c.in == nil {
		c.move(&c.l.idle)
		c.l.changed.Signal()
	}
}

func (c *limitedConn) Read(b []byte) (int, error) {
	c.read.Do(func() {
		c.l.mu.Lock()
		defer c.l.mu.Unlock()
		c.notice()
	})
	return c.Conn.Read(b)
}

// Write sets a deadline of its own: http.Server.WriteTimeout would count from
// the request on, and so be one for the handler.
func (c *limitedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.l.timeout)); err != nil {
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
	c.l.mu.Lock()
	c.l.leave(c)
	c.l.mu.Unlock()
	return c.Conn.Close()
}

type connKey struct{}

// withConn lets requests find the connection that they came by.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// conn is the connection that a request came by; nil when it is another
// server's.
func (q *request) conn() *limitedConn {
	c, _ := q.r.Context().Value(connKey{}).(*limitedConn)
	return c
}

// strangers gives a connection one answer only, unless the request is let in:
// what is not let in costs time as well, and could follow for ever.
func strangers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
	})
}

// letIn keeps the connection of a request, which need not make place for
// another as long as an answer is due. In chunks, it is the last one: there may
// have been a length as well, and something on the way that went by that one
// would not agree about where the next request begins (RFC 9112, 6.1).
func (q *request) letIn() {
	if c := q.conn(); c != nil {
		if len(q.r.TransferEncoding) == 0 {
			q.w.Header().Del("Connection")
		}
		c.letIn()
	}
}

// connState is for http.Server.ConnState.
func connState(conn net.Conn, state http.ConnState) {
	if c, ok := conn.(*limitedConn); ok && state == http.StateIdle {
		c.rest()
	}
}
