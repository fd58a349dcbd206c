//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// startDev starts hfhook dev with records on a free port and gives its URL.
func startDev(t testing.TB, home string, flags ...string) (*process, readyRecord) {
	t.Helper()
	args := append([]string{"dev", "--json", "--listen", "127.0.0.1:0"}, flags...)
	p := startHFHook(t, home, args...)
	line, err := p.await(&p.out, `^{"v":1,"type":"ready".*$`, 1)
	require.NoError(t, err)
	var ready readyRecord
	require.NoError(t, json.Unmarshal([]byte(line[0]), &ready))
	return p, ready
}

func TestEverySampleIsAnsweredToldAndKept(t *testing.T) {
	home := t.TempDir()
	p, ready := startDev(t, home, "--tunnel", "none", "--no-secret")
	sums := map[string][32]byte{} // by Webhook-Id
	for name, body := range samples(t) {
		request, err := http.NewRequest(http.MethodPost, ready.Local, bytes.NewReader(body))
		require.NoError(t, err)
		request.Header.Set(replay.HeaderWebhookID, name)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		answer.Body.Close()
		assert.Equal(t, http.StatusOK, answer.StatusCode, name)
		sums[name] = sha256.Sum256(body)
	}
	_, err := p.await(&p.out, `"type":"delivery"`, len(sums))
	require.NoError(t, err)
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	require.Zero(t, code)

	list := startHFHook(t, home, "inspect", "--json", "--limit", "0")
	<-list.exited
	seen := 0
	for line := range strings.Lines(list.out.String()) {
		var r deliveryRecord
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		assert.NotEmpty(t, r.Summary, r.WebhookID)
		body := startHFHook(t, home, "inspect", "--body", fmt.Sprint(r.ID))
		<-body.exited
		assert.Equal(t, sums[r.WebhookID], sha256.Sum256([]byte(body.out.String())), r.WebhookID)
		seen++
	}
	assert.Equal(t, len(sums), seen)
}

// TestKillLosesNothingAcknowledged kills dev in the middle of a load of 64
// connections, again and again, on one store.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	const kills, connections = 20, 64
	home := t.TempDir()
	store := filepath.Join(home, "store.db")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	t.Cleanup(client.CloseIdleConnections)
	sample := samples(t)["repo.content.update.model.commit.composed.json"]

	acknowledged := map[string][32]byte{} // Webhook-Id to the body's sum
	var mu sync.Mutex
	for round := range kills {
		p, ready := startDev(t, home, "--tunnel", "none", "--no-secret", "--store", store, "--keep", "1000000,8GiB")
		enough := make(chan struct{}, 1)
		var posters sync.WaitGroup
		want := 50 + rand.IntN(400) // acknowledged before the kill
		got := 0
		for c := range connections {
			posters.Go(func() {
				for i := 0; ; i++ {
					id := fmt.Sprintf("r%d-c%d-%d", round, c, i)
					body := bytes.Replace(sample, []byte("some-user/some-repo"), []byte("some-user/"+id), 1)
					request, err := http.NewRequest(http.MethodPost, ready.Local, bytes.NewReader(body))
					if err != nil {
						return
					}
					request.Header.Set(replay.HeaderWebhookID, id)
					answer, err := client.Do(request)
					if err != nil {
						return // killed
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
					if answer.StatusCode != http.StatusOK {
						continue
					}
					mu.Lock()
					acknowledged[id] = sha256.Sum256(body)
					if got++; got == want {
						enough <- struct{}{}
					}
					mu.Unlock()
				}
			})
		}
		select {
		case <-enough:
		case <-time.After(patience):
			t.Fatal("too few deliveries were acknowledged")
		}
		_, err := p.end(os.Kill)
		require.NoError(t, err)
		posters.Wait()
	}

	db, err := sql.Open("sqlite", store)
	require.NoError(t, err)
	var verdict string
	require.NoError(t, db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	assert.Equal(t, "ok", verdict)
	require.NoError(t, db.Close())

	kept, err := sqlite.Open(t.Context(), store, sqlite.Options{})
	require.NoError(t, err)
	defer kept.Close()
	for d, err := range kept.List(t.Context(), replay.Filter{}) {
		require.NoError(t, err)
		if sum, ok := acknowledged[d.WebhookID]; ok {
			assert.Equal(t, sum, sha256.Sum256(d.Body), d.WebhookID)
			delete(acknowledged, d.WebhookID)
		}
	}
	assert.Empty(t, acknowledged, "acknowledged, but not kept")
}
