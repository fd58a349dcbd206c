package ngrok_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// In the gap a request fails at once, so that the Hub tries again; it never
// hangs, and the tunnel comes back every time.
func TestSessionsBreakUnderLoad(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), nil)
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			body := strings.Repeat("x", 64<<10)
			for ctx.Err() == nil {
				resp, err := edge.Client().Post(tun.URL().String(), "text/plain", strings.NewReader(body))
				if !assert.NoError(t, err) {
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				assert.Contains(t, []int{http.StatusOK, http.StatusNotFound, http.StatusBadGateway}, resp.StatusCode)
			}
		})
	}
	for n := range 5 {
		require.Equal(t, 1, edge.KillSessions())
		backOnline(t, events, n+1)
	}
	stop()
	clients.Wait()
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))
}
