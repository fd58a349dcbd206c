package hub_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/hub"
)

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(childHub); endpoint != "" {
		os.Exit(listAsChild(endpoint))
	}
	goleak.VerifyTestMain(m)
}

// client makes a client of the handler, with a token made up on the spot. More
// options may be set by change.
func client(t testing.TB, h http.HandlerFunc, change ...func(*hub.Options)) *hub.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o := hub.Options{Endpoint: s.URL, Token: hub.Token{Value: hub.Secret("hf_" + rand.Text())}}
	for _, f := range change {
		f(&o)
	}
	c, err := hub.New(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// answer is a handler that always gives the same answer. Headers are pairs of
// name and value.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// limited is a context that keeps a test from hanging.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// asError is err, which must be an *hub.Error.
func asError(t testing.TB, err error) *hub.Error {
	t.Helper()
	var e *hub.Error
	require.ErrorAs(t, err, &e)
	return e
}
