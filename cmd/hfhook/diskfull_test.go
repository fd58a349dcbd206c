//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hfhook/hfhook/replay"
)

// TestAFullDiskAcknowledgesNothing takes the room to write away from a running
// hfhook dev, and gives it back.
func TestAFullDiskAcknowledgesNothing(t *testing.T) {
	home := t.TempDir()
	store := filepath.Join(home, "store.db")
	p, ready := startDev(t, home, "--tunnel", "none", "--no-secret", "--store", store)
	body := bytes.Replace(samples(t)["repo.content.update.model.commit.composed.json"],
		[]byte(`"event"`), fmt.Appendf(nil, `"note":%q,"event"`, bytes.Repeat([]byte("x"), 64<<10)), 1)
	post := func(id string) int {
		request, err := http.NewRequest(http.MethodPost, ready.Local, bytes.NewReader(body))
		require.NoError(t, err)
		request.Header.Set(replay.HeaderWebhookID, id)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		answer.Body.Close()
		return answer.StatusCode
	}
	require.Equal(t, http.StatusOK, post("before"))

	wal, err := os.Stat(store + "-wal")
	require.NoError(t, err)
	limitFileSize(t, p, uint64(wal.Size()))
	assert.Equal(t, http.StatusServiceUnavailable, post("full"))
	_, err = p.await(&p.out, `"type":"warning".*not stored`, 1)
	require.NoError(t, err, "dev says so")

	limitFileSize(t, p, unix.RLIM_INFINITY)
	require.Equal(t, http.StatusOK, post("full"), "dev goes on by itself")
	code, err := p.end(os.Interrupt)
	require.NoError(t, err)
	require.Zero(t, code)

	list := startHFHook(t, home, "inspect", "--json", "--store", store)
	<-list.exited
	var ids []string
	for decoder := json.NewDecoder(bytes.NewReader([]byte(list.out.String()))); decoder.More(); {
		var r deliveryRecord
		require.NoError(t, decoder.Decode(&r))
		ids = append(ids, r.WebhookID)
		assert.Len(t, r.Arrivals, 1, "what was not acknowledged was not kept")
	}
	assert.Equal(t, []string{"before", "full"}, ids)
}
