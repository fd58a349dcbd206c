package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// storeOf keeps n deliveries in a new store.
func storeOf(t *testing.T, n int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), file, sqlite.Options{})
	require.NoError(t, err)
	defer s.Close()
	for i := range n {
		_, err := s.Append(t.Context(), replay.Incoming{
			Delivery: replay.Delivery{WebhookID: fmt.Sprint("w", i), Method: "POST", Path: "/", Verdict: replay.Accepted, Summary: fmt.Sprint("delivery ", i+1)},
			Arrival:  replay.Arrival{Time: time.Now()},
		})
		require.NoError(t, err)
	}
	return file
}

func TestALongReplayShowsABarOnATerminal(t *testing.T) {
	var asked atomic.Int32
	goOn := make(chan struct{})
	handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if asked.Add(1) > 3 {
			<-goOn
		}
	}))
	defer handler.Close()
	p, _ := onTerminal(t, nil, "replay", "--store", storeOf(t, 10), "--to", handler.URL, "1..last")
	_, err := p.await(&p.err, `\r\[#########-+\]  3/10  \S+/s  ETA \S+\x1b\[K`, 2)
	require.NoError(t, err, "no bar, or it is not drawn again")
	close(goOn)
	_, err = p.await(&p.err, `^(?:.*\r)?\x1b\[Ksent     10: 10 ok, in `, 1)
	require.NoError(t, err, "the bar is not taken away before the summary")
	code, err := p.end(nil)
	require.NoError(t, err)
	assert.Zero(t, code)
	assert.NotContains(t, p.out.String(), "\x1b", "nothing of it is data")
	assert.Equal(t, 11, strings.Count(p.out.String(), "\n"))
}
