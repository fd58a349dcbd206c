package tunnel

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"
)

// Supervisor makes a tunnel that lasts out of sessions that do not: it starts
// one after the other, pauses in between, and tells what happens. Providers
// whose library does not reconnect by itself are a Run and little else.
type Supervisor struct {
	// Provider is the name in errors.
	Provider string

	// Run is one session: it connects, calls Online of s once requests
	// arrive, hands connections to Deliver, and returns the *Error that ended
	// it. It ends with ctx, well within CloseTimeout, and leaves nothing
	// behind. An error that is Permanent ends the tunnel.
	Run func(ctx context.Context, s *Session) error

	// OpenTimeout bounds Open. Default: 30 s.
	OpenTimeout time.Duration

	// Settled is how long a session has to be online for its end to count as
	// a first failure. Default: 60 s.
	Settled time.Duration

	// Backoff is the pause after failed session n, counted from 0.
	// Default: the function Backoff.
	Backoff func(n int) time.Duration
}

// OpenTimeout is how long opening a tunnel may take, unless said otherwise.
const OpenTimeout = 30 * time.Second

// Session is how one connection to a provider speaks to the tunnel that it
// belongs to. Its methods may be called at the same time, and have no effect
// once Run returned.
type Session struct {
	outlet *Outlet
	ctx    context.Context
	end    context.CancelCauseFunc
	up     chan<- struct{} // closed when the tunnel is first online

	mu    sync.Mutex
	since time.Time // it came online; zero: it has not
	over  bool
}

// Online says that requests to u arrive. Another u later in the same session
// is a new public URL.
func (s *Session) Online(u *url.URL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.ctx.Err() != nil {
		return
	}
	if s.since.IsZero() {
		s.since = time.Now()
		if s.up != nil {
			defer close(s.up)
		}
	} else if now := s.outlet.URL(); now != nil && now.String() == u.String() {
		return
	}
	s.outlet.Emit(Event{State: Online, URL: u})
}

// Waiting says what keeps a session that is connected from being online, and
// about how long that will take. It is told as an event like a failed try.
func (s *Session) Waiting(what *Error, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.ctx.Err() != nil || !s.since.IsZero() {
		return
	}
	state := Reconnecting
	if s.up != nil {
		state = Opening
	}
	s.outlet.Emit(Event{State: state, Err: what, Retry: pause})
}

// Deliver hands over a connection of the public side. It waits until somebody
// takes it, and closes it when the session ends before.
func (s *Session) Deliver(c net.Conn) { s.outlet.Deliver(s.ctx, c) }

// End ends the session's ctx, and with it every Deliver that waits: Run calls
// it when it is about to return and waits for goroutines of its own.
func (s *Session) End() { s.end(nil) }

// errKicked ends a session to make a new one.
var errKicked = errors.New("kicked")

// Open runs sessions until the first is online, an error is permanent, or ctx
// or OpenTimeout ends; then it fails with the last error. The tunnel runs
// them until it is closed, or an error is permanent.
func (s Supervisor) Open(ctx context.Context, o Options) (Tunnel, error) {
	s.Settled = cmp.Or(s.Settled, 60*time.Second)
	if s.Backoff == nil {
		s.Backoff = Backoff
	}
	opening, cancel := context.WithTimeout(ctx, cmp.Or(s.OpenTimeout, OpenTimeout))
	defer cancel()

	t := &supervised{Supervisor: s, Outlet: NewOutlet(o)}
	t.Emit(Event{State: Opening})
	up := make(chan struct{})
	go t.run(up)
	select {
	case <-up:
		return t, nil
	case <-t.gone:
	case <-opening.Done():
		t.cancel(nil)
		<-t.gone
	}
	select {
	case <-up: // at the last moment
		_ = t.Close()
	default:
	}
	if err := t.Err(); err != nil {
		return nil, err
	}
	return nil, OpenError(opening, cmp.Or(t.last, &Error{
		Provider: s.Provider, Code: "timeout", Detail: s.Provider + " did not answer in time"}))
}

// OpenError is what Open returns when opening ended before there was a tunnel:
// the last error, with the end of opening among its causes.
func OpenError(opening context.Context, last *Error) *Error {
	ended := *last // whoever was notified of last may hold it
	ended.Err = errors.Join(context.Cause(opening), last.Err)
	return &ended
}

// supervised is a tunnel of sessions.
type supervised struct {
	Supervisor
	*Outlet
	last *Error // why the last session ended; of run alone until it is gone
}

func (t *supervised) run(up chan<- struct{}) {
	defer t.Gone()
	failures := 0
	for {
		select {
		case <-t.kick: // meant the session before
		default:
		}
		err, was := t.once(up)
		if !was.IsZero() {
			up = nil
			if time.Since(was) >= t.Settled {
				failures = 0
			}
		}
		if t.ctx.Err() != nil {
			if e := t.explain(err); up != nil && !errors.Is(e, context.Canceled) {
				t.last = e
			}
			break
		}
		state := Reconnecting
		if up != nil {
			state = Opening
		}
		t.last = t.explain(err)
		if errors.Is(err, errKicked) {
			t.Emit(Event{State: state, Err: t.last})
			continue
		}
		if t.last.Permanent {
			t.Fail(t.last)
			break
		}
		pause := t.Backoff(failures)
		failures++
		t.Emit(Event{State: state, Err: t.last, Retry: pause})
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-t.kick:
		case <-t.ctx.Done():
		}
		wait.Stop()
		if t.ctx.Err() != nil {
			break
		}
	}
	if up != nil {
		return // Open says it
	}
	over := Event{State: Offline}
	if err := t.Err(); err != nil {
		over.Err = err
	}
	t.Emit(over)
}

// once is one session. It gives why it ended, and since when it was online.
func (t *supervised) once(up chan<- struct{}) (error, time.Time) {
	ctx, cancel := context.WithCancelCause(t.ctx)
	defer cancel(nil)
	s := &Session{outlet: t.Outlet, ctx: ctx, end: cancel, up: up}
	ended := make(chan error, 1)
	go func() { ended <- t.Run(ctx, s) }()

	var err error
	select {
	case err = <-ended:
	case <-t.kick:
		cancel(errKicked)
		<-ended
		err = errKicked
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return err, s.since
}

// explain makes what ended a session an *Error.
func (t *supervised) explain(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Provider: t.Provider, Code: "lost", Err: err, Detail: "the connection to " + t.Provider + " broke"}
	switch {
	case errors.Is(err, errKicked):
		e.Detail = "the connection to " + t.Provider + " was cut to make a new one"
	case err != nil:
		e.Detail += " (" + DialProblem(err) + ")"
	}
	return e
}
