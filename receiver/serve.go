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
//
// When it returns, the store is left alone, and may be closed. The exception is
// an error that says that handlers are still running, which did not end though
// their context did: what they come to is recorded if the store is still open,
// or else they are called again in the next run.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	err := s.start()
	if s.ended() {
		err = http.ErrServerClosed
	}
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.announce(l.Addr())
	limited := limitConns(l, s.o.MaxConns, s.o.Timeout)
	s.mu.Lock()
	s.listeners = append(s.listeners, limited)
	s.mu.Unlock()
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(limited); close(served) }()

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
// stay in their queue. When ctx ends before, it cuts what is left and says so:
// requests, where such a dispatcher is to end too, after two fifths of the
// time. Who has not shown the secret has half of that, and is cut without a
// word. Later calls wait for the first one and return the same.
func (s *Server) Shutdown(ctx context.Context) error {
	s.ending.Do(func() {
		s.starting.Do(func() { s.startErr = http.ErrServerClosed }) // if it never did
		s.endErr = s.end(ctx)
		close(s.over)
	})
	return s.endErr
}

func (s *Server) end(ctx context.Context) error {
	requests := 1.0
	if s.dispatch != nil {
		requests = 0.4 // half is for the handlers, and the rest for the record
	}
	err := s.endRequests(ctx, requests)
	s.dispatch.stop()
	err = errors.Join(err, s.dispatch.wait(ctx))
	s.leaveStore()
	return err
}

func (s *Server) endRequests(ctx context.Context, share float64) error {
	ctx, cancel := part(ctx, share)
	defer cancel()
	forStrangers, cancel := part(ctx, 0.5)
	defer cancel()
	err := s.http.Shutdown(forStrangers)
	if err != nil && forStrangers.Err() != nil {
		s.mu.Lock()
		for _, l := range s.listeners {
			l.cutStrangers()
		}
		s.mu.Unlock()
		err = s.http.Shutdown(ctx)
	}
	s.abort()
	s.sayRest()
	if err != nil {
		err = errors.Join(fmt.Errorf("requests under way were cut off: %w", err), s.http.Close())
	}
	return err
}

// part is a context for a part of the time that ctx has left.
func part(ctx context.Context, share float64) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(share*float64(time.Until(deadline))))
}

// leaveStore waits for those who were at the store when the end came, as long
// as a call of it may take; store keeps others away.
func (s *Server) leaveStore() {
	if s.o.Store == nil {
		return // and handlers may be in the slots
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	for _, places := range []chan struct{}{s.slots, s.lane} {
		for range cap(places) {
			select {
			case places <- struct{}{}:
				defer func() { <-places }()
			case <-ctx.Done():
				return
			}
		}
	}
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
