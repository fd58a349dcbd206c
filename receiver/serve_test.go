package receiver_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestRunOnATakenAddress(t *testing.T) {
	l := listen(t)
	defer l.Close()
	s := newServer(t, receiver.Options{Listen: l.Addr().String(), Store: memory.New()}) // would need a dispatcher
	err := s.Run(t.Context())
	assert.ErrorIs(t, err, receiver.ErrAddrInUse)
	assert.EqualError(t, err, "listen on "+l.Addr().String()+": the address is in use")
}

func TestRunSaysWhereItListens(t *testing.T) {
	var out lockedBuffer
	ctx, cancel := context.WithCancel(t.Context())
	s := newServer(t, receiver.Options{Listen: "127.0.0.1:0", Out: &out})
	s.Handle("a/b", ok)
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	require.Eventually(t, func() bool { return out.String() != "" }, 10*time.Second, time.Millisecond)
	text := out.String()
	addr, _, _ := strings.Cut(strings.TrimPrefix(text, "Listening on "), "\n")
	assert.Equal(t, "Listening on "+addr+`

  POST http://`+addr+`/webhooks/a/b
  POST http://`+addr+`/webhooks/hook

Enter the URL at https://huggingface.co/settings/webhooks
The Hub cannot reach an address of this machine: it needs a public URL.
No secret is set: everybody who knows the URL is let in. Set WEBHOOK_SECRET, here and at the Hub.
`, text)
	assert.Equal(t, 200, send(t, "POST", "http://"+addr+"/webhooks/a/b", "{}").Status)
	cancel()
	assert.NoError(t, <-done)
}

func TestStartMessage(t *testing.T) {
	public, err := url.Parse("https://x.example/base")
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		o    receiver.Options
		want string
	}{
		"public": {receiver.Options{PublicURL: func() *url.URL { return public }, Secrets: []string{"s"}},
			"  POST https://x.example/base/webhooks/hook\n\nEnter the URL at https://huggingface.co/settings/webhooks\n"},
		"any path": {receiver.Options{PublicURL: func() *url.URL { return public }, Secrets: []string{"s"}, AnyPath: true},
			"  POST https://x.example/base/webhooks/hook\n  POST to any path of https://x.example/base/\n\nEnter"},
		"no public one yet": {receiver.Options{PublicURL: func() *url.URL { return nil }, Secrets: []string{"s"}},
			"it needs a public URL.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out lockedBuffer
			tt.o.Out = &out
			serve(t, newServer(t, tt.o))
			require.Eventually(t, func() bool { return out.String() != "" }, 10*time.Second, time.Millisecond)
			assert.Contains(t, out.String(), tt.want)
			assert.NotContains(t, out.String(), "No secret")
		})
	}
}

func TestSpace(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)

	t.Setenv("SPACE_ID", "Acme/Hooks")
	t.Setenv("SPACE_HOST", "Acme-Hooks.hf.space/")
	t.Setenv("PORT", port)
	var out lockedBuffer
	s := newServer(t, receiver.Options{Out: &out})
	assert.EqualError(t, s.Run(t.Context()), "listen on 0.0.0.0:"+port+": the address is in use")

	serve(t, s)
	require.Eventually(t, func() bool { return out.String() != "" }, 10*time.Second, time.Millisecond)
	assert.Contains(t, out.String(), "  POST https://acme-hooks.hf.space/webhooks/hook\n")
	assert.NotContains(t, out.String(), "cannot reach")
	page := record(s, "GET", "/", "")
	assert.Contains(t, page.Body.String(), "https://acme-hooks.hf.space/webhooks/hook")
	assert.Contains(t, page.Header().Get("Content-Security-Policy"), "frame-ancestors https://huggingface.co")

	for _, bad := range []string{"0", "x", "70000", "-1"} {
		t.Setenv("PORT", bad)
		assert.EqualError(t, newServer(t, receiver.Options{}).Run(t.Context()), `PORT is "`+bad+`", which is no port`)
	}
}

