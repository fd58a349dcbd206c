package registration_test

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
)

// changes are what somebody else can do to a webhook during a session.
var changes = map[string]func(*hub.Webhook){
	"URL":                           func(w *hub.Webhook) { w.URL = "https://elsewhere.example.com/?secret=hush" },
	"job":                           func(w *hub.Webhook) { w.URL, w.JobSourceID, w.Job = "", "j", &hub.Job{Flavor: "f", DockerImage: "i"} },
	"watched":                       func(w *hub.Webhook) { w.Watched = append(w.Watched, hub.Watched{Type: hub.User, Name: "ada"}) },
	"domains":                       func(w *hub.Webhook) { w.Domains = []hub.Domain{hub.DomainDiscussion} },
	"secret":                        func(w *hub.Webhook) { w.Secret = "" },
	"disabled":                      func(w *hub.Webhook) { w.State = hub.Disabled },
	"put back, but for the state":   putBack(func(w *hub.Webhook) { w.State = hub.Disabled }),
	"put back, but for the watched": putBack(func(w *hub.Webhook) { w.Watched = []hub.Watched{{Type: hub.Org, Name: "ada"}} }),
	"put back, but for the domains": putBack(func(w *hub.Webhook) { w.Domains = []hub.Domain{hub.DomainRepo} }),
	"put back, but for the secret":  putBack(func(w *hub.Webhook) { w.Secret = "" }),
}

func putBack(but func(*hub.Webhook)) func(*hub.Webhook) {
	return func(w *hub.Webhook) {
		w.URL, w.Secret = production, "hush-hush"
		but(w)
	}
}

// What somebody else changed is left alone by each method that finds it, and
// said once.
func TestChangedBySomebodyElse(t *testing.T) {
	finders := map[string]func(*stage, *registration.Registration) registration.Outcome{
		"release": func(s *stage, r *registration.Registration) registration.Outcome {
			return r.Release(limited(s.t), false)
		},
		"repair": func(s *stage, r *registration.Registration) registration.Outcome { r.Die(); return s.repaired() },
	}
	for name, method := range map[string]func(*stage, *registration.Registration) error{
		"point":  func(s *stage, r *registration.Registration) error { return r.Point(limited(s.t), tunnelB) },
		"pause":  func(s *stage, r *registration.Registration) error { return r.Pause(limited(s.t)) },
		"resume": func(s *stage, r *registration.Registration) error { return r.Resume(limited(s.t)) },
	} {
		finders[name] = func(s *stage, r *registration.Registration) registration.Outcome {
			err := method(s, r)
			require.ErrorIs(s.t, err, registration.ErrChanged)
			assert.NotEmpty(s.t, hintOf(s.t, err))
			o := r.Release(limited(s.t), false)
			assert.Equal(s.t, o.Text, err.Error())
			err = method(s, r)
			require.ErrorIs(s.t, err, registration.ErrOver)
			require.ErrorIs(s.t, err, registration.ErrChanged)
			return o
		}
	}
	for finder, find := range finders {
		for what, change := range changes {
			t.Run(finder+" "+what, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				id := s.Register(production, "hush-hush", acme).ID
				all := []*registration.Registration{s.borrow(id, registration.Loan{Own: "hush-hush"})}
				if !strings.HasPrefix(what, "put back") {
					all = append(all, s.create())
				}
				for _, reg := range all {
					s.Edit(reg.ID(), change)
					theirs := s.shown(reg.ID())
					o := find(s, reg)
					assert.Equal(t, registration.LeftAlone, o.Kind, o.Text)
					assert.Equal(t, reg.ID(), o.Webhook)
					require.ErrorIs(t, o.Err, registration.ErrChanged)
					assert.NotEmpty(t, o.Hint)
					assert.NotContains(t, o.Text, "hush")
					assert.Equal(t, theirs, s.shown(reg.ID()))
				}
				assert.Empty(t, s.files())
			})
		}
	}
}

// A secret that the Hub shows tells when somebody else set it.
func TestShownSecretChanged(t *testing.T) {
	s := newStage(t)
	s.ShowSecrets(true)
	reg := s.borrow(s.Register(production, hub.Secret(rand.Text()), acme).ID, registration.Loan{Secret: "x"})
	s.Edit(reg.ID(), func(w *hub.Webhook) { w.Secret = "y" })
	o := reg.Release(limited(t), false)
	assert.Equal(t, registration.LeftAlone, o.Kind)
	assert.Contains(t, o.Text, "secret")
	assert.Equal(t, hub.Secret("y"), s.Webhook(reg.ID()).Secret)
}

// Put back by hand as it was, there is nothing left to do.
func TestPutBackByHand(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	before := s.shown(id)
	reg := s.borrow(id, registration.Loan{})
	s.Edit(id, func(w *hub.Webhook) { w.URL = production })
	writes := s.writes()
	assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
	assert.Equal(t, writes, s.writes())
	assert.Equal(t, before, s.shown(id))
}

// Somebody who changes the setting between a look at it and the update wins.
func TestChangedAtTheLastMoment(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	looked := false
	r := s.registry(s.client(func(o *hub.Options) {
		o.Transport = after{&http.Transport{DisableKeepAlives: true}, func(r *http.Request) {
			if looked && r.Method == http.MethodGet {
				s.Edit(id, changes["watched"])
			}
		}}
	}))
	reg, err := r.Borrow(limited(t), id, registration.Loan{URL: tunnelA})
	require.NoError(t, err)
	looked = true
	o := reg.Release(limited(t), false)
	assert.Equal(t, registration.LeftAlone, o.Kind)
	assert.Equal(t, tunnelA, s.Webhook(id).URL)
	assert.Empty(t, s.files())
}

// after is a transport with something to do after each request.
type after struct {
	http.RoundTripper
	do func(*http.Request)
}

func (a after) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.RoundTripper.RoundTrip(r)
	a.do(r)
	return resp, err
}

// Gone is gone: there is nothing to undo.
func TestGoneDuringASession(t *testing.T) {
	for name, find := range map[string]func(*stage, *registration.Registration) registration.Outcome{
		"release": func(s *stage, r *registration.Registration) registration.Outcome {
			return r.Release(limited(s.t), false)
		},
		"keep": func(s *stage, r *registration.Registration) registration.Outcome {
			return r.Release(limited(s.t), true)
		},
		"repair": func(s *stage, r *registration.Registration) registration.Outcome { r.Die(); return s.repaired() },
		"point": func(s *stage, r *registration.Registration) registration.Outcome {
			err := r.Point(limited(s.t), tunnelB)
			require.ErrorIs(s.t, err, hub.ErrNotFound)
			require.ErrorAs(s.t, err, new(*hub.Error))
			return r.Release(limited(s.t), false)
		},
		"pause": func(s *stage, r *registration.Registration) registration.Outcome {
			require.ErrorIs(s.t, r.Pause(limited(s.t)), hub.ErrNotFound)
			return r.Release(limited(s.t), false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			for _, reg := range []*registration.Registration{s.create(), s.borrow(s.Register(production, "", acme).ID, registration.Loan{})} {
				s.Remove(reg.ID())
				o := find(s, reg)
				assert.Equal(t, registration.Gone, o.Kind, o.Text)
				assert.Contains(t, o.Text, reg.ID())
			}
			assert.Empty(t, s.files())
		})
	}
}
