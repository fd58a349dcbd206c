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
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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
// receiver, and to receivers with a store. With sqlite, the same deliveries go
// to the store alone first, from as many writers. In sqlite+handler a handler
// runs for each, from the dispatcher; what it could not do by the end of the
// load is reported as waiting.
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
	b.Run("memory", func(b *testing.B) {
		benchmarkReceiver(b, receiver.Options{Store: memory.New(), Dispatcher: noTargets{}, AnyPath: true})
	})
	b.Run("store-alone", func(b *testing.B) { benchmarkAppend(b, benchmarkSQLite(b)) })
	b.Run("sqlite", func(b *testing.B) {
		benchmarkReceiver(b, receiver.Options{Store: benchmarkSQLite(b), Dispatcher: noTargets{}, AnyPath: true})
	})
	b.Run("sqlite+handler", func(b *testing.B) {
		store := benchmarkSQLite(b)
		benchmarkReceiver(b, receiver.Options{Store: store})
		waiting := 0
		for _, err := range store.List(b.Context(), replay.Filter{Queued: "handlers"}) {
			require.NoError(b, err)
			waiting++
		}
		b.ReportMetric(float64(waiting)/float64(b.N), "waiting/op")
	})
}

// benchmarkSQLite is a store that keeps everything, as durable as can be.
func benchmarkSQLite(b *testing.B) replay.Store {
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "store"), sqlite.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	return store
}

// benchmarkAppend is what the receiver asks of a store, and nothing else.
func benchmarkAppend(b *testing.B, store replay.Store) {
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(benchmarkRequest(b))))
	require.NoError(b, err)
	body, err := io.ReadAll(request.Body)
	require.NoError(b, err)
	p, err := payload.Decode(body)
	require.NoError(b, err)
	b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
	took := newTimes(b.N)
	var writers atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		id := newWebhookID(writers.Add(1))
		for pb.Next() {
			d := replay.NewDelivery(request, body)
			d.Describe(p)
			d.WebhookID, d.Verdict = id.next(), replay.Accepted
			start := time.Now()
			r, err := store.Append(b.Context(), replay.Incoming{Delivery: d, Arrival: replay.Arrival{Time: start}})
			if err == nil {
				err = store.Answered(b.Context(), r.Arrival.ID, http.StatusOK)
			}
			took.add(time.Since(start))
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	took.report(b)
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
// is the same bytes each time but for its Webhook-Id and, for each connection,
// its repo; and every answer as long as the first one.
func load(b *testing.B, addr string) {
	text := benchmarkRequest(b)
	at := strings.Index(text, webhookIDPlace)
	b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	took := newTimes(b.N)
	var connections atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		writer := connections.Add(1)
		id, request := newWebhookID(writer), []byte(ofRepo(text, writer))
		var answer []byte
		for pb.Next() {
			copy(request[at:], id.next())
			start := time.Now()
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
			took.add(time.Since(start))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	took.report(b)
}

// webhookID counts up in a text that is always as long as webhookIDPlace.
type webhookID struct{ writer, n int64 }

const (
	webhookIDPlace = "writer00-00000000"
	repoPlace      = "some-user/some-repo"
)

// ofRepo gives a request the repo of a writer, whose name is as long.
func ofRepo(request string, writer int64) string {
	return strings.Replace(request, repoPlace, fmt.Sprintf("some-user/repo-%04d", writer%10_000), 1)
}

func newWebhookID(writer int64) *webhookID { return &webhookID{writer: writer % 100} }

func (w *webhookID) next() string {
	w.n++
	return fmt.Sprintf("writer%02d-%08d", w.writer, w.n)
}

// times are how long each request took.
type times struct {
	all []time.Duration
	n   atomic.Int64
}

func newTimes(n int) *times { return &times{all: make([]time.Duration, n)} }

func (t *times) add(d time.Duration) { t.all[t.n.Add(1)-1] = d }

func (t *times) report(b *testing.B) {
	all := t.all[:t.n.Load()]
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
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
		"Webhook-Id: %s\r\nX-Webhook-Secret: %s\r\nContent-Length: %d\r\n\r\n%s", webhookIDPlace, benchmarkSecret, len(body), body)
}
