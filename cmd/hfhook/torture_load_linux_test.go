package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// load is the Hub: a few repos whose deliveries come one after the other, and
// again while they are not acknowledged.
type load struct {
	url    atomic.Pointer[string] // where deliveries go just now
	client *http.Client
	// giveUp has a repo go on with its next delivery when one was not
	// acknowledged, every so often, in place of sending it again.
	giveUp float64
	// noted is told of each acknowledgement, before it counts. Set it before
	// point. May be nil.
	noted func(id string)

	mu           sync.Mutex
	sent         map[string][sha256.Size]byte // by Webhook-Id
	acknowledged map[string]bool
	news         chan struct{} // closed and replaced with each acknowledgement
	statuses     map[int]int
	slowest      time.Duration // until an acknowledgement

	stop    context.CancelFunc
	senders sync.WaitGroup
}

// webhookID names the nth delivery of a repo.
func webhookID(repo, n int) string { return fmt.Sprintf("repo%03d-%06d", repo, n) }

// startLoad begins to send the deliveries of that many repos, to whatever point
// names.
func startLoad(t testing.TB, repos int, giveUp float64, chance func(n int) *rand.Rand) *load {
	t.Helper()
	sample := samples(t)["repo.content.update.model.commit.composed.json"]
	l := &load{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: repos}, Timeout: patience}, giveUp: giveUp,
		sent: map[string][sha256.Size]byte{}, acknowledged: map[string]bool{}, news: make(chan struct{}), statuses: map[int]int{},
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	for repo := range repos {
		luck := chance(1000 + repo)
		l.senders.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := webhookID(repo, n)
				body := bytes.Replace(sample, []byte("some-user/some-repo"), fmt.Appendf(nil, "some-user/repo%03d", repo), 1)
				body = bytes.Replace(body, []byte(`"event"`), fmt.Appendf(nil, `"note":"%0*d","event"`, 1+luck.IntN(4000), n), 1)
				l.send(ctx, luck, id, body)
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

// send posts a delivery until it is acknowledged, or given up.
func (l *load) send(ctx context.Context, luck *rand.Rand, id string, body []byte) {
	l.mu.Lock()
	l.sent[id] = sha256.Sum256(body)
	l.mu.Unlock()
	for ctx.Err() == nil {
		url := l.url.Load()
		if url != nil && l.post(ctx, *url, id, body) {
			return
		}
		if url != nil && luck.Float64() < l.giveUp {
			return
		}
		select { // not as fast as can be, while nobody listens
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
}

func (l *load) post(ctx context.Context, url, id string, body []byte) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Header.Set(replay.HeaderWebhookID, id)
	request.Header.Set("Content-Type", "application/json")
	began := time.Now()
	answer, err := l.client.Do(request)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if l.noted != nil && answer.StatusCode == http.StatusOK {
		l.noted(id)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[answer.StatusCode]++
	if answer.StatusCode != http.StatusOK {
		return false
	}
	l.slowest = max(l.slowest, time.Since(began))
	l.acknowledged[id] = true
	close(l.news)
	l.news = make(chan struct{})
	return true
}

// point has deliveries sent to url from now on; to nobody when it is empty.
func (l *load) point(url string) {
	if url == "" {
		l.url.Store(nil)
		return
	}
	l.url.Store(&url)
}

// count is how many deliveries were acknowledged so far.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// await waits until n deliveries were acknowledged.
func (l *load) await(t testing.TB, n int) {
	t.Helper()
	late := time.After(patience)
	for {
		l.mu.Lock()
		got, news := len(l.acknowledged), l.news
		l.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-news:
		case <-late:
			l.mu.Lock()
			statuses := maps.Clone(l.statuses)
			l.mu.Unlock()
			t.Fatalf("%d of %d deliveries were acknowledged; answers: %v", got, n, statuses)
		}
	}
}

// sum is that of a body that was sent.
func (l *load) sum(id string) ([sha256.Size]byte, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum, ok := l.sent[id]
	return sum, ok
}

// end stops sending and waits for it.
func (l *load) end() {
	l.stop()
	l.senders.Wait()
	l.client.CloseIdleConnections()
}
