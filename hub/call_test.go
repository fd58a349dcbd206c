package hub_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

// debugTo logs everything to w.
func debugTo(w io.Writer) func(*hub.Options) {
	return func(o *hub.Options) {
		o.Log = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var value hub.Secret
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		answer(200, "[]")(w, r)
	}, func(o *hub.Options) {
		o.Version, o.Endpoint, value = "1.2.3", o.Endpoint+"/base/", o.Token.Value
	})
	all, err := c.List(limited(t))
	require.NoError(t, err)
	assert.Empty(t, all)
	assert.Equal(t, "/base/api/settings/webhooks", got.URL.Path)
	assert.Equal(t, "hfhook/1.2.3", got.Header.Get("User-Agent"))
	assert.Equal(t, "Bearer "+string(value), got.Header.Get("Authorization"))
	assert.Empty(t, got.Header.Get("Content-Type"))
}

// fakeHub answers from a list, inside of a bubble whose time is not real.
type fakeHub struct {
	answers []http.HandlerFunc // the last one for all that follow
	at      []time.Time
	reached func(*http.Request) error // before there is an answer
}

func (f *fakeHub) RoundTrip(r *http.Request) (*http.Response, error) {
	f.at = append(f.at, time.Now())
	if f.reached != nil {
		if err := f.reached(r); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	f.answers[min(len(f.at), len(f.answers))-1](w, r)
	return w.Result(), nil
}

func (f *fakeHub) client(t *testing.T) *hub.Client {
	c, err := hub.New(hub.Options{Token: hub.Token{Value: "hf_made_up"}, Transport: f})
	require.NoError(t, err)
	return c
}

func TestRetries(t *testing.T) {
	ok, list := answer(200, "{}"), answer(200, "[]")
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		writes  bool
		tries   int
		status  int // of the error; 0: none
		waits   time.Duration
	}{
		"good":                           {[]http.HandlerFunc{list}, false, 1, 0, 0},
		"500":                            {[]http.HandlerFunc{answer(500, ""), list}, false, 2, 0, 0},
		"502 and 504":                    {[]http.HandlerFunc{answer(502, ""), answer(504, ""), list}, false, 3, 0, 0},
		"503 for ever":                   {[]http.HandlerFunc{answer(503, "")}, false, 3, 503, 0},
		"503 with a time":                {[]http.HandlerFunc{answer(503, "", "Retry-After", "7"), list}, false, 2, 0, 7 * time.Second},
		"501":                            {[]http.HandlerFunc{answer(501, "")}, false, 1, 501, 0},
		"400":                            {[]http.HandlerFunc{answer(400, "")}, false, 1, 400, 0},
		"a write fails":                  {[]http.HandlerFunc{answer(503, "", "Retry-After", "1")}, true, 1, 503, 0},
		"429":                            {[]http.HandlerFunc{answer(429, "", "Retry-After", "5"), list}, false, 2, 0, 5 * time.Second},
		"429 with a limit":               {[]http.HandlerFunc{answer(429, "", "RateLimit", `"api";r=0;t=12`), list}, false, 2, 0, 12 * time.Second},
		"429 with several":               {[]http.HandlerFunc{answer(429, "", "RateLimit", `"pages";r=9;t=200, "api"; r=0; t=12`, "Retry-After", "3"), list}, false, 2, 0, 12 * time.Second},
		"429 without a time":             {[]http.HandlerFunc{answer(429, ""), list}, false, 2, 0, time.Second},
		"429 with nonsense":              {[]http.HandlerFunc{answer(429, "", "Retry-After", "-5", "RateLimit", "x;;=;r=0;t=-1"), list}, false, 2, 0, time.Second},
		"429 twice":                      {[]http.HandlerFunc{answer(429, "", "Retry-After", "5")}, false, 2, 429, 5 * time.Second},
		"429 for longer than there is":   {[]http.HandlerFunc{answer(429, "", "Retry-After", "31")}, false, 1, 429, 0},
		"429 for ages":                   {[]http.HandlerFunc{answer(429, "", "Retry-After", "99999999999999999999")}, false, 2, 429, time.Second},
		"429 for a write":                {[]http.HandlerFunc{answer(429, "", "Retry-After", "5"), ok}, true, 2, 0, 5 * time.Second},
		"429, then the Hub has problems": {[]http.HandlerFunc{answer(429, "", "Retry-After", "5"), answer(500, ""), list}, false, 3, 0, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeHub{answers: c.answers}
				start := time.Now()
				var err error
				if c.writes {
					err = f.client(t).Delete(t.Context(), id)
				} else {
					_, err = f.client(t).List(t.Context())
				}
				if c.status == 0 {
					require.NoError(t, err)
				} else {
					assert.Equal(t, c.status, asError(t, err).Status)
				}
				require.Len(t, f.at, c.tries)
				waited := time.Since(start)
				assert.GreaterOrEqual(t, waited, c.waits)
				assert.LessOrEqual(t, waited, c.waits+2*time.Second, "backoff of 0.5 and 1 s at most")
			})
		})
	}
}

