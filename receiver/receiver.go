// Package receiver is the HTTP side that the Hugging Face Hub calls: named
// endpoints under /webhooks/, the secret, limits, and the answer.
//
// Without a store a handler runs before the answer, and its result is the
// answer. With one, a delivery is on disk before it is acknowledged, and its
// handler runs afterwards: at least once, in order for each repo.
//
// To the Hub every answer outside 2xx is a failed delivery, which it tries
// again; when that goes on, it suspends the webhook. The receiver itself
// answers, with {"error": "..."} but for 422:
//
//	200  accepted: the handler's result, or {}
//	400  the body ended early
//	401  no secret
//	403  wrong secret
//	404  no such endpoint
//	405  not a POST
//	408  the body did not arrive in time
//	413  the body is too large
//	415  the body is compressed, which the Hub is not known to do
//	422  the body is no JSON object: {"detail": [...]}, as FastAPI has it
//	500  the handler failed
//	502  under AckHandler: the handler cannot be reached
//	503  the store cannot write, or too much comes at once
//
// It never redirects. What it refuses it keeps too, where there is a store:
// with the verdict rejected and at most 64 KiB of the body, or undecodable.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/hfhook/hfhook/payload"
)

// Handler is called with each delivery of one endpoint, also at the same time.
// What it returns becomes the JSON answer, nil the empty object; an error is
// answered with 500, or as Status says, and its text is only logged. The
// request behind the payload is found with DeliveryFrom.
//
// A delivery can come to its handler more than once. To an answer outside 2xx
// the Hub sends it again, with the same Webhook-Id. With a store, a handler's
// error is recorded and not tried again; under AckHandler the Hub, which gets
// it as an answer, tries again.
//
// Without a store, ctx ends when the sender hangs up. With one, it ends when
// the server is to end and its grace is over; a handler that fails after that
// is called again with the delivery in the next run.
type Handler = func(ctx context.Context, p *payload.Payload) (any, error)

// Server receives deliveries. It is an http.Handler, and its methods may be
// called at the same time. Once it has ended it cannot be started again.
type Server struct {
	o       Options // with the defaults filled in
	log     *slog.Logger
	secrets secrets
	space   space
	slots   chan struct{}       // one for each delivery under way
	room    *semaphore.Weighted // for large bodies
	lane    chan struct{}       // for requests that are refused
	refused seldom              // that are not kept
	missed  seldom              // that were to be kept
	http    *http.Server
	base    context.Context // of the requests of http; when it is over, nothing is stored
	abort   context.CancelFunc

	mu       sync.Mutex // guards the following until started
	handlers map[string]Handler
	errs     []error
	frozen   bool

	listeners []*limitedListener // of Serve; guarded by mu

	starting sync.Once
	startErr error
	dispatch *dispatch // nil: nothing to run

	ending sync.Once
	over   chan struct{} // closed when Shutdown is done
	endErr error         // of Shutdown; read after over

	announcing sync.Once
	local      atomic.Pointer[url.URL] // where the first listener is
	landed     atomic.Pointer[madePage]
}

// New makes a server. What is wrong with the options is told by Err, and when
// the server starts.
func New(o Options) *Server {
	s := &Server{handlers: map[string]Handler{}, space: spaceFromEnv(), over: make(chan struct{})}
	s.o, s.errs = o.withDefaults()
	var err error
	if s.secrets, err = newSecrets(o); err != nil {
		s.errs = append(s.errs, err)
	}
	s.log = s.o.Log
	s.slots = make(chan struct{}, s.o.MaxInFlight)
	s.room = semaphore.NewWeighted(s.o.MaxHeld)
	s.lane = make(chan struct{}, lane)
	s.base, s.abort = context.WithCancel(context.Background())
	s.http = s.newHTTPServer()
	return s
}

// Handle makes h answer POST requests to /webhooks/<name>. A name is one or
// more segments of letters, digits and "-._~"; slashes around it are trimmed,
// as huggingface_hub does it: "my_hook" and "/my_hook/" are the same.
//
// An odd name, a second handler for the same one, or a call after the server
// started is an error, which Err and the start of the server tell.
func (s *Server) Handle(name string, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.handle(name, h); err != nil {
		err = fmt.Errorf("handle %q: %w", name, err)
		s.errs = append(s.errs, err)
		if s.frozen {
			s.log.Error("handler not registered", "err", err)
		}
	}
}

func (s *Server) handle(name string, h Handler) error {
	endpoint, err := cleanName(name)
	switch {
	case err != nil:
		return err
	case h == nil:
		return errors.New("the handler is nil")
	case s.frozen:
		return errors.New("the server has started already")
	case s.handlers[endpoint] != nil:
		return fmt.Errorf("%s%s has a handler already", prefix, endpoint)
	}
	s.handlers[endpoint] = h
	return nil
}

// Err tells what is wrong with the options and handlers so far. A server with
// an error does not start: Serve and Run return it, and ServeHTTP answers 500.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}

// start freezes what was registered. The first call decides.
func (s *Server) start() error {
	s.starting.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.frozen = true
		if s.o.Dispatcher != nil && len(s.handlers) > 0 {
			s.errs = append(s.errs, errors.New("the handlers would never run: a Dispatcher was given, which has targets of its own"))
		}
		if s.startErr = errors.Join(s.errs...); s.startErr != nil {
			s.log.Error("receiver not started", "err", s.startErr)
			return
		}
		if len(s.secrets) == 0 && !s.o.NoSecret {
			s.log.Warn("no secret is set: every request is let in")
		}
		s.startDispatcher()
	})
	return s.startErr
}

// endpoints gives the names of the registered handlers, sorted.
func (s *Server) endpoints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.handlers))
}

// defaultServer is made when it is first asked for, so that a program can set
// its environment before.
var defaultServer = sync.OnceValue(func() *Server { return New(Options{}) })

// Handle registers h with the default server: the one that Run runs, with no
// options but the environment's.
func Handle(name string, h Handler) { defaultServer().Handle(name, h) }

// Run runs the default server until ctx ends.
func Run(ctx context.Context) error { return defaultServer().Run(ctx) }
