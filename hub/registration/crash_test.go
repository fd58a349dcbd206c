package registration_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
)

// cut loses the call with a number, counted from 0, and with forever all later
// ones too. A call can be lost on its way there or on its way back.
type cut struct {
	number  int
	arrives bool
	forever bool
	via     *http.Transport

	mu   sync.Mutex
	seen int
}

// errCut is one after which the client does not try again.
var errCut = &tls.CertificateVerificationError{Err: errors.New("cut")}

func (c *cut) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	at := c.seen
	c.seen++
	c.mu.Unlock()
	switch {
	case at == c.number && c.arrives:
		resp, err := c.via.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, errCut
	case at == c.number, at > c.number && c.forever:
		return nil, errCut
	}
	return c.via.RoundTrip(r)
}

func (c *cut) reached() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen > c.number
}

// cutting is a registry whose calls are lost so.
func (s *stage) cutting(c *cut) *registration.Registry {
	c.via = &http.Transport{}
	s.t.Cleanup(c.via.CloseIdleConnections)
	return s.registry(s.client(func(o *hub.Options) { o.Transport = c }))
}

// session does all that a session can do, and dies before its end if something
// cannot be done any more.
func session(ctx context.Context, r *registration.Registry, id string, loan registration.Loan) {
	var reg *registration.Registration
	var err error
	if id == "" {
		reg, err = r.Create(ctx, newSettings())
	} else {
		loan.URL = tunnelA
		reg, err = r.Borrow(ctx, id, loan)
	}
	if err != nil {
		return
	}
	_ = reg.Point(ctx, tunnelB)
	_ = reg.Pause(ctx)
	_ = reg.Point(ctx, tunnelA)
	_ = reg.Resume(ctx)
	reg.Release(ctx, false)
	reg.Die()
}

// TestEveryLostCall loses each call of a session in each way. Whatever the
// session makes of it, and then Repair, of which each call is lost too: the Hub
// is as it was found.
func TestEveryLostCall(t *testing.T) {
	whose := map[string]func(*stage, hub.Secret) string{"created": func(*stage, hub.Secret) string { return "" }}
	for name, register := range formers {
		whose["borrowed "+name] = register
	}
	for name, register := range whose {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, secret := newStage(t), hub.Secret("hush-hush")
			bystander := s.Register(tunnelA, "", acme).ID // of an earlier session that was kept
			id := register(s, secret)
			loan := registration.Loan{Own: secret, Secret: "of-the-session"}
			before, others := s.shown(id), s.shown(bystander)
			check := func(what string) {
				t.Helper()
				require.Equal(t, before, s.shown(id), what)
				require.Equal(t, others, s.shown(bystander), what)
				for _, w := range s.Webhooks() {
					require.Contains(t, []string{id, bystander}, w.ID, what)
				}
				require.Empty(t, s.files(), what)
			}
			for number, more := 0, true; more; number++ {
				for _, c := range []*cut{{arrives: true}, {arrives: true, forever: true}, {}, {forever: true}} {
					c.number = number
					what := fmt.Sprintf("call %d, arrives %t, forever %t", number, c.arrives, c.forever)
					session(limited(t), s.cutting(c), id, loan)
					more = c.reached()
					// A repair that is cut off, then one that is not.
					again := &cut{number: number % 6, arrives: c.arrives, forever: true}
					s.cutting(again).Repair(limited(t))
					for _, o := range s.Repair(limited(t)) {
						assert.Contains(t, []registration.OutcomeKind{registration.Restored, registration.Deleted, registration.Gone}, o.Kind, "%s: %s", what, o.Text)
					}
					check(what)
				}
			}
		})
	}
}
