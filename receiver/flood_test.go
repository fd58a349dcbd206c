package receiver_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
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
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// strangers are what somebody without the secret can send to take up a
// connection for as long as it is left to him.
var strangers = map[string]string{
	"nothing":             "",
	"half a request line": "POST /webho",
	"half a header":       "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Sec",
	"an idle GET":         "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"an idle POST":        "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: wrong\r\nContent-Length: 2\r\n\r\n{}",
	"a slow upload":       "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
	"a slow PUT":          "PUT /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
	"an endless chunk":    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\na",
}

// patient lets strangers wait for ever. What is refused ends by itself all the
// same; of the rest, nothing but the rule for full houses ends the connections.
func patient(o receiver.Options) receiver.Options {
	o.HeaderTimeout, o.Timeout = time.Hour, time.Hour
	return o
}

func TestStrangersDoNotKeepOthersOut(t *testing.T) {
	const places = 4
	for name, secret := range map[string]string{
		"nothing":                  rand.Text(),
		"half a request line":      rand.Text(),
		"half a header":            rand.Text(),
		"half a header, no secret": "",
		"an idle POST, no secret":  "",
		"a slow upload, no secret": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := patient(receiver.Options{MaxConns: places, MaxInFlight: 1, NoSecret: secret == ""})
			if secret != "" {
				o.Secrets = []string{secret}
			}
			addr := serve(t, newServer(t, o))
			text, known := strangers[strings.TrimSuffix(name, ", no secret")]
			require.True(t, known)
			for range 2 * places {
				raw(t, addr, text)
			}
			got := send(t, "POST", "http://"+addr+"/webhooks/hook", "{}", "X-Webhook-Secret: "+secret)
			assert.Equal(t, 200, got.Status)
		})
	}
}

// Whoever has shown the secret stays, for as long as an answer is due to him.
func TestStrangersDoNotCloseWhatIsLetIn(t *testing.T) {
	secret := rand.Text()
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	s := receiver.New(patient(receiver.Options{MaxConns: 4, Secrets: []string{secret}, Out: io.Discard}))
	s.Handle("slow", func(context.Context, *payload.Payload) (any, error) {
		entered <- struct{}{}
		<-leave
		return nil, nil
	})
	addr := serve(t, s)
	head := "POST /webhooks/slow HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: " + secret + "\r\nContent-Length: 2\r\n\r\n"
	handled, uploading := raw(t, addr, head+"{}"), raw(t, addr, head+"{")
	<-entered
	for range 8 {
		raw(t, addr, "POST")
	}
	require.Equal(t, 200, send(t, "GET", "http://"+addr+"/", "").Status, "all of them have come")
	close(leave)
	assert.Equal(t, 200, readRaw(t, handled).Status)
	_, err := io.WriteString(uploading, "}")
	require.NoError(t, err)
	assert.Equal(t, 200, readRaw(t, uploading).Status)
}

// A kept connection of the Hub is the last to go.
func TestStrangersGoBeforeIdleConnections(t *testing.T) {
	secret := rand.Text()
	addr := serve(t, newServer(t, patient(receiver.Options{MaxConns: 2, Secrets: []string{secret}})))
	request := "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: " + secret + "\r\nContent-Length: 2\r\n\r\n{}"
	hub := raw(t, addr, request)
	in := bufio.NewReader(hub)
	for range 3 {
		resp, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 200, read(t, resp).Status)
		for range 2 {
			raw(t, addr)
		}
		require.Equal(t, 200, send(t, "GET", "http://"+addr+"/", "").Status, "all of them have come")
		_, err = io.WriteString(hub, request)
		require.NoError(t, err)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	s := receiver.New(receiver.Options{MaxConns: 1, Out: io.Discard})
	s.Handle("slow", func(context.Context, *payload.Payload) (any, error) {
		entered <- struct{}{}
		<-leave
		return nil, nil
	})
	addr := serve(t, s)
	const request = "POST /webhooks/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	first := raw(t, addr, request)
	<-entered
	second := raw(t, addr, request)
	require.NoError(t, second.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := second.Read(make([]byte, 1))
	require.Error(t, err, "it waits")
	require.Empty(t, entered, "and does nothing meanwhile")
	close(leave)
	assert.Equal(t, 200, readRaw(t, first).Status)
	require.NoError(t, second.SetReadDeadline(time.Now().Add(20*time.Second)))
	assert.Equal(t, 200, readRaw(t, second).Status)
}

// More than are let in at once do not keep the server from its end.
func TestEndWhileConnectionsWait(t *testing.T) {
	entered := make(chan struct{}, 1)
	s := receiver.New(receiver.Options{MaxConns: 1, Out: io.Discard, Grace: 50 * time.Millisecond})
	s.Handle("stuck", func(ctx context.Context, _ *payload.Payload) (any, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return nil, nil
	})
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	raw(t, l.Addr().String(), "POST /webhooks/stuck HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	<-entered
	waiting := raw(t, l.Addr().String(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	cancel()
	assert.ErrorContains(t, <-served, "cut off")
	_, _ = io.ReadAll(waiting) // reset or closed: it is over
}

// slowBody is an upload that has come to a halt after its beginning.
type slowBody struct {
	beginning io.Reader
	halted    sync.Once
	halt, end chan struct{}
}

func newSlowBody(beginning string) *slowBody {
	return &slowBody{beginning: strings.NewReader(beginning), halt: make(chan struct{}), end: make(chan struct{})}
}

func (b *slowBody) Read(p []byte) (int, error) {
	if n, err := b.beginning.Read(p); err == nil {
		return n, nil
	}
	b.halted.Do(func() { close(b.halt) })
	<-b.end
	return 0, io.EOF
}

// Large bodies share a room; what is small needs none of it.
func TestLargeBodiesWaitForRoom(t *testing.T) {
	const limit = 1 << 20
	for name, length := range map[string]int64{"announced": limit, "in chunks": -1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New()
				s := receiver.New(receiver.Options{MaxBody: limit, MaxHeld: limit, NoSecret: true, AnyPath: true, Store: store, Dispatcher: noTargets{}})
				post := func(body io.Reader, length int64) *httptest.ResponseRecorder {
					r := httptest.NewRequest("POST", "/webhooks/hook", body)
					r.ContentLength = length
					w := httptest.NewRecorder()
					s.ServeHTTP(w, r)
					return w
				}
				large := `{"a":"` + strings.Repeat("a", 128<<10) + `"}`
				slow := newSlowBody(large)
				var wg sync.WaitGroup
				wg.Go(func() { assert.Equal(t, 200, post(slow, length).Code) })
				<-slow.halt
				assert.Equal(t, 200, post(strings.NewReader("{}"), 2).Code, "small ones are taken")

				started := time.Now()
				got := post(strings.NewReader(large), int64(len(large)))
				assert.Equal(t, 503, got.Code)
				assert.Equal(t, "5", got.Header().Get("Retry-After"))
				assert.Equal(t, 5*time.Second, time.Since(started))

				wg.Go(func() { assert.Equal(t, 200, post(strings.NewReader(large), int64(len(large))).Code, "its turn came") })
				synctest.Wait()
				close(slow.end)
				wg.Wait()
				assert.Equal(t, 200, post(strings.NewReader(large), int64(len(large))).Code, "the room is given back")
				assert.Len(t, kept(t, store), 5)
			})
		})
	}
}

