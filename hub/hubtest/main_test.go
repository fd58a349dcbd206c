package hubtest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	acme = hub.Watched{Type: hub.Org, Name: "acme"}
	both = []hub.Domain{hub.DomainRepo, hub.DomainDiscussion}
)

// limited is a context that keeps a test from hanging.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// bot is a target that remembers what it got. It answers 200, or what status
// says about the request with that number, counted from 1.
type bot struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
}

func newBot(t testing.TB, status func(n int, w http.ResponseWriter)) *bot {
	b := &bot{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.got = append(b.got, r)
		b.bodies = append(b.bodies, string(body))
		n := len(b.got)
		b.mu.Unlock()
		if status != nil {
			status(n, w)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *bot) requests() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got
}

// asError is err, which must be an *hub.Error.
func asError(t testing.TB, err error) *hub.Error {
	t.Helper()
	var e *hub.Error
	require.ErrorAs(t, err, &e)
	return e
}
