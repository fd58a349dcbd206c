package registration_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
)

// formers are webhooks to borrow, each with what is special about it. The
// secret is its own, which the user knows.
var formers = map[string]func(s *stage, secret hub.Secret) (id string){
	"without secret": func(s *stage, _ hub.Secret) string { return s.Register(production, "", acme).ID },
	"with a hidden secret": func(s *stage, secret hub.Secret) string {
		return s.Register(production, secret, acme, hub.Watched{Type: hub.Bucket, Name: "acme/b"}).ID
	},
	"with a shown secret": func(s *stage, secret hub.Secret) string {
		s.ShowSecrets(true)
		return s.Register(production+"?secret=in-the-url", secret, acme).ID
	},
	"where secrets stay": func(s *stage, secret hub.Secret) string {
		s.KeepSecrets(true)
		return s.Register(production, secret, acme).ID
	},
	"without secret, where secrets stay": func(s *stage, _ hub.Secret) string {
		s.KeepSecrets(true)
		return s.Register(production, "", acme).ID
	},
	"disabled": func(s *stage, secret hub.Secret) string {
		id := s.Register(production, secret, acme).ID
		s.Edit(id, func(w *hub.Webhook) { w.State, w.Domains = hub.Disabled, []hub.Domain{hub.DomainDiscussion} })
		return id
	},
	"with unknown keys": func(s *stage, _ hub.Secret) string {
		id := s.Register(production, "", acme).ID
		s.Extra(id, "priority", map[string]any{"a": []any{1, 2.5, nil}})
		s.Extra(id, "note", "<&>")
		return id
	},
	"with a job": func(s *stage, _ hub.Secret) string {
		w, err := s.Client().Create(limited(s.t), hub.Settings{JobSourceID: "687f911eaea852de79c4a50a", Watched: []hub.Watched{acme}, Domains: []hub.Domain{hub.DomainRepo}})
		require.NoError(s.t, err)
		return w.ID
	},
}

func TestBorrow(t *testing.T) {
	for name, register := range formers {
		t.Run(name, func(t *testing.T) {
			s, secret, during := newStage(t), hub.Secret(rand.Text()), hub.Secret(rand.Text())
			id := register(s, secret)
			before := s.shown(id)
			was := s.Webhook(id)

			reg := s.borrow(id, registration.Loan{Own: secret, Secret: during})
			assert.Equal(t, id, reg.ID())
			assert.Equal(t, during, reg.Secret())
			assert.Equal(t, was.URL, reg.Former().URL)
			now := s.Webhook(id)
			assert.Equal(t, tunnelA, now.URL)
			assert.Equal(t, hub.Enabled, now.State)
			assert.Equal(t, during, now.Secret)
			assert.Equal(t, was.Watched, now.Watched)
			assert.Equal(t, was.Domains, now.Domains)

			require.NoError(t, reg.Point(limited(t), tunnelB))
			now = s.Webhook(id)
			assert.Equal(t, tunnelB, now.URL)
			assert.Equal(t, during, now.Secret)

			o := reg.Release(limited(t), true) // it is not ours to keep
			assert.Equal(t, registration.Restored, o.Kind, o.Text)
			assert.NoError(t, o.Err)
			assert.Contains(t, o.Text, id)
			assert.Contains(t, o.Text, "as it was found")
			assert.Equal(t, before, s.shown(id))
			assert.Equal(t, was.Secret, s.Webhook(id).Secret)
			assert.Empty(t, s.files())
			assert.Empty(t, s.Repair(limited(t)))

			calls := len(s.Requests())
			assert.Equal(t, o, reg.Release(limited(t), false))
			require.ErrorIs(t, reg.Point(limited(t), tunnelA), registration.ErrOver)
			require.ErrorIs(t, reg.Pause(limited(t)), registration.ErrOver)
			require.ErrorIs(t, reg.Resume(limited(t)), registration.ErrOver)
			assert.Len(t, s.Requests(), calls, "it is over")
		})
	}
}

