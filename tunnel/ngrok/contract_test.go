package ngrok_test

import (
	"testing"

	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func TestKeepsTheContract(t *testing.T) {
	tunneltest.Run(t, func(t *testing.T) tunneltest.Case {
		edge := ngroktest.Start(t)
		return tunneltest.Case{
			Provider:  edge.Provider(),
			Client:    edge.Client(),
			Drop:      func() { edge.KillSessions() },
			Released:  edge.WaitIdle,
			Closes:    100, // the library's own Close hung within 67
			Secrets:   []string{edge.Token},
			Lingering: ngroktest.Lingering(),
		}
	})
}
