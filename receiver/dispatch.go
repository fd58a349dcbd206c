package receiver

import (
	"context"
)

// dispatch is the server's own dispatcher while it runs. A nil one has nothing
// to run.
type dispatch struct {
	Dispatcher
	cancel context.CancelFunc
	done   chan struct{}
	err    error // why it ended; read after done
}

func (s *Server) startDispatcher() {}

func (s *Server) dispatcher() Dispatcher {
	if s.dispatch != nil {
		return s.dispatch
	}
	return s.o.Dispatcher
}

func (s *Server) targets() []string {
	if d := s.dispatcher(); d != nil {
		return d.Targets()
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

// wait gives the error that the dispatcher ended with, or ctx's.
func (d *dispatch) wait(ctx context.Context) error {
	if d == nil {
		return nil
	}
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