// A webhook that did not fire must not fire for its former target while it is
// put back.
func TestDisabledBeforeItIsPutBack(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	s.Edit(id, func(w *hub.Webhook) { w.State = hub.Disabled })
	r := s.registry(s.client(func(o *hub.Options) {
		o.Transport = after{&http.Transport{DisableKeepAlives: true}, func(*http.Request) {
			if w := s.Webhook(id); w.URL == production {
				assert.Equal(t, hub.Disabled, w.State)
			}
		}}
	}))
	reg, err := r.Borrow(limited(t), id, registration.Loan{URL: tunnelA})
	require.NoError(t, err)
	assert.Equal(t, hub.Enabled, s.Webhook(id).State)
	assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
}

// Without a secret for the session, the webhook's own is sent with every
// update.
func TestBorrowWithItsOwnSecret(t *testing.T) {
	s, secret := newStage(t), hub.Secret(rand.Text())
	id := s.Register(production, secret, acme).ID
	reg := s.borrow(id, registration.Loan{Own: secret})
	assert.Equal(t, secret, reg.Secret())
	assert.Equal(t, secret, s.Webhook(id).Secret)
	require.NoError(t, reg.Point(limited(t), tunnelB))
	assert.Equal(t, secret, s.Webhook(id).Secret)
	assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
	assert.Equal(t, secret, s.Webhook(id).Secret)
}

// What the Hub shows counts more than what the user believes.
func TestBorrowKnowsBetter(t *testing.T) {
	s, secret := newStage(t), hub.Secret(rand.Text())
	s.ShowSecrets(true)
	with, without := s.Register(production, secret, acme).ID, s.Register(production, "", acme).ID
	for id, want := range map[string]hub.Secret{with: secret, without: ""} {
		before := s.shown(id)
		reg := s.borrow(id, registration.Loan{Own: "wrong"})
		assert.Equal(t, want, reg.Secret())
		assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
		assert.Equal(t, before, s.shown(id))
	}
}

// No call suspends a webhook; disabled is as near as can be.
func TestBorrowSuspended(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	s.Edit(id, func(w *hub.Webhook) { w.State = hub.Suspended })
	reg := s.borrow(id, registration.Loan{})
	assert.Equal(t, hub.Enabled, s.Webhook(id).State)
	o := reg.Release(limited(t), false)
	assert.Equal(t, registration.Restored, o.Kind)
	assert.Contains(t, o.Text, "suspended")
	assert.Equal(t, hub.Disabled, s.Webhook(id).State)
	assert.Equal(t, production, s.Webhook(id).URL)
}

func TestBorrowRefuses(t *testing.T) {
	now := time.Date(2026, 9, 20, 12, 0, 0, 0, time.UTC)
	used := func(target string, at time.Time) func(*stage) string {
		return func(s *stage) string {
			id := s.Register(target, "", acme).ID
			s.Edit(id, func(w *hub.Webhook) { w.LastTriggerAt = at })
			return id
		}
	}
	inUse := func(err error) bool { return assert.ErrorAs(t, err, new(*registration.InUseError)) }
	for name, c := range map[string]struct {
		register func(*stage) string
		loan     registration.Loan
		refused  func(error) bool // nil: it is not
	}{
		"a job in part": {func(s *stage) string {
			w, err := s.Client().Create(limited(t), hub.Settings{Job: &hub.Job{Flavor: "cpu-basic", DockerImage: "x"}, Watched: []hub.Watched{acme}, Domains: []hub.Domain{hub.DomainRepo}})
			require.NoError(t, err)
			return w.ID
		}, registration.Loan{Takeover: true}, func(err error) bool { return assert.ErrorIs(t, err, hub.ErrJobUnknown) }},
		"a hidden secret": {func(s *stage) string { return s.Register(production, "hush", acme).ID },
			registration.Loan{Takeover: true, Secret: "another"}, func(err error) bool { return assert.ErrorIs(t, err, hub.ErrSecretUnknown) }},
		"in use":                     {used(production, now.Add(-time.Hour)), registration.Loan{}, inUse},
		"in use, and the clock late": {used(production, now.AddDate(1, 0, 0)), registration.Loan{}, inUse},
		"a job in use": {func(s *stage) string {
			id := formers["with a job"](s, "")
			s.Edit(id, func(w *hub.Webhook) { w.LastTriggerAt = now.Add(-time.Hour) })
			return id
		}, registration.Loan{}, inUse},
		"a target that looks like a tunnel": {used("https://trycloudflare.com.example.org/", now), registration.Loan{}, inUse},
		"in use, and taken over":            {used(production, now), registration.Loan{Takeover: true}, nil},
		"long unused":                       {used(production, now.AddDate(0, 0, -8)), registration.Loan{}, nil},
		"never used":                        {used(production, time.Time{}), registration.Loan{}, nil},
		"on this machine":                   {used("http://localhost:3000/", now), registration.Loan{}, nil},
		"on this machine, by number":        {used("http://[::1]:3000/", now), registration.Loan{}, nil},
		"a tunnel":                          {used("https://x.ngrok-free.app/", now), registration.Loan{}, nil},
		"the same host":                     {used("https://A.trycloudflare.com/old", now), registration.Loan{}, nil},
		"disabled": {func(s *stage) string {
			id := used(production, now)(s)
			s.Edit(id, func(w *hub.Webhook) { w.State = hub.Disabled })
			return id
		}, registration.Loan{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(o *registration.Options) { o.Now = func() time.Time { return now } })
			id := c.register(s)
			before, writes := s.shown(id), s.writes()
			c.loan.URL = tunnelA
			reg, err := s.Borrow(limited(t), id, c.loan)
			if c.refused == nil {
				require.NoError(t, err)
				assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
				assert.Equal(t, before, s.shown(id))
				return
			}
			require.Error(t, err)
			c.refused(err)
			assert.NotEmpty(t, hintOf(t, err))
			assert.Equal(t, writes, s.writes(), "nothing is changed")
			assert.Empty(t, s.files())
		})
	}
}

