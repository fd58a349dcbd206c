package receiver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"syscall"
	"time"
)

// ErrAddrInUse is what Run and Listen fail with when something else listens on
// the address.
var ErrAddrInUse = errors.New("the address is in use")

// idleTimeout is how long a connection may wait for its next request.
const idleTimeout = 2 * time.Minute

func (s *Server) newHTTPServer() *http.Server {
	var h http.Handler = s
	if s.o.Wrap != nil {
		h = s.o.Wrap(h)
	}
	return &http.Server{
		Handler:                      strangers(h),
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            s.o.HeaderTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               s.o.MaxHeaderBytes,
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		BaseContext:                  func(net.Listener) context.Context { return s.base },
		ConnContext:                  withConn,
		ConnState:                    connState,
	}
}

// Run listens, and serves until ctx ends. Then it returns nil, after the
// requests under way were answered.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Err(); err != nil {
		return err
	}
	addr := s.o.Listen
	if addr == "" {
		var err error
		if addr, err = s.space.listen(); err != nil {
			return err
		}
	}
	l, err := Listen(ctx, addr)
	if err != nil {
		return err
	}
	return s.Serve(ctx, l)
}

// Listen opens a TCP address, host:port. The error is ErrAddrInUse when
// something else listens there.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		if addrInUse(err) {
			err = ErrAddrInUse
		}
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// addrInUse knows Windows' own number too, which syscall has no name for.
func addrInUse(err error) bool {
	const wsaeAddrInUse = 10048
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && (errno == syscall.EADDRINUSE || runtime.GOOS == "windows" && errno == wsaeAddrInUse)
}

// Serve serves a listener, which it closes, until ctx ends or Shutdown is
// called. Then it returns nil, after the requests under way were answered. It
// may be called for several listeners; the end of one is the end of all.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	err := s.start()
	if s.ended() {
		err = http.ErrServerClosed
	}
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.announce(l.Addr())
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(limitConns(l, s.o.MaxConns, s.o.Timeout)); close(served) }()

	var failed error
	select {
	case <-ctx.Done():
	case err := <-served:
		if !errors.Is(err, http.ErrServerClosed) {
			failed = fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
	case <-s.dispatch.ended():
		// What is stored from now on would never be handled.
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Grace)
	defer cancel()
	err = s.Shutdown(grace)
	<-served
	return cmp.Or(failed, err)
}

// Shutdown ends the server: it stops accepting, waits until the requests under
// way are answered, and then ends the server's own dispatcher, whose deliveries
// stay in their queue. When ctx ends before, it cuts what is left and says so.
// Later calls wait for the first one and return the same.
func (s *Server) Shutdown(ctx context.Context) error {
	s.ending.Do(func() {
		s.starting.Do(func() { s.startErr = http.ErrServerClosed }) // if it never did
		s.endErr = s.end(ctx)
		close(s.over)
	})
	return s.endErr
}

func (s *Server) end(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	s.abort()
	s.sayRest()
	if err != nil {
		err = errors.Join(fmt.Errorf("requests under way were cut off: %w", err), s.http.Close())
	}
	s.dispatch.stop()
	return errors.Join(err, s.dispatch.wait(ctx))
}

func (s *Server) ended() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// baseURL is where the endpoints are for the world, or nil when nothing is
// known. The Host header has no say: it is anybody's text.
func (s *Server) baseURL() *url.URL {
	if s.o.PublicURL != nil {
		if u := s.o.PublicURL(); u != nil {
			return u
		}
	}
	if s.space.host != "" {
		return &url.URL{Scheme: "https", Host: s.space.host}
	}
	return s.local.Load()
}

// localURL is how a browser on this machine reaches a listener.
func localURL(addr net.Addr) *url.URL {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return nil
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
}
