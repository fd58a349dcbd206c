package registration_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
	"github.com/hfhook/hfhook/hub/registration"
)

// troubles are the ways in which a Hub does not do what it is asked for, and
// how that ends.
var troubles = map[string]struct {
	begin, end func(*stage)
}{
	"down":         {func(s *stage) { s.Down() }, func(s *stage) { s.Up() }},
	"hanging":      {answering(hubtest.Hang), answering(nil)},
	"rate limited": {answering(hubtest.RateLimited(time.Hour)), answering(nil)},
	"an HTML page": {answering(hubtest.HTMLError), answering(nil)},
	"unauthorized": {answering(status(http.StatusUnauthorized)), answering(nil)},
	"forbidden":    {func(s *stage) { s.TokenIs(hub.TokenFineGrained) }, func(s *stage) { s.TokenIs(hub.TokenWrite) }},
}

func answering(f http.HandlerFunc) func(*stage) {
	return func(s *stage) {
		n := -1
		if f == nil {
			n = 0
		}
		s.Interrupt(n, f)
	}
}

func status200(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// TestTrouble has each trouble at the start, in the middle, at the end and
// while repairing. It is told with the client's error and hint, within the
// client's time, and when it is over all is put right.
func TestTrouble(t *testing.T) {
	for name, trouble := range troubles {
		for _, kind := range []string{"created", "borrowed"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				id := s.Register(production, "hush-hush", acme).ID
				before := s.shown(id)
				r := s.registry(s.Client())
				// While there is trouble the client has little time, and otherwise all.
				impatient := s.client(func(o *hub.Options) { o.Timeout = 300 * time.Millisecond })
				begin := func() {
					trouble.begin(s)
					r.Through(impatient)
				}
				end := func() {
					trouble.end(s)
					r.Through(s.Client())
				}
				start := func(r *registration.Registry) (*registration.Registration, error) {
					if kind == "created" {
						return r.Create(limited(t), newSettings())
					}
					return r.Borrow(limited(t), id, registration.Loan{URL: tunnelA, Own: "hush-hush"})
				}
				told := func(err error) {
					t.Helper()
					var e *hub.Error
					require.ErrorAs(t, err, &e)
					assert.NotEmpty(t, e.Hint)
				}

				begin()
				_, err := start(r)
				told(err)
				assert.Empty(t, s.files(), "nothing was changed")
				end()

				reg, err := start(r)
				require.NoError(t, err)
				begin()
				told(reg.Point(limited(t), tunnelB))
				told(reg.Pause(limited(t)))
				end()
				require.NoError(t, reg.Point(limited(t), tunnelB))
				assert.Equal(t, tunnelB, s.Webhook(reg.ID()).URL)

				begin()
				o := reg.Release(limited(t), false)
				assert.Equal(t, registration.Failed, o.Kind)
				assert.Equal(t, reg.ID(), o.Webhook)
				assert.NotEmpty(t, o.Hint)
				told(o.Err)
				for _, r := range []*registration.Registry{r, s.registry(impatient)} {
					all := r.Repair(limited(t))
					require.Len(t, all, 1)
					assert.Equal(t, registration.Failed, all[0].Kind, all[0].Text)
					told(all[0].Err)
				}
				assert.NotEmpty(t, s.files())
				end()

				assert.NoError(t, s.repaired().Err)
				assert.Equal(t, before, s.shown(id))
				assert.Len(t, s.Webhooks(), 1)
				assert.Empty(t, s.files())
			})
		}
	}
}

// A Hub that is down is asked once, not for each entry.
func TestRepairGivesUpOnce(t *testing.T) {
	s := newStage(t)
	for range 5 {
		s.create().Die()
	}
	calls := len(s.Requests())
	s.Interrupt(-1, status(http.StatusForbidden))
	r := s.registry(s.Client())
	for range 2 { // the second knows whose the token is
		all := r.Repair(limited(t))
		require.Len(t, all, 5)
		for _, o := range all {
			assert.Equal(t, registration.Failed, o.Kind)
		}
	}
	assert.Len(t, s.Requests(), calls+2)
	s.Interrupt(0, nil)
	require.Len(t, r.Repair(limited(t)), 5)
	assert.Empty(t, s.Webhooks())
}

// Ctrl-C in the middle of a start undoes what it may have done.
func TestGivenUpAtTheStart(t *testing.T) {
	for _, kind := range []string{"created", "borrowed"} {
		for _, arrives := range []bool{false, true} {
			s := newStage(t)
			id := s.Register(production, "", acme).ID
			before := s.shown(id)
			ctx, cancel := context.WithCancel(t.Context())
			r := s.registry(s.client(func(o *hub.Options) {
				o.Transport = giveUp{&http.Transport{DisableKeepAlives: true}, arrives, ctx, cancel}
			}))
			var err error
			if kind == "created" {
				_, err = r.Create(ctx, newSettings())
			} else {
				_, err = r.Borrow(ctx, id, registration.Loan{URL: tunnelA})
			}
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, before, s.shown(id))
			assert.Len(t, s.Webhooks(), 1)
			assert.Empty(t, s.files())
		}
	}
}

