package receiver_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay/memory"
)

// record has one request served without a connection.
func record(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	s := newServer(t, receiver.Options{})
	s.Handle("/hf/deep.hook/", ok)
	addr := serve(t, s)
	body := sample(t, commit)
	for _, tt := range []struct {
		request string
		want    int
		allow   string
	}{
		{"POST /webhooks/hook", 200, ""},
		{"POST /webhooks/hook/", 200, ""},
		{"POST /webhooks/hook?x=1", 200, ""},
		{"POST /webhooks/hf/deep.hook", 200, ""},
		{"POST http://elsewhere.example/webhooks/hook", 200, ""},
		{"GET /webhooks/hook", 405, "POST"},
		{"HEAD /webhooks/hook", 405, "POST"},
		{"PUT /webhooks/hook", 405, "POST"},
		{"OPTIONS /webhooks/hook", 405, "POST"},
		{"BREW /webhooks/hook", 405, "POST"},
		{"POST /", 405, "GET, HEAD"},
		{"DELETE /", 405, "GET, HEAD"},
		{"POST /webhooks/", 404, ""},
		{"POST /webhooks/Hook", 404, ""},
		{"POST /webhooks/hook//", 404, ""},
		{"POST /webhooks//hook", 404, ""},
		{"POST /hook", 404, ""},
		{"POST /webhooks/ho%6Fk", 404, ""},
		{"POST //webhooks/../x", 404, ""},
		{"POST /webhooks/./hook", 404, ""},
		{"POST /webhooks/%00", 404, ""},
		{"GET /favicon.ico", 404, ""},
		{"OPTIONS *", 404, ""},
	} {
		t.Run(tt.request, func(t *testing.T) {
			c := raw(t, addr, fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", tt.request, len(body), body))
			resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: strings.Fields(tt.request)[0]})
			require.NoError(t, err)
			got := read(t, resp)
			assert.Equal(t, tt.want, got.Status)
			assert.Equal(t, tt.allow, got.Header.Get("Allow"))
			assert.Empty(t, got.Header.Get("Location"))
			if tt.want >= 400 && resp.Request.Method != "HEAD" {
				assert.Contains(t, got.Body, `{"error":"`)
			}
		})
	}
}

func TestAnyPathTakesEveryPathAsItCame(t *testing.T) {
	var got []string
	s := newServer(t, receiver.Options{AnyPath: true, Wrap: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r)
			got = append(got, r.URL.EscapedPath())
		})
	}})
	addr := serve(t, s)
	body := sample(t, commit)
	for _, path := range []string{"/", "/x", "//webhooks/../x", "/a%2Fb", "/webhooks/hook", "/webhooks/other/"} {
		c := raw(t, addr, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body))
		assert.Equal(t, 200, readRaw(t, c).Status, path)
	}
	assert.Equal(t, []string{"/", "/x", "//webhooks/../x", "/a%2Fb", "/webhooks/hook", "/webhooks/other/"}, got)

	c := raw(t, addr, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	assert.Equal(t, "GET, HEAD, POST", readRaw(t, c).Header.Get("Allow"))
	c = raw(t, addr, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, 405, readRaw(t, c).Status)
}

