package registration

import (
	"context"
	"crypto/rand"

	"github.com/hfhook/hfhook/hub"
)

// Create makes a webhook for the length of a session. Its target is a URL, best
// one that nobody else has: should the program die before the Hub tells the
// webhook's id, it is found by that URL and by what it watches.
func (r *Registry) Create(ctx context.Context, settings hub.Settings) (*Registration, error) {
	if err := checkURL(settings.URL); err != nil {
		return nil, &Error{Text: err.Error(), Err: err}
	}
	user, err := r.whose(ctx)
	if err != nil {
		return nil, err
	}
	all, err := r.client.List(ctx)
	if err != nil {
		return nil, err
	}
	e := entry{
		User: user, Kind: created, URLs: []string{settings.URL},
		Watched: settings.Watched, Domains: settings.Domains, States: []hub.State{hub.Enabled},
	}
	for _, w := range all {
		if sameURL(w.URL, settings.URL) {
			e.Before = append(e.Before, w.ID)
		}
	}
	s, err := r.start(ctx, rand.Text(), e, nil)
	if err != nil {
		return nil, err
	}
	w, err := r.client.Create(ctx, settings)
	if err != nil {
		return nil, s.abandon(ctx, err)
	}
	s.entry.confirm(w, settings.URL)
	s.note(ctx)
	return newRegistration(s, settings.Secret), nil
}
