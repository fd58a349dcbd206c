package cloudflaredtest

import (
	"crypto/rand"
	"testing"

	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// Case is for tunneltest.Run. Restarts get the same name here, because that is
// what the contract is about; in truth they never do.
func Case(t *testing.T) tunneltest.Case {
	t.Helper()
	secret := rand.Text()
	t.Setenv("WEBHOOK_SECRET", secret)
	s := Start(t)
	s.Names(func(int) string { return "same-words." + Domain })
	s.Say("the secret is " + secret)
	return tunneltest.Case{
		Provider: s.Provider(),
		Client:   s.Client(),
		Drop:     func() { s.KillAll() },
		Released: s.WaitIdle,
		Secrets:  []string{secret},
	}
}
