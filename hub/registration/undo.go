package registration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hfhook/hfhook/hub"
)

// Repair undoes what sessions left that are gone, and tells about each. It says
// nothing when there is nothing to repair, and asks the Hub nothing. What it
// cannot do stays in the journal for the next time.
func (r *Registry) Repair(ctx context.Context) []Outcome {
	left, all, err := r.leftovers(ctx)
	if err != nil {
		all = append(all, Outcome{Kind: Skipped, Err: err,
			Text: fmt.Sprintf("the journal in %s cannot be read (%s)", r.folder, reason(err)),
			Hint: "the folder and its files must be yours alone and readable"})
	}
	var mine []*session
	var down error // asking the Hub again would only take time
	pending := false
	for _, s := range left {
		var o Outcome
		if o, down = s.others(ctx, down); o.Kind != "" {
			all = append(all, o)
			s.end(ctx, false)
			continue
		}
		mine = append(mine, s)
		pending = pending || s.entry.Pending
	}
	if pending {
		down = r.pause(ctx)
	}
	for _, s := range mine {
		var o Outcome
		if down != nil {
			o = s.failed(down)
		} else {
			o = s.undo(ctx, cmp.Or(s.entry.Ending, undoing))
		}
		if general(o.Err) {
			down = o.Err
		}
		all = append(all, o)
		s.end(ctx, o.Kind != Failed)
	}
	for i := range all {
		all[i] = all[i].plain()
	}
	return all
}

// others tells when an entry is for another Hub or user, or when that cannot be
// found out.
func (s *session) others(ctx context.Context, down error) (Outcome, error) {
	if s.entry.Endpoint != s.client.Endpoint() {
		return s.skipped("it is at "+s.entry.Endpoint, "set HF_ENDPOINT to "+s.entry.Endpoint), down
	}
	var user string
	if down == nil {
		user, down = s.whose(ctx)
	}
	switch {
	case down != nil:
		return s.failed(down), down
	case s.entry.User != user:
		return s.skipped("it belongs to "+s.entry.User+", and the token to "+user, "use a token of "+s.entry.User), nil
	}
	return Outcome{}, nil
}

