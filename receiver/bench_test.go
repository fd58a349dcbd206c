package receiver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/receivertest"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// BenchmarkReceive posts 2 KB over 64 connections that are kept alive: to a
// handler that only reads the body, which is the floor, to one behind the
// receiver, and to receivers with a store.
func BenchmarkReceive(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		benchmarkHTTP(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				b.Error(err)
			}
			_, _ = io.WriteString(w, "{}")
		}))
	})
	b.Run("handler", func(b *testing.B) { benchmarkReceiver(b, receiver.Options{}) })
	b.Run("memory", func(b *testing.B) { benchmarkStore(b, memory.New()) })
	b.Run("sqlite", func(b *testing.B) {
		store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "store"), sqlite.Options{})
		require.NoError(b, err)
		defer func() { require.NoError(b, store.Close()) }()
		benchmarkStore(b, store)
	})
}

// benchmarkStore is the receiver in front of a store that nothing empties.
func benchmarkStore(b *testing.B, store replay.Store) {
	benchmarkReceiver(b, receiver.Options{Store: store, Dispatcher: noTargets{}, AnyPath: true})
}

const benchmarkSecret = "not a secret"

func benchmarkReceiver(b *testing.B, o receiver.Options) {
	o.Secrets, o.Out = []string{benchmarkSecret}, io.Discard
	s := receiver.New(o)
	if o.Dispatcher == nil {
		s.Handle("hook", func(_ context.Context, p *payload.Payload) (any, error) { return nil, nil })
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	load(b, l.Addr().String())
	cancel()
	require.NoError(b, <-served)
}

func benchmarkHTTP(b *testing.B, h http.Handler) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	s := &http.Server{Handler: h}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	load(b, l.Addr().String())
	require.NoError(b, s.Close())
	<-served
}

// load spends as little as it can, since it shares the processors: the request
// is the same bytes each time, and every answer as long as the first one.
func load(b *testing.B, addr string) {
	request := []byte(benchmarkRequest(b))
	b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		var answer []byte
		for pb.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			if answer == nil {
				answer = make([]byte, answerLength(b, c))
				continue
			}
			if _, err := io.ReadFull(c, answer); err != nil || string(answer[:15]) != "HTTP/1.1 200 OK" {
				b.Errorf("answer %q, error %v", answer, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

// answerLength reads one answer to a request that is waited for.
func answerLength(b *testing.B, c net.Conn) int {
	counted := &countingReader{r: c}
	resp, err := http.ReadResponse(bufio.NewReader(counted), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err != nil {
		b.Error(err)
	}
	return counted.n
}

type countingReader struct {
	r io.Reader
	n int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.n += n
	return n, err
}

// benchmarkRequest is a POST of 2 KB: a comment of usual length.
func benchmarkRequest(b *testing.B) string {
	p := receivertest.CommentPosted("")
	body, err := json.Marshal(receivertest.CommentPosted(strings.Repeat("word ", 400)[:2048-len(p.Raw)]))
	require.NoError(b, err)
	require.Len(b, body, 2048)
	return fmt.Sprintf("POST /webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"X-Webhook-Secret: %s\r\nContent-Length: %d\r\n\r\n%s", benchmarkSecret, len(body), body)
}
