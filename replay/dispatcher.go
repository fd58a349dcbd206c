package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// DispatcherOptions says what a Dispatcher sends, and where.
type DispatcherOptions struct {
	Store   Store    // required
	Targets []Target // with different names

	// Routes choose, by the target's name, which deliveries TargetsFor gives
	// it; one without a route gets all. Nothing has been sent yet when they are
	// asked, so they say nothing about attempts; none.
	Routes map[string]Filter
	// FirstMatch has TargetsFor give each delivery to the first target only
	// that would get it; all of them get it.
	FirstMatch bool

	// Concurrency is how many sends run at once, for each target that is not
	// Limited to less; 16.
	Concurrency int

	// MaxWaiting is how many deliveries each target knows of that wait for it.
	// It costs some hundred bytes for each; what goes beyond waits in the
	// store only; 4096.
	MaxWaiting int

	// Grace is what sends under way have left when Run is to end; 5s.
	Grace time.Duration

	// Notify is told when a hold begins and when it is over: for one target
	// one at a time, and its sends wait for it; nobody is told.
	Notify func(Hold)

	Log *slog.Logger // nothing is logged
}

// Dispatcher sends deliveries to the targets that they are queued for: those of
// one repo one after the other, in order of arrival, those of different repos
// at the same time. Targets do not wait for each other.
//
// Each delivery is sent at least once: a second time, if the process ended
// before the first was recorded, which at the most the last one of each repo
// is not. An attempt that failed is an attempt, and is not repeated. But while
// a target refuses connections its deliveries are held. Those that were sent on
// a kept connection that ended without an answer, as when a handler is restarted,
// are among them: nobody knows whether they were read. They are sent again, and
// the Hold's Reason says so.
type Dispatcher struct {
	o       DispatcherOptions
	senders []*sender
	records chan *Attempt
	started atomic.Bool
	stopped chan struct{}
}

// ErrStopped is returned when the Dispatcher ended before there was an answer.
var ErrStopped = errors.New("dispatcher has ended")

// NewDispatcher gives a Dispatcher that does nothing until Run.
func NewDispatcher(o DispatcherOptions) (*Dispatcher, error) {
	if o.Store == nil {
		return nil, errors.New("dispatcher needs a store")
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 16
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = 4096
	}
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.Notify == nil {
		o.Notify = func(Hold) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Dispatcher{o: o, records: make(chan *Attempt, maxBatch), stopped: make(chan struct{})}
	for _, t := range o.Targets {
		if d.sender(t.Name()) != nil {
			return nil, fmt.Errorf("two targets are named %s", t.Name())
		}
		d.senders = append(d.senders, newSender(t, &d.o, d.records))
	}
	if err := d.route(o.Routes); err != nil {
		return nil, err
	}
	return d, nil
}

// Targets gives the names of all targets.
func (d *Dispatcher) Targets() []string {
	names := make([]string, 0, len(d.senders))
	for _, s := range d.senders {
		names = append(names, s.name)
	}
	return names
}

func (d *Dispatcher) sender(name string) *sender {
	for _, s := range d.senders {
		if s.name == name {
			return s
		}
	}
	return nil
}

// Run sends what is queued in the store, from earlier runs too, until ctx ends.
// Then no more is sent; what is under way has the Grace to finish and is
// cancelled after that, which leaves it in its queue. When Run returns, all that
// was sent is recorded, or the error says that it is not. Run is called once.
//
// Run waits for targets that do not heed their context.
func (d *Dispatcher) Run(ctx context.Context) error {
	if !d.started.CompareAndSwap(false, true) {
		return errors.New("dispatcher was run before")
	}
	defer close(d.stopped)
	apart := context.WithoutCancel(ctx)
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sending, stopSending := context.WithCancel(apart)
	defer stopSending()
	recording, stopRecording := context.WithCancel(apart)
	defer stopRecording()

	var senders, recorder sync.WaitGroup
	for _, s := range d.senders {
		senders.Go(func() {
			if err := s.feed(running); err != nil {
				stop(err)
			}
		})
		senders.Go(func() { s.run(running, sending) })
	}
	var unrecorded error
	recorder.Go(func() { unrecorded = d.record(recording, stop) })

	<-running.Done()
	defer time.AfterFunc(d.o.Grace, stopSending).Stop()
	defer time.AfterFunc(2*d.o.Grace, stopRecording).Stop()
	senders.Wait()
	close(d.records)
	recorder.Wait()
	if unrecorded != nil || ctx.Err() != nil {
		return unrecorded
	}
	return context.Cause(running)
}

// Resend sends a delivery once more, the way the Dispatcher does, and keeps the
// attempt. The error is about keeping: with one, the attempt is there all the
// same, and has no ID.
func Resend(ctx context.Context, s Store, t Target, d *Delivery) (*Attempt, error) {
	return resend(ctx, s, Outgoing{Delivery: d, Target: t})
}

// ResendEdited is Resend with other headers and another body than those of d,
// which stays as it is. The attempt tells what was sent.
func ResendEdited(ctx context.Context, s Store, t Target, d *Delivery, sent Sent) (*Attempt, error) {
	return resend(ctx, s, Outgoing{Delivery: d, Target: t, Sent: &sent})
}

func resend(ctx context.Context, s Store, out Outgoing) (*Attempt, error) {
	a := out.send(ctx)
	// What was sent was sent, also when ctx ended over it.
	if err := s.Finish(context.WithoutCancel(ctx), a); err != nil {
		return a, fmt.Errorf("keeping the attempt on delivery %d: %w", out.Delivery.ID, err)
	}
	return a, nil
}