func TestBodyThatIsNoPayload(t *testing.T) {
	s := newServer(t, receiver.Options{})
	for name, tt := range map[string]struct{ body, want string }{
		"empty":    {"", `{"detail":[{"type":"missing","loc":["body"],"msg":"Field required"}]}`},
		"blank":    {" \n", `{"detail":[{"type":"missing","loc":["body"],"msg":"Field required"}]}`},
		"form":     {"a=b", `{"detail":[{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error"}]}`},
		"cut":      {`{"event":`, `{"detail":[{"type":"json_invalid","loc":["body",9],"msg":"JSON decode error"}]}`},
		"two":      {`{} {}`, `{"detail":[{"type":"json_invalid","loc":["body",3],"msg":"JSON decode error"}]}`},
		"array":    {`[{}]`, `{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from"}]}`},
		"a string": {`"x"`, `{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := record(s, "POST", "/webhooks/hook", tt.body)
			assert.Equal(t, http.StatusUnprocessableEntity, got.Code)
			assert.Equal(t, tt.want, got.Body.String())
		})
	}
}

func TestCompressedBody(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := io.WriteString(z, sample(t, commit))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	got := record(newServer(t, receiver.Options{}), "POST", "/webhooks/hook", zipped.String(), "Content-Encoding: gzip")
	assert.Equal(t, http.StatusUnsupportedMediaType, got.Code)
	assert.Equal(t, "identity", got.Header().Get("Accept-Encoding"))
	assert.JSONEq(t, `{"error":"compressed body"}`, got.Body.String())
}

func TestLargeBodies(t *testing.T) {
	var got int
	s := receiver.New(receiver.Options{Out: io.Discard})
	s.Handle("hook", func(_ context.Context, p *payload.Payload) (any, error) {
		got = len(p.Raw)
		return nil, nil
	})
	addr := serve(t, s)
	url := "http://" + addr + "/webhooks/hook"
	limit := 16 << 20
	object := func(n int) string { return `{"x":"` + strings.Repeat("a", n-8) + `"}` }

	assert.Equal(t, 200, send(t, "POST", url, object(limit)).Status)
	assert.Equal(t, limit, got)
	assert.Equal(t, 413, send(t, "POST", url, object(limit+1)).Status)
	assert.Equal(t, 413, send(t, "POST", url, object(17<<20)).Status)

	t.Run("chunked without end", func(t *testing.T) {
		c := raw(t, addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
		var wg sync.WaitGroup
		wg.Go(func() {
			chunk := "100000\r\n" + strings.Repeat("a", 1<<20) + "\r\n"
			for {
				if _, err := io.WriteString(c, chunk); err != nil {
					return
				}
			}
		})
		assert.Equal(t, 413, readRaw(t, c).Status)
		require.NoError(t, c.Close())
		wg.Wait()
	})
	t.Run("announced only", func(t *testing.T) {
		c := raw(t, addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{")
		got := readRaw(t, c)
		assert.Equal(t, 413, got.Status)
		assert.JSONEq(t, `{"error":"the body is larger than 16777216 bytes"}`, got.Body)
	})
}

func TestSlowSenders(t *testing.T) {
	addr := serve(t, newServer(t, receiver.Options{Timeout: 50 * time.Millisecond, Secrets: []string{"s"}}))
	t.Run("body", func(t *testing.T) {
		c := raw(t, addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: s\r\nContent-Length: 100\r\n\r\n{")
		got := readRaw(t, c)
		assert.Equal(t, 408, got.Status)
		_, err := c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF, "the connection is closed")
	})
	t.Run("header", func(t *testing.T) {
		hasty := serve(t, newServer(t, receiver.Options{HeaderTimeout: 50 * time.Millisecond}))
		c := raw(t, hasty, "POST /webhooks/hook HTTP/1.1\r\nHo")
		_, err := io.ReadAll(c)
		assert.NoError(t, err, "the connection is closed")
	})
	t.Run("body without a secret is not waited for", func(t *testing.T) {
		c := raw(t, addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
		require.NoError(t, c.SetReadDeadline(time.Now().Add(3*time.Second))) // refuseTimeout is longer
		assert.Equal(t, 401, readRaw(t, c).Status)
	})
}

func TestBodyThatEndsEarly(t *testing.T) {
	addr := serve(t, newServer(t, receiver.Options{}))
	for name, request := range map[string]string{
		"Content-Length lies": "Content-Length: 100\r\n\r\n{}",
		"half a chunk":        "Transfer-Encoding: chunked\r\n\r\n10\r\n{}",
		"bad chunk":           "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
	} {
		t.Run(name, func(t *testing.T) {
			c := raw(t, addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\n"+request)
			require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
			assert.Equal(t, 400, readRaw(t, c).Status)
		})
	}
}

func TestConnectionIsReused(t *testing.T) {
	addr := serve(t, newServer(t, receiver.Options{Secrets: []string{"s"}}))
	body := sample(t, commit)
	c := raw(t, addr)
	r := bufio.NewReader(c)
	for range 3 {
		_, err := fmt.Fprintf(c, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: s\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		require.NoError(t, err)
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		assert.Equal(t, 200, read(t, resp).Status)
		assert.False(t, resp.Close)
	}
}

// The time for the body is not one for the handler.
func TestTimeoutIsNotForTheHandler(t *testing.T) {
	const timeout = 20 * time.Millisecond
	s := receiver.New(receiver.Options{Timeout: timeout, Out: io.Discard})
	s.Handle("slow", func(ctx context.Context, _ *payload.Payload) (any, error) {
		select {
		case <-ctx.Done():
		case <-time.After(3 * timeout):
		}
		return nil, ctx.Err()
	})
	addr := serve(t, s)
	assert.Equal(t, 200, send(t, "POST", "http://"+addr+"/webhooks/slow", "{}").Status)
}

// The time for one answer is not taken from the next.
func TestTimeoutIsForEachAnswer(t *testing.T) {
	const timeout = 100 * time.Millisecond
	addr := serve(t, newServer(t, receiver.Options{Timeout: timeout}))
	c := raw(t, addr)
	r := bufio.NewReader(c)
	for _, request := range []string{
		"POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
		"POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		_, err := io.WriteString(c, request)
		require.NoError(t, err)
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		assert.NotEqual(t, 408, read(t, resp).Status)
		time.Sleep(2 * timeout) // what is tested is that this time does not matter
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"my_hook":   "",
		"/hf/hook/": "",
		"a.b-c~d":   "",
		"":          `handle "": the name is empty`,
		"///":       `handle "///": the name is empty`,
		"a//b":      `handle "a//b": the name has an empty or dotted path segment`,
		"../x":      `handle "../x": the name has an empty or dotted path segment`,
		"a b":       `handle "a b": the name holds something else than letters, digits, "-._~" and "/"`,
		"ä":         `handle "ä": the name holds something else than letters, digits, "-._~" and "/"`,
		"a?b":       `handle "a?b": the name holds something else than letters, digits, "-._~" and "/"`,
		"a\x00":     `handle "a\x00": the name holds something else than letters, digits, "-._~" and "/"`,
		"hook":      `handle "hook": /webhooks/hook has a handler already`,
		"/hook/":    `handle "/hook/": /webhooks/hook has a handler already`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, receiver.Options{})
			s.Handle(name, ok)
			if want == "" {
				assert.NoError(t, s.Err())
				return
			}
			assert.EqualError(t, s.Err(), want)
			assert.EqualError(t, s.Run(t.Context()), want)
		})
	}
	s := receiver.New(receiver.Options{})
	s.Handle(strings.Repeat("a", 201), ok)
	assert.ErrorContains(t, s.Err(), "longer than 200 bytes")
	s = receiver.New(receiver.Options{})
	s.Handle("nil", nil)
	assert.EqualError(t, s.Err(), `handle "nil": the handler is nil`)
}

func TestHandleAfterTheStart(t *testing.T) {
	s := newServer(t, receiver.Options{})
	require.Equal(t, 200, record(s, "POST", "/webhooks/hook", "{}").Code)
	s.Handle("late", ok)
	assert.EqualError(t, s.Err(), `handle "late": the server has started already`)
	assert.Equal(t, 404, record(s, "POST", "/webhooks/late", "{}").Code)
	assert.Equal(t, 200, record(s, "POST", "/webhooks/hook", "{}").Code)
}

func TestTooManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		s := receiver.New(receiver.Options{MaxInFlight: 1})
		s.Handle("slow", func(context.Context, *payload.Payload) (any, error) {
			<-leave
			return nil, nil
		})
		var wg sync.WaitGroup
		wg.Go(func() { assert.Equal(t, 200, record(s, "POST", "/webhooks/slow", "{}").Code) })
		synctest.Wait()
		started := time.Now()
		got := record(s, "POST", "/webhooks/slow", "{}")
		assert.Equal(t, 503, got.Code)
		assert.Equal(t, "5", got.Header().Get("Retry-After"))
		assert.Equal(t, 5*time.Second, time.Since(started))

		wg.Go(func() { assert.Equal(t, 200, record(s, "POST", "/webhooks/slow", "{}").Code, "its turn came") })
		synctest.Wait()
		close(leave)
		wg.Wait()
	})
}

func TestHeaderThatIsTooLong(t *testing.T) {
	addr := serve(t, newServer(t, receiver.Options{}))
	c := raw(t, addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: "+strings.Repeat("x", 100<<10))
	status, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 431 Request Header Fields Too Large\r\n", status)
}

// No bytes make the receiver panic, redirect, or let in what has no secret.
func FuzzServeHTTP(f *testing.F) {
	const secret = "a-secret-for-this"
	for _, seed := range []string{
		"POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: " + secret + "\r\nContent-Length: 2\r\n\r\n{}",
		"POST /webhooks/hook?secret=" + secret + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"POST //webhooks/../x?secret=x HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"PUT /webhooks/%68ook/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, request []byte, anyPath bool) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
		if err != nil {
			return
		}
		s := receiver.New(receiver.Options{Secrets: []string{secret}, AnyPath: anyPath, Store: memory.New(), Dispatcher: noTargets{}, Log: slog.New(slog.DiscardHandler)})
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		assert.False(t, w.Code >= 300 && w.Code < 400, w.Code)
		if w.Code == 200 && r.Method == http.MethodPost {
			given := append(r.Header["X-Webhook-Secret"], r.URL.Query()["secret"]...)
			assert.Contains(t, given, secret)
		}
	})
}
