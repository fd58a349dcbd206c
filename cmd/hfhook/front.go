package main

import (
	"errors"
	"net"
	"sync"
	"time"
)

// front is one listener made of several: the local one and the tunnel. Closing
// it stops accepting but leaves the listeners open, so that what is under way
// through a tunnel can end before the tunnel does. Their owners close them.
type front struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	loops  sync.WaitGroup
}

func newFront(addr net.Addr) *front {
	return &front{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// add takes connections from ln too. The channel it gives is closed when ln
// accepts no more.
func (f *front) add(ln net.Listener) <-chan struct{} {
	over := make(chan struct{})
	f.loops.Go(func() {
		defer close(over)
		for {
			conn, err := ln.Accept()
			if passing(err) {
				time.Sleep(acceptAgain)
				continue
			}
			if err != nil {
				return
			}
			select {
			case f.conns <- conn:
			case <-f.closed:
				conn.Close() // the sender tries again
			}
		}
	})
	return over
}

// acceptAgain is how long to wait for what passes by.
const acceptAgain = 20 * time.Millisecond

// passing reports whether a listener is out of file descriptors or the like,
// and may accept again later: what http.Server goes on after, too.
func passing(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	//lint:ignore SA1019 it is what http.Server decides by
	return ok && e.Temporary()
}

// wait returns when all listeners have been closed by their owners.
func (f *front) wait() { f.loops.Wait() }

func (f *front) Accept() (net.Conn, error) {
	select {
	case conn := <-f.conns:
		return conn, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

func (f *front) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

func (f *front) Addr() net.Addr { return f.addr }
