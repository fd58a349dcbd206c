package receiver_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// childStore is set for the process that is going to be killed.
const childStore = "RECEIVER_TEST_CHILD_STORE"

// child serves a durable store and prints its address.
func child(path string) error {
	store, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return receiver.New(receiver.Options{Store: store, Dispatcher: noTargets{}, AnyPath: true}).Serve(context.Background(), l)
}

// What was acknowledged is kept, whenever the process is killed.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childStore+"="+path)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url := "http://" + strings.TrimSpace(addr) + "/webhooks/hook"

	const senders, enough = 8, 200
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	acknowledged := make(chan string, 100*enough)
	var posting sync.WaitGroup
	for i := range senders {
		posting.Go(func() {
			for j := 0; ; j++ {
				id := fmt.Sprintf("%d.%d", i, j)
				req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(bodyOf(id)))
				if !assert.NoError(t, err) {
					return
				}
				req.Header.Set(replay.HeaderWebhookID, id)
				resp, err := client.Do(req)
				if err != nil {
					return // it was killed
				}
				resp.Body.Close()
				assert.Equal(t, 200, resp.StatusCode)
				acknowledged <- id
			}
		})
	}
	var ids []string
	for range enough {
		ids = append(ids, <-acknowledged)
	}
	require.NoError(t, cmd.Process.Kill())
	posting.Wait()
	close(acknowledged)
	assert.Error(t, cmd.Wait())
	for id := range acknowledged {
		ids = append(ids, id)
	}

	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, store.Close()) }()
	found := map[string]string{}
	for _, d := range kept(t, store) {
		found[d.WebhookID] = string(d.Body)
	}
	for _, id := range ids {
		assert.Equal(t, bodyOf(id), found[id])
	}
}

func bodyOf(id string) string { return `{ "id" : "` + id + `" }` }