func TestRetryAfterADate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeHub{answers: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			answer(429, "", "Retry-After", time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat))(w, r)
		}, answer(200, "[]")}}
		start := time.Now()
		_, err := f.client(t).List(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 9*time.Second, time.Since(start))
	})
}

func TestRetriesOfLostConnections(t *testing.T) {
	for name, c := range map[string]struct {
		lose  error
		tries int
	}{
		"broken":      {io.ErrUnexpectedEOF, 3},
		"unreachable": {&net.OpError{Op: "dial", Err: errors.New("no")}, 3},
		"TLS to HTTP": {tls.RecordHeaderError{Msg: "no TLS"}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeHub{reached: func(*http.Request) error { return c.lose }}
			_, err := f.client(t).List(t.Context())
			e := asError(t, err)
			require.ErrorIs(t, err, c.lose, name)
			assert.Zero(t, e.Status)
			assert.Contains(t, e.Error(), "cannot be reached", name)
			assert.Len(t, f.at, c.tries, name)

			f.at = nil
			require.Error(t, f.client(t).Delete(t.Context(), id))
			assert.Len(t, f.at, 1, "%s: this transport does not tell what it did", name)
		})
	}
}

// A write that can have reached the Hub is not made again; one that cannot is.
func TestWritesAreNotRepeated(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns atomic.Int32
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			_, _ = c.Read(make([]byte, 1)) // it came this far
			_ = c.Close()
		}
	})
	c, err := hub.New(hub.Options{Endpoint: "http://" + l.Addr().String(), Token: hub.Token{Value: "hf_made_up"}})
	require.NoError(t, err)
	defer c.Close()
	require.Error(t, c.Delete(limited(t), id))
	assert.EqualValues(t, 1, conns.Load(), "a write")
	_, err = c.List(limited(t))
	require.Error(t, err)
	assert.EqualValues(t, 4, conns.Load(), "a read, three times")
	require.NoError(t, l.Close())
	wg.Wait()

	var log strings.Builder
	c, err = hub.New(hub.Options{Endpoint: "http://" + l.Addr().String(), Token: hub.Token{Value: "hf_made_up"}, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	err = c.Delete(limited(t), id)
	assert.Contains(t, asError(t, err).Error(), "connection refused")
	assert.Equal(t, 2, strings.Count(log.String(), "calling the Hub again"), "a write that reached nobody: %s", log.String())
}

func TestHangingHub(t *testing.T) {
	t.Run("before it answers", func(t *testing.T) {
		var calls atomic.Int32
		c := client(t, func(_ http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			<-r.Context().Done()
		}, func(o *hub.Options) { o.Timeout = 100 * time.Millisecond })
		_, err := c.List(limited(t))
		e := asError(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, e.Error(), "did not answer within 100ms")
		assert.LessOrEqual(t, calls.Load(), int32(1))
	})
	t.Run("in its answer", func(t *testing.T) {
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("["))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, func(o *hub.Options) { o.Timeout = 100 * time.Millisecond })
		_, err := c.List(limited(t))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("usually 30 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeHub{reached: func(r *http.Request) error { <-r.Context().Done(); return r.Context().Err() }}
			start := time.Now()
			_, err := f.client(t).Update(t.Context(), id, hub.Change{Secret: hub.LeaveSecret})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, 30*time.Second, time.Since(start))
			assert.Contains(t, err.Error(), "within 30s")
		})
	})
	t.Run("the caller gives up", func(t *testing.T) {
		gone := errors.New("gone home")
		ctx, cancel := context.WithCancelCause(limited(t))
		c := client(t, func(_ http.ResponseWriter, r *http.Request) {
			cancel(gone)
			<-r.Context().Done()
		})
		_, err := c.List(ctx)
		require.ErrorIs(t, err, gone)
		assert.Contains(t, err.Error(), "given up")
	})
	t.Run("the caller gives up a wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			// A wait that does not fit is not begun.
			f := &fakeHub{answers: []http.HandlerFunc{answer(429, "", "Retry-After", "5")}}
			_, err := f.client(t).List(ctx)
			assert.Equal(t, 429, asError(t, err).Status)
			assert.Len(t, f.at, 1)

			ctx, stop := context.WithCancel(t.Context())
			time.AfterFunc(2*time.Second, stop)
			_, err = f.client(t).List(ctx)
			require.ErrorIs(t, err, context.Canceled)
		})
	})
}

