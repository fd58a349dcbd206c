package main

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// troubled is a listener that is out of file descriptors for a while.
type troubled struct {
	net.Listener
	times int
}

func (l *troubled) Accept() (net.Conn, error) {
	if l.times > 0 {
		l.times--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// A flood that takes all file descriptors makes no listener deaf, and ends no
// session.
func TestFrontAcceptsAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := newFront(l.Addr())
	over := f.add(&troubled{l, 3})
	there, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer there.Close()
	select {
	case conn := <-f.conns:
		conn.Close()
	case <-over:
		t.Fatal("it gave up")
	}
	require.NoError(t, f.Close())
	require.NoError(t, l.Close())
	f.wait()
	_, err = f.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
}
