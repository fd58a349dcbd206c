package receiver

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// dispatch is the server's own dispatcher while it runs. A nil one has nothing
// to run.
type dispatch struct {
	Dispatcher
	cancel context.CancelFunc
	done   chan struct{}
	err    error // why it ended; read after done
}

// startDispatcher makes stored deliveries reach their handlers, when nobody
// else does.
func (s *Server) startDispatcher() {
	if s.o.Store == nil || s.o.Dispatcher != nil || len(s.handlers) == 0 {
		return
	}
	own, err := replay.NewDispatcher(replay.DispatcherOptions{
		Store:   s.o.Store,
		Targets: []replay.Target{handlersTarget{s}},
		Routes:  map[string]replay.Filter{handlersName: {Endpoints: slices.Collect(maps.Keys(s.handlers))}},
		Grace:   s.o.Grace / 2, // the other half is for what comes before and after
		Log:     s.log,
	})
	if err != nil {
		panic(err) // it has a store, one target and its route
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &dispatch{Dispatcher: own, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		if err := own.Run(ctx); err != nil {
			d.err = fmt.Errorf("dispatcher: %w", err)
			s.log.Error("stored deliveries are not handled any more", "err", err)
		}
	}()
	s.dispatch = d
}

// handlersTarget is the handlers of a server, of which the endpoint of a
// delivery chooses one.
type handlersTarget struct{ s *Server }

// handlersName is in stores, which outlive the program.
const handlersName = "handlers"

func (handlersTarget) Name() string { return handlersName }

// Send runs the handler. It answers as without a store.
func (t handlersTarget) Send(ctx context.Context, d *replay.Delivery) *replay.Attempt {
	h := t.s.handlers[d.Endpoint]
	if h == nil {
		return attempt(result{status: http.StatusNotFound, body: errorBody("no such endpoint")})
	}
	p, err := payload.Decode(d.Body)
	if err != nil {
		return attempt(result{status: http.StatusUnprocessableEntity, body: undecodable(err)})
	}
	res := t.s.call(withDelivery(ctx, func() *replay.Delivery { return d }), d.Endpoint, h, p)
	if res.status >= 300 && ctx.Err() != nil {
		// It was told to stop, and stays in the queue.
		return &replay.Attempt{Failure: replay.FailCancelled, Error: res.err.Error()}
	}
	return attempt(res)
}

func attempt(res result) *replay.Attempt {
	if res.panicked {
		return &replay.Attempt{Failure: replay.FailPanic, Error: res.err.Error()}
	}
	a := &replay.Attempt{
		Status:  res.status,
		Header:  http.Header{"Content-Type": {"application/json"}},
		Body:    res.body[:min(len(res.body), replay.MaxAnswer)],
		BodyCut: len(res.body) > replay.MaxAnswer,
	}
	if res.err != nil {
		a.Error = res.err.Error()
	}
	return a
}

func (s *Server) dispatcher() Dispatcher {
	if s.dispatch != nil {
		return s.dispatch
	}
	return s.o.Dispatcher
}

func (s *Server) targetsFor(arrived *replay.Delivery) []string {
	if d := s.dispatcher(); d != nil {
		return d.TargetsFor(arrived)
	}
	return nil
}

// ended is closed when the dispatcher has ended.
func (d *dispatch) ended() <-chan struct{} {
	if d == nil {
		return nil
	}
	return d.done
}

func (d *dispatch) stop() {
	if d != nil {
		d.cancel()
	}
}

// wait gives the error that the dispatcher ended with, unless ctx ends first.
func (d *dispatch) wait(ctx context.Context) error {
	if d == nil {
		return nil
	}
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return fmt.Errorf("handlers are still running: %w", ctx.Err())
	}
}