func TestAnswersAreBounded(t *testing.T) {
	stopped := make(chan bool, 1)
	c := client(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 100 { // far more than all buffers on the way
			if _, err := w.Write(chunk); err != nil {
				stopped <- true
				return
			}
		}
		stopped <- false
	})
	_, err := c.List(limited(t))
	assert.Contains(t, asError(t, err).Error(), "more than 8 MiB")
	assert.True(t, <-stopped)

	c = client(t, answer(200, "[]", "X-Long", strings.Repeat("x", 1<<20)))
	_, err = c.List(limited(t))
	require.Error(t, err)
}

// The token goes to the endpoint and nowhere else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was asked", r.Method, r.URL)
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := client(t, answer(status, "", "Location", other.URL+"/api/settings/webhooks"))
		_, err := c.List(limited(t))
		assert.Equal(t, status, asError(t, err).Status)
		require.Error(t, c.Delete(limited(t), id))
	}
}

func TestUntrustedCertificate(t *testing.T) {
	var calls atomic.Int32
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	defer s.Close()
	c, err := hub.New(hub.Options{Endpoint: s.URL, Token: hub.Token{Value: "hf_made_up"}})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.List(limited(t))
	e := asError(t, err)
	assert.Contains(t, e.Error(), "certificate is not trusted")
	assert.Contains(t, e.Hint, "SSL_CERT_FILE")
	assert.Zero(t, calls.Load())
}

func TestNoTLS(t *testing.T) {
	c := client(t, answer(200, "[]"), func(o *hub.Options) { o.Endpoint = strings.Replace(o.Endpoint, "http:", "https:", 1) })
	_, err := c.List(limited(t))
	assert.Contains(t, asError(t, err).Error(), "it does not speak TLS")
}

func TestWarningsOfTheHub(t *testing.T) {
	var log strings.Builder
	headers := []string{"X-HF-Warning", "webhooks; they \u202e change", "X-HF-Warning", "no topic"}
	for i := range 20 {
		headers = append(headers, "X-HF-Warning", fmt.Sprint("more", i))
	}
	_, err := client(t, answer(200, "[]", headers...), debugTo(&log)).List(limited(t))
	require.NoError(t, err)
	assert.Contains(t, log.String(), `level=WARN msg="the Hub warns" topic=webhooks message="they  change"`)
	assert.Contains(t, log.String(), `topic="" message="no topic"`)
	assert.Equal(t, 10, strings.Count(log.String(), "level=WARN"))
}