// giveUp is a transport whose user gives up when something is to be changed.
type giveUp struct {
	via     http.RoundTripper
	arrives bool
	ctx     context.Context
	cancel  context.CancelFunc
}

func (g giveUp) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || g.ctx.Err() != nil {
		return g.via.RoundTrip(r)
	}
	if g.arrives {
		resp, err := g.via.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
	}
	g.cancel()
	return nil, context.Canceled
}

// A call that was on its way when its program died is waited for, and then
// undone.
func TestLateArrival(t *testing.T) {
	for _, kind := range []string{"created", "borrowed"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			id := s.Register(production, "", acme).ID
			before := s.shown(id)
			late := &late{via: &http.Transport{}, sent: make(chan *http.Request, 1)}
			t.Cleanup(late.via.CloseIdleConnections)
			dying := s.registry(s.client(func(o *hub.Options) { o.Transport = late }))
			switch kind {
			case "created":
				_, err := dying.Create(limited(t), newSettings())
				require.Error(t, err)
			default:
				_, err := dying.Borrow(limited(t), id, registration.Loan{URL: tunnelA})
				require.Error(t, err)
			}
			require.NotEmpty(t, s.files())

			settle := 2 * time.Second
			r := s.registry(s.Client(), func(o *registration.Options) { o.Settle = settle })
			arrived := make(chan struct{})
			time.AfterFunc(settle/10, func() {
				defer close(arrived)
				resp, err := late.via.RoundTrip(<-late.sent)
				if assert.NoError(t, err) {
					assert.Equal(t, http.StatusOK, resp.StatusCode)
					_ = resp.Body.Close()
				}
			})
			all := r.Repair(limited(t))
			<-arrived
			require.Len(t, all, 1)
			assert.NoError(t, all[0].Err, all[0].Text)
			assert.Equal(t, before, s.shown(id))
			assert.Len(t, s.Webhooks(), 1)
			assert.Empty(t, s.files())
		})
	}
}

// late is the network of a program that dies with a change on its way.
type late struct {
	via  *http.Transport
	dead bool
	sent chan *http.Request
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case l.dead:
		return nil, errCut
	case r.Method == http.MethodGet:
		return l.via.RoundTrip(r)
	}
	l.dead = true
	l.sent <- r.Clone(context.WithoutCancel(r.Context()))
	return nil, errCut
}

// With a URL that stays the same from session to session, webhooks that others
// of them keep are not taken for one that was about to be made.
func TestSweepSparesOthers(t *testing.T) {
	s := newStage(t)
	settings := newSettings()
	keptBefore, err := s.Client().Create(limited(t), settings)
	require.NoError(t, err)
	// Made, and the answer lost; then nothing can be asked any more.
	c := &cut{number: 2, arrives: true, forever: true}
	_, err = s.cutting(c).Create(limited(t), settings)
	require.Error(t, err)
	require.Len(t, s.Webhooks(), 2)
	lost := s.Webhooks()[1].ID
	live := s.create()
	unlike, err := s.Client().Create(limited(t), hub.Settings{URL: settings.URL, Watched: []hub.Watched{acme}, Domains: settings.Domains})
	require.NoError(t, err)

	o := s.repaired()
	assert.Equal(t, registration.Deleted, o.Kind, o.Text)
	assert.Equal(t, lost, o.Webhook)
	assert.Nil(t, s.Webhook(lost))
	for _, id := range []string{keptBefore.ID, live.ID(), unlike.ID} {
		assert.NotNil(t, s.Webhook(id))
	}
	assert.Equal(t, registration.Deleted, live.Release(limited(t), false).Kind)
}

// What the Hub refuses is refused, and leaves nothing to undo.
func TestRefusedByTheHub(t *testing.T) {
	s := newStage(t)
	settings := newSettings()
	settings.Watched = append(settings.Watched, hub.Watched{Type: "planet", Name: "x"})
	_, err := s.Create(limited(t), settings)
	var e *hub.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, http.StatusBadRequest, e.Status)
	settings.Watched = nil
	_, err = s.Create(limited(t), settings)
	require.ErrorIs(t, err, hub.ErrInvalid)
	id := s.Register(production, "", acme).ID
	_, err = s.Borrow(limited(t), id, registration.Loan{URL: tunnelA, Secret: "é"})
	require.ErrorIs(t, err, hub.ErrInvalid)
	_, err = s.Borrow(limited(t), "nobody", registration.Loan{URL: tunnelA})
	require.ErrorIs(t, err, hub.ErrNotFound)
	assert.Empty(t, s.files())
	assert.Equal(t, production, s.Webhook(id).URL)
}
