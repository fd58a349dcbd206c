package registration

import (
	"context"
	"errors"

	"github.com/hfhook/hfhook/hub"
)

// Registration is a webhook that points at this session. Its methods may be
// called at the same time, and take turns. When one finds that the webhook is
// gone or that somebody else changed it, the registration is over, and the
// webhook left alone.
type Registration struct {
	s      *session // of whoever has the turn, but for kept
	id     string
	secret hub.Secret
	turn   chan struct{} // holds one while a method works
	over   *Outcome      // nil: it is not
}

func newRegistration(s *session, secret hub.Secret) *Registration {
	return &Registration{s: s, id: s.entry.Webhook, secret: secret, turn: make(chan struct{}, 1)}
}

// ID is the webhook's.
func (r *Registration) ID() string { return r.id }

// Secret is what the Hub sends; empty: nothing.
func (r *Registration) Secret() hub.Secret { return r.secret }

// Former is what a borrowed webhook was before; nil: it was created. The caller
// must not modify it.
func (r *Registration) Former() *hub.Webhook {
	if r.s.kept == nil {
		return nil
	}
	return r.s.kept.former
}

// String names the webhook.
func (r *Registration) String() string { return "webhook " + r.id }

// GoString is String.
func (r *Registration) GoString() string { return r.String() }

// Point makes the webhook point at another URL of the session.
func (r *Registration) Point(ctx context.Context, url string) error {
	if err := checkURL(url); err != nil {
		return &Error{Text: err.Error(), Err: err}
	}
	return r.alone(ctx, func() error {
		urls := r.s.entry.URLs
		if !r.s.entry.Pending && sameURL(urls[0], url) {
			return nil
		}
		return r.change(ctx, url, func(e *entry) { e.addURL(url) }, func() (*hub.Webhook, error) {
			return r.s.client.Update(ctx, r.id, hub.Change{URL: url, Secret: func(shown *hub.Webhook) (*hub.Secret, error) {
				if err := r.s.mine(shown); err != nil || r.secret == "" {
					return nil, err
				}
				return &r.secret, nil
			}})
		})
	})
}

// Pause disables the webhook, so that the Hub does not take the session for a
// target that fails.
func (r *Registration) Pause(ctx context.Context) error {
	return r.alone(ctx, func() error { return r.set(ctx, hub.Disabled) })
}

// Resume enables the webhook, after Pause or when the Hub suspended it.
func (r *Registration) Resume(ctx context.Context) error {
	return r.alone(ctx, func() error { return r.set(ctx, hub.Enabled) })
}

// set makes the webhook fire or not.
func (r *Registration) set(ctx context.Context, state hub.State) error {
	call := r.s.client.Enable
	if state == hub.Disabled {
		call = r.s.client.Disable
	}
	shown, err := r.s.client.Get(ctx, r.id)
	if err == nil {
		err = r.s.mine(shown)
	}
	if err != nil {
		return r.ended(ctx, err)
	}
	if shown.State == state {
		return nil
	}
	return r.change(ctx, "", func(e *entry) { e.addState(state) }, func() (*hub.Webhook, error) { return call(ctx, r.id) })
}

// Release ends the registration: a created webhook is deleted, or with keep
// disabled; a borrowed one gets its former target, secret and state back. What
// cannot be done within ctx stays in the journal for Repair. It must have a
// context of its own: that of the session is over by then. A second call tells
// the same again.
func (r *Registration) Release(ctx context.Context, keep bool) Outcome {
	if err := r.take(ctx); err != nil {
		return Outcome{Kind: Failed, Webhook: r.id, Err: err,
			Text: r.String() + " could not be released: another call about it was under way for too long"}
	}
	defer func() { <-r.turn }()
	if r.over == nil {
		how := undoing
		if keep && r.s.kept == nil {
			how = keeping
		}
		r.finish(ctx, r.s.settled(ctx, how))
	}
	return *r.over
}

// take waits for the turn. Whoever need not wait gets it even if ctx is over.
func (r *Registration) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// alone runs f when it is its turn.
func (r *Registration) alone(ctx context.Context, f func() error) error {
	if err := r.take(ctx); err != nil {
		return err
	}
	defer func() { <-r.turn }()
	if r.over != nil {
		return &Error{Text: r.over.Text, Hint: r.over.Hint, Err: errors.Join(ErrOver, r.over.Err)}
	}
	return f()
}

// change writes down what a call may do, makes it, and writes down what it did.
// The call sets the URL sent; empty: none.
func (r *Registration) change(ctx context.Context, sent string, intend func(*entry), call func() (*hub.Webhook, error)) error {
	before := r.s.entry
	intend(&r.s.entry)
	r.s.entry.Pending = true
	if err := r.s.save(ctx); err != nil {
		r.s.entry = before
		return err
	}
	w, err := call()
	switch {
	case err == nil:
		r.s.entry.confirm(w, sent)
	case refused(err):
		r.s.entry = before
	default: // it may have been done
		return err
	}
	r.s.note(ctx)
	return r.ended(ctx, err)
}

// ended ends the registration when err says that there is nothing left of it.
func (r *Registration) ended(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrChanged):
		r.finish(ctx, r.s.leftAlone(own(err)))
	case errors.Is(err, hub.ErrNotFound):
		r.finish(ctx, r.s.gone())
	}
	return own(err)
}

func (r *Registration) finish(ctx context.Context, o Outcome) {
	o = o.plain()
	r.over = &o
	r.s.end(ctx, o.Kind != Failed)
}
