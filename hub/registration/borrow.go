package registration

import (
	"context"
	"crypto/rand"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hfhook/hfhook/hub"
)

// Loan says how to borrow a webhook.
type Loan struct {
	// URL is where it is to point. Required.
	URL string

	// Secret is what the Hub sends meanwhile. Default: the webhook's own.
	Secret hub.Secret

	// Own is the webhook's own secret as the user knows it. Required when it
	// has one that the Hub does not show; otherwise what the Hub shows counts.
	Own hub.Secret

	// Takeover borrows a webhook that is in use.
	Takeover bool
}

// Borrow points an existing webhook at a session, and makes it fire if it does
// not. Everything else about it stays, and Release puts back its target, secret
// and state. The one exception: a webhook that the Hub had suspended is
// disabled afterwards, for no call suspends it.
//
// It is refused, before anything is changed, with an *InUseError when the
// webhook fired within the last 7 days and its target is no tunnel and not on
// this machine, with hub.ErrJobUnknown when its target is a Job whose source
// the Hub does not tell (it never shows all of a Job), with
// hub.ErrSecretUnknown when Own is needed, and with ErrTaken when another
// session has it.
func (r *Registry) Borrow(ctx context.Context, id string, loan Loan) (*Registration, error) {
	if err := checkURL(loan.URL); err != nil {
		return nil, &Error{Text: err.Error(), Err: err}
	}
	user, err := r.whose(ctx)
	if err != nil {
		return nil, err
	}
	var s *session
	w, err := r.client.Update(ctx, id, hub.Change{URL: loan.URL, Secret: func(shown *hub.Webhook) (*hub.Secret, error) {
		// The journal gets the very setting that this update replaces.
		k, err := loan.keep(shown, r.now())
		if err != nil {
			return nil, err
		}
		e := entry{
			User: user, Kind: borrowed, Webhook: id, Former: shown.Target(),
			URLs: []string{loan.URL}, Domains: shown.Domains,
		}
		e.show(shown)
		e.HasSecret = nil // it may get one
		if s, err = r.start(ctx, rand.Text(), e, k); err != nil {
			return nil, err
		}
		return k.send(), nil
	}})
	switch {
	case s == nil:
		return nil, own(err)
	case err != nil:
		return nil, s.abandon(ctx, err)
	}
	s.entry.confirm(w, loan.URL)
	s.note(ctx)
	reg := newRegistration(s, s.kept.during)
	if w.State != hub.Enabled {
		switch err := reg.set(ctx, hub.Enabled); {
		case err != nil && reg.over != nil:
			return nil, err
		case err != nil:
			return nil, s.abandon(ctx, err)
		}
	}
	return reg, nil
}

// keep is what has to be known of a setting to put it back, or why it must not
// be borrowed.
func (l *Loan) keep(shown *hub.Webhook, now time.Time) (*kept, error) {
	if shown.URL == "" && shown.JobSourceID == "" {
		return nil, &Error{
			Text: "webhook " + shown.ID + " starts a job that the Hub does not show in full, so it could not be put back",
			Hint: "make a webhook of its own for the session", Err: hub.ErrJobUnknown,
		}
	}
	if host, used := inUse(shown, l.URL, now); used && !l.Takeover {
		e := &InUseError{shown.ID, host, shown.LastTriggerAt}
		return nil, &Error{
			Text: e.Error(), Err: e,
			Hint: "while it is borrowed nothing arrives there: take it over on purpose, or make a webhook of its own for the session",
		}
	}
	k := &kept{former: shown}
	switch secret, err := hub.KeepSecret(shown); {
	case err == nil && secret != nil:
		k.own = *secret
	case err == nil:
	case l.Own == "":
		return nil, &Error{
			Text: "webhook " + shown.ID + " has a secret that the Hub does not show, and could lose it",
			Hint: "give that secret, or make a webhook of its own for the session", Err: hub.ErrSecretUnknown,
		}
	default:
		k.own = l.Own
	}
	k.during = l.Secret
	if k.during == "" {
		k.during = k.own
	}
	return k, nil
}

// send is the secret to send during the session. Nil: the webhook has none, and
// gets none.
func (k *kept) send() *hub.Secret {
	if k.during == "" {
		return nil
	}
	return &k.during
}

// restore is the secret to send at the end: an empty one takes away what the
// session brought.
func (k *kept) restore() *hub.Secret {
	if k.own == "" && k.during == "" {
		return nil
	}
	return &k.own
}

// inUse reports whether somebody depends on a webhook, by its target: a clock
// that is late must not make it look forgotten, so an event to come counts.
func inUse(w *hub.Webhook, with string, now time.Time) (host string, used bool) {
	if w.State != hub.Enabled || w.LastTriggerAt.IsZero() || w.LastTriggerAt.Before(now.AddDate(0, 0, -7)) {
		return "", false
	}
	if w.URL == "" {
		return w.Target(), true
	}
	u, err := url.Parse(w.URL)
	if err != nil {
		return w.Target(), true
	}
	if ours, err := url.Parse(with); err == nil && strings.EqualFold(ours.Hostname(), u.Hostname()) || passing(u.Hostname()) {
		return "", false
	}
	at := hub.Webhook{URL: u.Scheme + "://" + u.Host}
	return strings.TrimPrefix(at.Target(), u.Scheme+"://"), true
}

// tunnelDomains are those under which tunnels get names.
var tunnelDomains = []string{
	"ngrok-free.app", "ngrok-free.dev", "ngrok.app", "ngrok.dev", "ngrok.io", "trycloudflare.com",
	"lhr.life", "lhr.rocks", "lhr.pro", "localhost.run", "serveo.net", "serveousercontent.com",
	"pinggy.link", "pinggy.io", "pinggy.online", "pinggy-free.link", "pinggy.net",
	"loca.lt", "gradio.live", "devtunnels.ms", "share.zrok.io",
}

// passing reports whether a host is no place for production.
func passing(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return isLoopback(host) || slices.ContainsFunc(tunnelDomains, func(d string) bool {
		return host == d || strings.HasSuffix(host, "."+d)
	})
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}
