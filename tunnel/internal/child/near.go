package child

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hfhook/hfhook/tunnel"
)

// Near is the listener on loopback to which a program forwards what is
// public. Other programs on this machine can reach it too, so it proves
// nothing: the webhook's secret does.
type Near struct {
	session  *tunnel.Session
	listener net.Listener
	used     atomic.Bool
	wg       sync.WaitGroup
}

const acceptPause = 50 * time.Millisecond

// Listen makes a Near whose connections go to s.
func Listen(s *tunnel.Session) (*Near, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &Near{session: s, listener: l}
	n.wg.Go(func() {
		for {
			c, err := l.Accept()
			switch {
			case err == nil:
				n.used.Store(true)
				s.Deliver(c) // those that follow wait in the kernel
			case errors.Is(err, net.ErrClosed):
				return
			default: // out of file descriptors, or another thing that passes
				time.Sleep(acceptPause)
			}
		}
	})
	return n, nil
}

// Addr is where it listens.
func (n *Near) Addr() *net.TCPAddr { return n.listener.Addr().(*net.TCPAddr) }

// Used reports whether a connection came. From then on the program may print
// what strangers say.
func (n *Near) Used() bool { return n.used.Load() }

// Close ends it and the session.
func (n *Near) Close() {
	n.session.End()
	_ = n.listener.Close()
	n.wg.Wait()
}
