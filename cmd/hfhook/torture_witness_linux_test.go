package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// witness is the handler of a user: it remembers what it was sent, in which
// order, and says its number in each answer, so that it can be told which of
// them were kept.
type witness struct {
	url string
	// answers decides the status of an answer; nil: always 200. 0: the connection
	// ends without one.
	answers func(id string, number int) int

	address string
	server  *http.Server
	serving sync.WaitGroup

	mu   sync.Mutex
	run  int
	seen []sending
	bad  []string // bodies that nobody sent
	sums func(id string) ([sha256.Size]byte, bool)

	heard chan struct{} // closed with the next one
}

// sending is one request that the witness got.
type sending struct {
	number int // from 1
	run    int // in which each repo begins anew
	id     string
	status int
}

func startWitness(t testing.TB, answers func(id string, number int) int) *witness {
	t.Helper()
	w := &witness{answers: answers}
	require.NoError(t, w.listen("127.0.0.1:0"))
	w.url = "http://" + w.address + "/hook"
	t.Cleanup(w.close)
	return w
}

// listen is up again at address.
func (w *witness) listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	w.address = listener.Addr().String()
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: patience}
	w.serving.Go(func() { _ = w.server.Serve(listener) })
	return nil
}

// close refuses connections and cuts those that there are.
func (w *witness) close() {
	_ = w.server.Close()
	w.serving.Wait()
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it was killed while sending
	}
	id := r.Header.Get(replay.HeaderWebhookID)
	w.mu.Lock()
	if w.sums != nil {
		if sum, ok := w.sums(id); !ok || sum != sha256.Sum256(body) {
			w.bad = append(w.bad, id)
		}
	}
	number, status := len(w.seen)+1, http.StatusOK
	if w.answers != nil {
		status = w.answers(id, number)
	}
	w.seen = append(w.seen, sending{number, w.run, id, status})
	if w.heard != nil {
		close(w.heard)
		w.heard = nil
	}
	w.mu.Unlock()
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	rw.WriteHeader(status)
	fmt.Fprint(rw, number)
}

// count is how many requests there were so far, and what is closed with the next
// one.
func (w *witness) count() (int, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.heard == nil {
		w.heard = make(chan struct{})
	}
	return len(w.seen), w.heard
}

// await waits until there were n requests, or until the program has ended.
func (w *witness) await(t testing.TB, n int, p *process) {
	t.Helper()
	late := time.After(patience)
	for {
		got, heard := w.count()
		if got >= n {
			return
		}
		select {
		case <-heard:
		case <-p.exited:
			return
		case <-late:
			t.Fatalf("the handler got %d of %d requests", got, n)
		}
	}
}

// begin has a run begin, in which each repo's deliveries begin anew.
func (w *witness) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run++
}

// toll is what came of what was sent: Webhook-Ids.
type toll struct {
	acknowledged int
	waiting      int // still queued
	lost         []string
	doubled      []string
	disordered   []string
}

// judge looks at what is kept and at what the handler was sent. Only attempts
// of this kind count.
func judge(t testing.TB, store string, l *load, w *witness, kind replay.Kind) (o toll) {
	t.Helper()
	kept, err := sqlite.Open(t.Context(), store, sqlite.Options{})
	require.NoError(t, err)
	defer kept.Close()

	l.mu.Lock()
	defer l.mu.Unlock()
	missing := make(map[string]bool, len(l.acknowledged))
	for id := range l.acknowledged {
		missing[id] = true
	}
	o.acknowledged = len(missing)
	success := map[string]int{} // the witness's number of the last success that is kept
	again := map[string]int{}   // how often a delivery was asked for once more
	place := map[string]int64{}
	for d, err := range kept.List(t.Context(), replay.Filter{}) {
		require.NoError(t, err)
		if d.Verdict == replay.Rejected { // cut off on its way, and answered so
			continue
		}
		if sum, ok := l.sent[d.WebhookID]; !ok || sum != sha256.Sum256(d.Body) {
			o.lost = append(o.lost, d.WebhookID)
		}
		if _, twice := place[d.WebhookID]; twice {
			o.doubled = append(o.doubled, d.WebhookID)
		}
		delete(missing, d.WebhookID)
		place[d.WebhookID] = d.ID
		o.waiting += len(d.Queued)
		for _, a := range d.Arrivals {
			if a.Repeat == replay.Replay {
				again[d.WebhookID]++
			}
		}
		successes := 0
		for _, a := range d.Attempts {
			if a.OK() && a.Kind == kind {
				successes++
				number, err := strconv.Atoi(string(a.Body))
				require.NoError(t, err, "the answer that is kept is the witness's")
				success[d.WebhookID] = max(success[d.WebhookID], number)
			}
		}
		if successes > 1+again[d.WebhookID] {
			o.doubled = append(o.doubled, d.WebhookID)
		}
	}
	for id := range missing {
		o.lost = append(o.lost, id)
	}
	if w == nil {
		return o
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(t, w.bad, "other bytes than were sent reached the handler")
	newest, run := map[string]int64{}, 0 // per repo
	for _, s := range w.seen {
		if s.run != run {
			clear(newest)
			run = s.run
		}
		if kept := success[s.id]; kept != 0 && s.number > kept {
			o.doubled = append(o.doubled, s.id)
		}
		if again[s.id] > 0 {
			continue // it comes a second time, after others
		}
		repo := s.id[:len("repo000")]
		if place[s.id] < newest[repo] {
			o.disordered = append(o.disordered, s.id)
		}
		newest[repo] = max(newest[repo], place[s.id])
	}
	return o
}

// assertAllSent finds deliveries that were never sent.
func assertAllSent(t testing.TB, store string) {
	t.Helper()
	kept, err := sqlite.Open(t.Context(), store, sqlite.Options{})
	require.NoError(t, err)
	defer kept.Close()
	never := replay.Filter{Attempts: []replay.AttemptStatus{"none"}, Verdicts: []replay.Verdict{replay.Accepted}}
	for d, err := range kept.List(t.Context(), never) {
		require.NoError(t, err)
		assert.Fail(t, "never sent", "#%d %s", d.ID, d.WebhookID)
	}
}

// drained waits until nothing is queued in a store any more, for as long as the
// witness gets some of it.
func drained(t testing.TB, store string, w *witness) {
	t.Helper()
	kept, err := sqlite.Open(t.Context(), store, sqlite.Options{})
	require.NoError(t, err)
	defer kept.Close()
	queued := func() bool {
		for _, err := range kept.List(t.Context(), replay.Filter{Queued: w.url, Limit: 1}) {
			require.NoError(t, err)
			return true
		}
		return false
	}
	got, _ := w.count()
	late := time.Now().Add(patience)
	for queued() {
		if n, _ := w.count(); n > got {
			got, late = n, time.Now().Add(patience)
		}
		require.True(t, time.Now().Before(late), "deliveries wait though the handler is up")
		time.Sleep(20 * time.Millisecond) // the store has no news of other processes that is cheaper
	}
}
