package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
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
