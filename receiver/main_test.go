package receiver_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childStore); path != "" {
		panic(child(path)) // it is killed before it ends
	}
	for _, name := range []string{"WEBHOOK_SECRET", "SPACE_ID", "SPACE_HOST", "PORT"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// ok is a handler that does nothing.
func ok(context.Context, *payload.Payload) (any, error) { return nil, nil }

// newServer makes a server with one endpoint, "hook", that says little.
func newServer(t *testing.T, o receiver.Options) *receiver.Server {
	t.Helper()
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := receiver.New(o)
	if o.Dispatcher == nil {
		s.Handle("hook", ok)
	}
	return s
}

// serve runs s on a free port until the test ends, and gives its address.
func serve(t *testing.T, s *receiver.Server) string {
	t.Helper()
	l := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

// Names of sample bodies.
const (
	commit  = "repo.content.update.model.commit.composed.json"
	hostile = "discussion.comment.create.model.hostile-text.composed.json"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../payload/testdata/" + name)
	require.NoError(t, err)
	return string(b)
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// send makes one request on a connection of its own. Headers are "Name: value".
func send(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	resp, err := trySend(t, method, url, body, headers...)
	require.NoError(t, err)
	return read(t, resp)
}

func trySend(t *testing.T, method, url, body string, headers ...string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	req.Close = true
	return http.DefaultTransport.RoundTrip(req)
}

func read(t *testing.T, resp *http.Response) answer {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// raw writes bytes to a connection and leaves it open.
func raw(t *testing.T, addr string, parts ...string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	for _, part := range parts {
		_, err = io.WriteString(c, part)
		require.NoError(t, err)
	}
	return c
}

func readRaw(t *testing.T, c net.Conn) answer {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	return read(t, resp)
}

// kept gives all deliveries of a store.
func kept(t *testing.T, store replay.Store) []*replay.Delivery {
	t.Helper()
	var all []*replay.Delivery
	for d, err := range store.List(t.Context(), replay.Filter{}) {
		require.NoError(t, err)
		all = append(all, d)
	}
	return all
}

// keptOne gives the only delivery of a store once its answer was noted, which
// happens after the sender has it.
func keptOne(t *testing.T, store replay.Store) *replay.Delivery {
	t.Helper()
	require.Eventually(t, func() bool {
		all := kept(t, store)
		return len(all) == 1 && all[0].Arrivals[0].Answer != 0
	}, 10*time.Second, time.Millisecond)
	return kept(t, store)[0]
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
