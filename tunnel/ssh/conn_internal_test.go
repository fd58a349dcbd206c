package ssh

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/net/nettest"
)

// channels gives the two ends of a channel, each as a conn, over real sockets
// and wires. stop breaks the connection below.
func channels(t testing.TB) (near, far *conn, stop func()) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var wg sync.WaitGroup
	discard := func(requests <-chan *ssh.Request) { wg.Go(func() { ssh.DiscardRequests(requests) }) }
	ends := make(chan *conn, 1)
	wg.Go(func() {
		tcp, err := l.Accept()
		if !assert.NoError(t, err) {
			return
		}
		c, channels, requests, err := ssh.NewServerConn(newWire(tcp, &wg), config)
		if !assert.NoError(t, err) {
			return
		}
		discard(requests)
		ch, requests, err := (<-channels).Accept()
		assert.NoError(t, err)
		discard(requests)
		end := newConn(ch, c.LocalAddr(), c.RemoteAddr())
		wg.Go(end.run)
		ends <- end
	})
	tcp, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	w := newWire(tcp, &wg)
	c, others, requests, err := ssh.NewClientConn(w, "", &ssh.ClientConfig{HostKeyCallback: ssh.FixedHostKey(signer.PublicKey())})
	require.NoError(t, err)
	discard(requests)
	wg.Go(func() {
		for range others {
		}
	})
	ch, requests, err := c.OpenChannel("test", nil)
	require.NoError(t, err)
	discard(requests)
	near, far = newConn(ch, c.LocalAddr(), c.RemoteAddr()), <-ends
	wg.Go(near.run)
	return near, far, func() {
		_ = w.Close()
		_, _ = near.Close(), far.Close()
		wg.Wait()
	}
}

func TestConnIsANetConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		near, far, stop := channels(t)
		return near, far, stop, nil
	})
}

func TestDeadlineEndsWhatWaits(t *testing.T) {
	near, _, stop := channels(t)
	defer stop()
	for name, wait := range map[string]struct {
		f   func() error
		set func(time.Time) error
	}{
		"Read":  {func() error { _, err := near.Read(make([]byte, 1)); return err }, near.SetReadDeadline},
		"Write": {func() error { return fill(near) }, near.SetWriteDeadline},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, wait.set(time.Now().Add(time.Hour)))
			ended := make(chan error)
			go func() { ended <- wait.f() }()
			select {
			case err := <-ended:
				t.Fatalf("ended early: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			require.NoError(t, wait.set(time.Unix(1, 0)))
			err := <-ended
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
			var ne net.Error
			require.ErrorAs(t, err, &ne)
			assert.True(t, ne.Timeout())
		})
	}
	// A deadline that is taken back leaves the conn as it was.
	require.NoError(t, near.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	require.NoError(t, near.SetReadDeadline(time.Time{}))
	ended := make(chan error)
	go func() {
		_, err := near.Read(make([]byte, 1))
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Fatalf("ended: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, near.Close())
	assert.ErrorIs(t, <-ended, net.ErrClosed)
}

// fill writes until the other side, which does not read, would have to.
func fill(c net.Conn) error {
	for {
		if _, err := c.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
	}
}

func TestHalfClose(t *testing.T) {
	near, far, stop := channels(t)
	defer stop()
	body := make([]byte, 5<<20)
	rand.Read(body)
	go func() {
		_, _ = near.Write(body)
		_ = near.CloseWrite()
	}()
	got, err := io.ReadAll(far)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body, got))
	_, err = near.Write([]byte("more"))
	assert.ErrorIs(t, err, net.ErrClosed)
	assert.ErrorIs(t, near.CloseWrite(), net.ErrClosed)

	_, err = far.Write([]byte("answer"))
	require.NoError(t, err)
	require.NoError(t, far.Close())
	got, err = io.ReadAll(near)
	require.NoError(t, err)
	assert.Equal(t, "answer", string(got), "written before Close, sent after it")
	require.NoError(t, near.Close())
	<-near.gone
	<-far.gone
	assert.ErrorIs(t, near.Close(), net.ErrClosed)
	assert.ErrorIs(t, near.SetDeadline(time.Now()), net.ErrClosed)
}

func TestConnEndsWithItsConnection(t *testing.T) {
	near, far, stop := channels(t)
	ended := make(chan error, 2)
	go func() {
		_, err := near.Read(make([]byte, 1))
		ended <- err
	}()
	go func() { ended <- fill(far) }()
	stop()
	for range 2 {
		assert.Error(t, <-ended)
	}
}

// Without deadlines a connection that says nothing would stay for ever.
func TestServerTimeoutsHaveEffect(t *testing.T) {
	near, far, stop := channels(t)
	defer stop()
	l := &once{c: near, done: make(chan struct{})}
	server := &http.Server{ReadHeaderTimeout: 50 * time.Millisecond, Handler: http.NotFoundHandler()}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l)
	}()
	_, err := io.WriteString(far, "GET / HTTP/1.1\r\n")
	require.NoError(t, err)
	_, err = io.ReadAll(far) // ends when the server gives up
	require.NoError(t, err)
	require.NoError(t, server.Close())
	<-served
}

// once is a listener for one connection.
type once struct {
	c    net.Conn
	done chan struct{}
	end  sync.Once
}

func (l *once) Accept() (net.Conn, error) {
	if c := l.c; c != nil {
		l.c = nil
		return c, nil
	}
	<-l.done
	return nil, errors.New("no more")
}
func (l *once) Close() error   { l.end.Do(func() { close(l.done) }); return nil }
func (l *once) Addr() net.Addr { return &net.TCPAddr{} }
