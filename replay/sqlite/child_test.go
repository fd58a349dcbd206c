package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// The test binary is also the other process: with childEnv set it does that
// to the store named by its first argument.
const childEnv = "HFHOOK_TEST_CHILD"

var children = map[string]func(path string) error{
	"write": childWrite,
}

// child runs as the other process, if this is one.
func child() bool {
	name := os.Getenv(childEnv)
	if name == "" {
		return false
	}
	if err := children[name](os.Args[1]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	return true
}

func childCommand(t *testing.T, program, name, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, path)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

// childWrite appends from several goroutines until it is killed, or its input
// ends, and says which ids it was given.
func childWrite(path string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		bufio.NewReader(os.Stdin).ReadByte()
		cancel()
	}()
	s, err := sqlite.Open(ctx, path, sqlite.Options{Exclusive: true})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := int64(0); ; n++ {
				in := incoming(n)
				in.Targets = []string{target}
				r, err := s.Append(ctx, in)
				if err != nil {
					break
				}
				s.Answered(ctx, r.Arrival.ID, 200)
				mu.Lock()
				fmt.Println(r.DeliveryID, in.Delivery.WebhookID)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return s.Close()
}

// TestKilled kills the writer at some moment, several times over. All that it
// had acknowledged is there, and the file is sound.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	acknowledged := map[int64]string{}
	for round := range 5 {
		cmd := childCommand(t, os.Args[0], "write", path)
		_, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			var id int64
			var webhookID string
			if _, err := fmt.Sscan(lines.Text(), &id, &webhookID); err != nil || len(webhookID) != 26 {
				continue // it died within the line
			}
			require.NotContains(t, acknowledged, id, "an id was given twice")
			acknowledged[id] = webhookID
			if n == 40+round*97 {
				require.NoError(t, cmd.Process.Kill())
			}
		}
		require.Error(t, cmd.Wait(), "it was to be killed")

		c, err := sqlite.RawConn(path)
		require.NoError(t, err)
		result, err := c.Text("PRAGMA integrity_check")
		require.NoError(t, err)
		assert.Equal(t, "ok", result)
		require.NoError(t, c.Close())

		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
		require.NoError(t, err)
		there := map[int64]string{}
		for d, err := range s.List(t.Context(), replay.Filter{}) {
			require.NoError(t, err)
			require.Len(t, d.Body, 1500)
			require.Equal(t, []string{target}, d.Queued, "acknowledged, but not to be sent")
			there[d.ID] = d.WebhookID
		}
		for id, webhookID := range acknowledged {
			require.Equal(t, webhookID, there[id], "delivery %d was acknowledged", id)
		}
		require.NoError(t, s.Close())
	}
	assert.Greater(t, len(acknowledged), 500)
}

// TestTwoProcesses has another process append while this one lists, watches
// and finishes.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	news := s.Watch(ctx)

	cmd := childCommand(t, os.Args[0], "write", path)
	stop, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	theirs := make(chan int64)
	go func() {
		n := int64(0)
		for lines := bufio.NewScanner(out); lines.Scan(); n++ {
		}
		theirs <- n
	}()

	// The first 200 are finished here. Every 50th comes in here once more:
	// this process writes among theirs, and knows what they wrote.
	const want = 200
	arrived, repeated, attempted := int64(0), 0, 0
	for n, err := range news {
		require.NoError(t, err)
		switch d := n.Arrival; {
		case d == nil:
			attempted++
		case len(d.Arrivals) > 1:
			repeated++
		default:
			arrived++
			require.Equal(t, arrived, d.ID, "news out of order")
			if d.ID > want {
				continue
			}
			require.NoError(t, s.Finish(t.Context(), &replay.Attempt{DeliveryID: d.ID, Target: target, Kind: replay.Live, Status: 200, Started: time.Now()}))
			if d.ID%50 == 0 {
				require.GreaterOrEqual(t, len(kept(t, s, replay.Filter{ToID: d.ID})), int(d.ID))
				r, err := s.Append(t.Context(), replay.Incoming{Delivery: *d, Arrival: replay.Arrival{Time: time.Now()}})
				require.NoError(t, err)
				require.Equal(t, d.ID, r.DeliveryID)
			}
			if d.ID == want {
				require.NoError(t, stop.Close())
			}
		}
		if attempted == want && repeated == want/50 {
			break
		}
	}
	written := int(<-theirs)
	require.NoError(t, cmd.Wait())
	assert.Len(t, kept(t, s, replay.Filter{}), written)
	assert.Len(t, kept(t, s, replay.Filter{Queued: target}), written-want)
}