// A request under way when the end comes is answered; a new one is not taken.
func TestGracefulEnd(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := receiver.New(receiver.Options{Out: &lockedBuffer{}})
	s.Handle("slow", func(ctx context.Context, _ *payload.Payload) (any, error) {
		close(entered)
		<-leave
		return "done", ctx.Err()
	})
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	c := raw(t, l.Addr().String(), "POST /webhooks/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	<-entered
	cancel()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			c.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond)
	select {
	case err := <-served:
		t.Fatal("ended before the answer:", err)
	default:
	}
	close(leave)
	got := readRaw(t, c)
	assert.Equal(t, 200, got.Status)
	assert.Equal(t, `"done"`, got.Body)
	assert.NoError(t, <-served)
	assert.ErrorIs(t, s.Serve(t.Context(), listen(t)), http.ErrServerClosed, "it is over for good")
}

func TestHandlerThatDoesNotEndIsCutOff(t *testing.T) {
	entered := make(chan struct{})
	s := receiver.New(receiver.Options{Out: &lockedBuffer{}, Grace: 10 * time.Millisecond})
	s.Handle("stuck", func(ctx context.Context, _ *payload.Payload) (any, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	raw(t, l.Addr().String(), "POST /webhooks/stuck HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	<-entered
	cancel()
	assert.ErrorContains(t, <-served, "requests under way were cut off")
}

func TestShutdownEndsEveryServe(t *testing.T) {
	s := newServer(t, receiver.Options{})
	served := make(chan error, 2)
	for range 2 {
		l := listen(t)
		go func() { served <- s.Serve(context.Background(), l) }()
		assert.Equal(t, 200, send(t, "POST", "http://"+l.Addr().String()+"/webhooks/hook", "{}").Status)
	}
	assert.NoError(t, s.Shutdown(t.Context()))
	assert.NoError(t, <-served)
	assert.NoError(t, <-served)
	assert.NoError(t, s.Shutdown(t.Context()), "again")
}

type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, errors.New("tunnel is gone") }

func TestListenerThatFails(t *testing.T) {
	l := brokenListener{listen(t)}
	err := newServer(t, receiver.Options{}).Serve(t.Context(), l)
	assert.EqualError(t, err, "serve "+l.Addr().String()+": tunnel is gone")
}

func TestOddOptions(t *testing.T) {
	for want, o := range map[string]receiver.Options{
		"option MaxBody is negative":                  {MaxBody: -1},
		"option AckTimeout is negative":               {AckTimeout: -1},
		"a Dispatcher needs a Store":                  {Dispatcher: noTargets{}},
		`option Ack is "x", not "store" or "handler"`: {Ack: "x"},
	} {
		assert.EqualError(t, receiver.New(o).Err(), want)
	}
}

func TestWrapIsAroundWhatIsServed(t *testing.T) {
	addr := serve(t, newServer(t, receiver.Options{Wrap: func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		mux.Handle("/", h)
		return mux
	}}))
	assert.Equal(t, 204, send(t, "GET", "http://"+addr+"/healthz", "").Status)
	assert.Equal(t, 200, send(t, "POST", "http://"+addr+"/webhooks/hook", "{}").Status)
}

func TestDefaultServerTellsItsErrors(t *testing.T) {
	receiver.Handle("hook", ok)
	receiver.Handle("hook", ok)
	assert.ErrorContains(t, receiver.Run(t.Context()), `handle "hook": /webhooks/hook has a handler already`)
}

func TestShutdownBeforeTheStart(t *testing.T) {
	s := newServer(t, receiver.Options{Listen: "127.0.0.1:0"})
	assert.NoError(t, s.Shutdown(t.Context()))
	assert.ErrorIs(t, s.Serve(t.Context(), listen(t)), http.ErrServerClosed)
	assert.ErrorIs(t, s.Run(t.Context()), http.ErrServerClosed)
}

// Who reads nothing of an answer does not keep the server from its end.
func TestSenderThatDoesNotReadIsDropped(t *testing.T) {
	s := receiver.New(receiver.Options{Out: &lockedBuffer{}, Timeout: 50 * time.Millisecond})
	s.Handle("hook", func(context.Context, *payload.Payload) (any, error) { return strings.Repeat("a", 16<<20), nil })
	l := listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background(), l) }()
	c := raw(t, l.Addr().String(), "POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	_, err := c.Read(make([]byte, 1))
	require.NoError(t, err, "the answer has begun")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	assert.NoError(t, s.Shutdown(ctx))
	assert.NoError(t, <-served)
}