// Hundreds of slow uploads, none of them with more than the beginning of a
// body, hold up nobody.
func TestSlowUploadsHoldNoSlot(t *testing.T) {
	addr := serve(t, newServer(t, patient(receiver.Options{MaxInFlight: 1, NoSecret: true})))
	for range 100 {
		raw(t, addr, "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{")
	}
	assert.Equal(t, 200, send(t, "POST", "http://"+addr+"/webhooks/hook", "{}").Status)
}

// Many connections at once that come, do something and go, among deliveries.
func TestConnectionsComeAndGo(t *testing.T) {
	secret := rand.Text()
	addr := serve(t, newServer(t, receiver.Options{MaxConns: 64, Secrets: []string{secret}}))
	var wg sync.WaitGroup
	for _, text := range strangers {
		wg.Go(func() {
			for range 50 {
				c, err := net.Dial("tcp", addr)
				if assert.NoError(t, err) {
					_, _ = io.WriteString(c, text)
					c.Close()
				}
			}
		})
	}
	for n := range 4 {
		wg.Go(func() {
			for i := range 50 {
				url := fmt.Sprintf("http://%s/webhooks/hook?n=%d.%d", addr, n, i)
				resp, err := trySend(t, "POST", url, "{}", "X-Webhook-Secret: "+secret)
				for err != nil { // it was too slow to show the secret
					resp, err = trySend(t, "POST", url, "{}", "X-Webhook-Secret: "+secret)
				}
				assert.Equal(t, 200, read(t, resp).Status)
			}
		})
	}
	wg.Wait()
}

// What is not let in ends its connection, so that one cannot send a thousand.
func TestStrangersHaveOneRequest(t *testing.T) {
	secret := rand.Text()
	addr := serve(t, newServer(t, receiver.Options{Secrets: []string{secret}, Wrap: func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /probe", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		mux.Handle("/", h)
		return mux
	}}))
	good := "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: " + secret + "\r\nContent-Length: 2\r\n\r\n{}"
	for name, request := range map[string]string{
		"Wrap's":       "GET /probe HTTP/1.1\r\nHost: x\r\n\r\n",
		"landing page": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"no such path": "GET /x HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET":          "GET /webhooks/hook HTTP/1.1\r\nHost: x\r\n\r\n",
		"no secret":    "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
		"wrong secret": "POST /webhooks/hook?secret=x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
	} {
		t.Run(name, func(t *testing.T) {
			c := raw(t, addr, good+good+strings.Repeat(request, 10)+good)
			in := bufio.NewReader(c)
			var statuses []int
			for {
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					break
				}
				statuses = append(statuses, read(t, resp).Status)
			}
			require.Len(t, statuses, 3)
			assert.Equal(t, []int{200, 200}, statuses[:2])
		})
	}
}

// A flood of what is refused is no flood of words, and each is counted.
func TestRefusalsAreToldSeldom(t *testing.T) {
	for name, store := range map[string]replay.Store{"GET": memory.New(), "POST": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log lockedBuffer
				o := receiver.Options{Secrets: []string{rand.Text()}, Log: slog.New(slog.NewTextHandler(&log, nil))}
				if store != nil {
					o.Store, o.Dispatcher, o.AnyPath = store, noTargets{}, true
				}
				s, path := newServer(t, o), "/webhooks/hook"
				if store != nil {
					path = "/favicon.ico" // under /webhooks/ it is kept
				}
				for range 3 {
					for range 100 {
						assert.Contains(t, []int{401, 405}, record(s, name, path, "{}").Code)
					}
					time.Sleep(time.Second)
				}
				require.NoError(t, s.Shutdown(t.Context()))
				assert.Equal(t, 3, strings.Count(log.String(), `msg="request refused"`), log.String())
				assert.Contains(t, log.String(), "more=99")
				assert.Contains(t, log.String(), `msg="more requests refused" count=99`)
			})
		})
	}
}
