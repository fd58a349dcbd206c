package commandtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"testing"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/command"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// Case is for tunneltest.Run: the program prints its URL.
func Case(t *testing.T) tunneltest.Case {
	t.Helper()
	secret := rand.Text()
	t.Setenv("WEBHOOK_SECRET", secret)
	s := Start(t)
	s.Names(func(int) string { return "same." + Domain })
	s.Print(func(url string) []string { return []string{"the secret is " + secret, "it is at " + url} })
	return s.contract(s.Provider(), nil, secret)
}

// GivenCase is for tunneltest.Run: the user knows the URL.
func GivenCase(t *testing.T) tunneltest.Case {
	t.Helper()
	s := Start(t)
	s.Names(func(int) string { return "given." + Domain })
	p := s.Provider()
	p.URLPattern = ""
	return s.contract(&patient{Provider: p, s: s}, URL("given"))
}

func (s *Service) contract(p tunnel.Provider, u *url.URL, secrets ...string) tunneltest.Case {
	return tunneltest.Case{
		Provider: p,
		URL:      u,
		Client:   s.Client(),
		Drop:     func() { s.KillAll() },
		Released: s.WaitIdle,
		Secrets:  secrets,
	}
}

// patient holds back each Online event until the program forwards: with a
// given URL the provider cannot know, and a test must not guess.
type patient struct {
	command.Provider
	s *Service
	n int // starts that were online; events come one at a time
}

func (p *patient) Open(ctx context.Context, o tunnel.Options) (tunnel.Tunnel, error) {
	notify := o.Notify
	o.Notify = func(e tunnel.Event) {
		if e.State == tunnel.Online {
			<-p.s.forwards(p.n)
			p.n++
		}
		if notify != nil {
			notify(e)
		}
	}
	return p.Provider.Open(ctx, o)
}