func TestInUseError(t *testing.T) {
	s := newStage(t)
	id := s.Register("https://user:hush@bots.example.com/hook?secret=hush", "", acme).ID
	at := time.Now().Truncate(time.Millisecond).UTC()
	s.Edit(id, func(w *hub.Webhook) { w.LastTriggerAt = at })
	_, err := s.Borrow(limited(t), id, registration.Loan{URL: tunnelA})
	var e *registration.InUseError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, registration.InUseError{Webhook: id, Host: "bots.example.com", LastTrigger: at}, *e)
	assert.Contains(t, err.Error(), "bots.example.com")
	assert.NotContains(t, err.Error(), "hush")
}

func TestBadTargets(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	for _, url := range []string{"", "a.example", "ftp://a.example/", "https://", "https://me:hush@a.example/", "https://a.example/?secret=hush", "https://a.example/\u202e"} {
		_, err := s.Borrow(limited(t), id, registration.Loan{URL: url})
		require.Error(t, err, url)
		assert.NotContains(t, err.Error(), "hush")
		_, err = s.Create(limited(t), hub.Settings{URL: url, Watched: []hub.Watched{acme}, Domains: []hub.Domain{hub.DomainRepo}})
		require.Error(t, err, url)
	}
	assert.Empty(t, s.Requests())
	reg := s.borrow(id, registration.Loan{})
	require.Error(t, reg.Point(limited(t), "https://me:hush@a.example/"))
	assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
}

// A secret is in its own file and nowhere else, for as long as it is needed.
func TestSecretsAreKeptApart(t *testing.T) {
	s := newStage(t)
	s.ShowSecrets(true)
	own, during, inURL := hub.Secret(rand.Text()), hub.Secret(rand.Text()), rand.Text()
	id := s.Register(production+"?secret="+inURL, own, acme).ID
	reg := s.borrow(id, registration.Loan{Secret: during})

	kept := s.journal(".secret")
	for _, secret := range []string{string(own), string(during), inURL} {
		assert.Contains(t, kept, secret)
	}
	for _, text := range []string{
		s.journal(".json"), fmt.Sprintf("%v %+v %#v %s", reg, reg, reg, reg),
	} {
		assert.NotEmpty(t, text)
		for _, secret := range []string{string(own), string(during), inURL} {
			assert.NotContains(t, text, secret)
		}
	}
	o := reg.Release(limited(t), false)
	assert.NotContains(t, fmt.Sprintf("%+v", o), inURL)
	assert.Empty(t, s.files())
}
