package ssh

import (
	"context"
	"io"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hfhook/hfhook/tunnel"
)

// session is one connection to the server.
type session struct {
	o    *opener
	t    *tunnel.Session
	conn ssh.Conn
	wire *wire
	wg   sync.WaitGroup

	ctx context.Context // ends with the connection
	end context.CancelCauseFunc

	mu    sync.Mutex
	conns map[*conn]struct{}
	over  bool
}

// run is one session, see tunnel.Supervisor.
func (o *opener) run(ctx context.Context, t *tunnel.Session) error {
	s := &session{o: o, t: t, conns: map[*conn]struct{}{}}
	s.ctx, s.end = context.WithCancelCause(ctx)
	defer s.end(nil)
	defer s.wg.Wait()
	channels, requests, err := s.connect()
	if err != nil && ctx.Err() != nil { // whatever it looks like
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	defer s.close()
	s.wg.Go(func() { s.end(o.lost(s.conn.Wait())) })
	s.wg.Go(func() { ssh.DiscardRequests(requests) })
	s.wg.Go(func() { s.accept(channels) })

	// Until it is up, nothing is lost when the connection is cut.
	stop := context.AfterFunc(ctx, func() { _ = s.wire.Close() })
	defer stop()
	if err := s.listen(); err != nil {
		return err
	}
	if !o.Server.hosted() {
		s.wg.Go(s.keepAlive)
		stop()
		s.online(o.url)
		<-s.ctx.Done()
		return context.Cause(s.ctx)
	}
	ch, answers, err := s.terminal()
	if err != nil {
		return err
	}
	s.wg.Go(s.keepAlive)
	stop()
	return s.watch(ch, answers)
}

func (s *session) online(u *url.URL) {
	s.o.online = true
	s.t.Online(u)
}

// connect dials and makes the handshake, within the time for it.
func (s *session) connect() (<-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	keys, problem := s.o.trusted()
	if problem != nil {
		return nil, nil, problem
	}
	var refused *tunnel.Error
	for range keys.tries {
		channels, requests, err := s.handshake(keys.tries[s.o.try%len(keys.tries)], keys.check)
		switch {
		case err == nil:
			return channels, requests, nil
		case err.Code != "hostkey":
			return nil, nil, err
		case refused == nil || refused.Err != nil: // a key that differs says more than none
			refused = err
		}
		s.o.try++
	}
	return nil, nil, refused
}

func (s *session) handshake(algorithms []string, check func(ssh.PublicKey) *tunnel.Error) (<-chan ssh.NewChannel, <-chan *ssh.Request, *tunnel.Error) {
	o := s.o
	c, err := o.DialContext(s.ctx, "tcp", o.Server.Addr)
	if err != nil {
		return nil, nil, o.unreachable(err)
	}
	deadline := time.Now().Add(o.HandshakeTimeout)
	s.wire = newWire(c, &s.wg)
	_ = s.wire.SetDeadline(deadline)
	stop := context.AfterFunc(s.ctx, func() { _ = s.wire.Close() })
	defer stop()

	ids, problem := o.identities(s.ctx, deadline)
	if problem != nil {
		_ = s.wire.Close()
		return nil, nil, problem
	}
	defer ids.close()
	asked := false
	conn, channels, requests, err := ssh.NewClientConn(s.wire, o.Server.Addr, &ssh.ClientConfig{
		User:              o.Server.User,
		AuthCallback:      o.login(ids, func() { asked = true }),
		HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if problem := check(key); problem != nil {
				return problem
			}
			return nil
		},
		BannerCallback: func(text string) error {
			for line := range strings.Lines(text) {
				o.log.Debug("banner of the SSH server", "line", o.printable(line))
			}
			return nil
		},
		ClientVersion: "SSH-2.0-hfhook_" + versionSyntax(o.Version),
	})
	if err != nil {
		_ = s.wire.Close()
		return nil, nil, o.shake(err, asked, ids)
	}
	_ = s.wire.SetDeadline(time.Time{})
	s.conn = conn
	return channels, requests, nil
}

// versionSyntax is s in the letters that RFC 4253 has for a version.
func versionSyntax(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '-' {
			return '_'
		}
		return r
	}, s)
}

// listen asks the server to listen. Its channels are accepted already: they
// may come before the answer.
func (s *session) listen() error {
	b := ssh.Marshal(struct {
		Host string
		Port uint32
	}{s.o.Server.BindHost, uint32(s.o.Server.BindPort)})
	var granted bool
	err := s.ask(s.o.RequestTimeout, func() (err error) {
		granted, _, err = s.conn.SendRequest("tcpip-forward", true, b)
		return err
	})
	if err == nil && !granted {
		err = s.o.refused()
	}
	return err
}

// ask ends the session when f, which waits for an answer, takes too long.
func (s *session) ask(timeout time.Duration, f func() error) error {
	timer := time.AfterFunc(timeout, func() {
		s.end(s.o.lost(&silentError{timeout}))
		_ = s.wire.Close()
	})
	err := f()
	if timer.Stop() && err == nil {
		return nil
	}
	if err != nil && err != io.EOF { // io.EOF: the connection ended, and says why
		s.end(s.o.lost(err))
	}
	_ = s.wire.Close()
	<-s.ctx.Done()
	return context.Cause(s.ctx)
}

// keepAlive asks for signs of life; any answer is one.
func (s *session) keepAlive() {
	tick := time.NewTicker(s.o.KeepaliveInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		if s.ask(s.o.KeepaliveTimeout, func() error {
			_, _, err := s.conn.SendRequest("keepalive@openssh.com", true, nil)
			return err
		}) != nil {
			return
		}
	}
}

// settleTimeout is how long a session that ends waits for the other side to
// have taken what was written.
const settleTimeout = 250 * time.Millisecond

// close ends the connection, and what came out of it.
func (s *session) close() {
	s.t.End()
	s.mu.Lock()
	s.over = true
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
	settle, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	for _, c := range conns {
		select {
		case <-c.gone:
		case <-settle.Done():
		}
	}
	_ = s.wire.Close()
}

// track makes c end with the session, until forget.
func (s *session) track(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		_ = c.Close()
		return
	}
	s.conns[c] = struct{}{}
}

func (s *session) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}