// pause lets calls arrive that were on their way.
func (r *Registry) pause(ctx context.Context) error {
	t := time.NewTimer(r.settle)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// abandon undoes what a Create or Borrow may have done that failed with err,
// and gives the error to return. The context may be over: it does not count.
func (s *session) abandon(ctx context.Context, err error) error {
	if s.entry.Pending && refused(err) {
		s.end(ctx, true)
		return own(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout+s.settle)
	defer cancel()
	o := s.settled(ctx, undoing)
	s.end(ctx, o.Kind != Failed)
	if o.Kind == Failed {
		return &Error{Text: own(err).Error() + "; what came of it is not known, and is undone at the next start", Hint: hintOf(err), Err: err}
	}
	return own(err)
}

// settled is undo, after a call that may be on its way had time to arrive.
func (s *session) settled(ctx context.Context, how ending) Outcome {
	if s.entry.Pending {
		if err := s.pause(ctx); err != nil {
			return s.failed(err)
		}
	}
	return s.undo(ctx, how)
}

// undo brings the webhook to its end. The caller ends the session.
func (s *session) undo(ctx context.Context, how ending) Outcome {
	var o Outcome
	var err error
	switch {
	case s.kept != nil:
		o, err = s.putBack(ctx)
	case s.entry.Webhook == "":
		o, err = s.sweep(ctx)
	default:
		o, err = s.takeAway(ctx, how)
	}
	switch {
	case errors.Is(err, hub.ErrNotFound):
		return s.gone()
	case errors.Is(err, ErrChanged):
		return s.leftAlone(own(err))
	case err != nil:
		return s.failed(err)
	}
	return o
}

// intend writes down what the session ends with. If it cannot be written down,
// the Hub is still to be left as it was found.
func (s *session) intend(ctx context.Context, how ending, states ...hub.State) {
	s.entry.Ending, s.entry.Pending = how, true
	for _, state := range states {
		s.entry.addState(state)
	}
	s.note(ctx)
}

// takeAway deletes a created webhook, or disables it.
func (s *session) takeAway(ctx context.Context, how ending) (Outcome, error) {
	id := s.entry.Webhook
	if how == keeping {
		s.intend(ctx, how, hub.Disabled)
	}
	shown, err := s.client.Get(ctx, id)
	if err == nil {
		err = s.mine(shown)
	}
	switch {
	case err != nil:
		return Outcome{}, err
	case how != keeping:
		if err := s.client.Delete(ctx, id); err != nil {
			return Outcome{}, err
		}
		return s.outcome(Deleted, "%s, made for the session, is deleted", s.name()), nil
	case shown.State != hub.Disabled:
		if _, err := s.client.Disable(ctx, id); err != nil {
			return Outcome{}, err
		}
	}
	return s.outcome(Kept, "%s is disabled, and kept", s.name()), nil
}

// sweep deletes the created webhook whose id was never told.
func (s *session) sweep(ctx context.Context) (Outcome, error) {
	all, err := s.client.List(ctx)
	if err != nil {
		return Outcome{}, err
	}
	// With a URL that stays the same, other webhooks may have it.
	var named map[string]bool
	if err := s.folder.exclusive(ctx, func() (err error) { named, err = s.named(); return err }); err != nil {
		return Outcome{}, s.unwritable(err)
	}
	o := s.outcome(Gone, "%s, which was about to be made for the session, is not there", s.name())
	for _, w := range all {
		if slices.Contains(s.entry.Before, w.ID) || named[w.ID] || s.mine(w) != nil {
			continue
		}
		if err := s.client.Delete(ctx, w.ID); err != nil && !errors.Is(err, hub.ErrNotFound) {
			return Outcome{}, err
		}
		o = s.outcome(Deleted, "webhook %s, made for the session, is deleted", w.ID)
		o.Webhook = w.ID
	}
	return o, nil
}

// finalState is the one to put back, or as near as calls can come.
func (s *session) finalState() hub.State {
	if s.kept.former.State == hub.Enabled {
		return hub.Enabled
	}
	return hub.Disabled
}

// putBack gives a borrowed webhook its former target, secret and state. It does
// not fire for its former target in between, if it did not before.
func (s *session) putBack(ctx context.Context) (Outcome, error) {
	id, former, final := s.entry.Webhook, s.kept.former, s.finalState()
	w, err := s.client.Get(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	switch v, why := s.judge(w); v {
	case theirs:
		return Outcome{}, s.changed(why)
	case ours:
		s.intend(ctx, undoing, final)
		if final == hub.Disabled && w.State == hub.Enabled {
			if _, err := s.client.Disable(ctx, id); err != nil {
				return Outcome{}, err
			}
		}
		ch := hub.Change{URL: former.URL, Secret: func(shown *hub.Webhook) (*hub.Secret, error) {
			return s.kept.restore(), s.mine(shown)
		}}
		if former.URL == "" {
			ch.JobSourceID = former.JobSourceID
		}
		if w, err = s.client.Update(ctx, id, ch); err != nil {
			return Outcome{}, err
		}
	}
	if w.State != former.State && w.State != final {
		call := s.client.Enable
		if final == hub.Disabled {
			call = s.client.Disable
		}
		if w, err = call(ctx, id); err != nil {
			return Outcome{}, err
		}
	}
	o := s.outcome(Restored, "%s is as it was found, with the target %s", s.name(), former.Target())
	switch why := difference(former, w); {
	case why != "":
		o.Text = fmt.Sprintf("%s has its target %s again, but %s", s.name(), former.Target(), why)
		o.Hint = "look at it at " + s.entry.Endpoint + "/settings/webhooks/" + id
	case w.State != former.State:
		o.Text = fmt.Sprintf("%s has its target %s again; it was %s, and is %s now", s.name(), former.Target(), former.State, w.State)
		o.Hint = "the Hub alone suspends webhooks: enable it when its target works"
	}
	return o, nil
}
