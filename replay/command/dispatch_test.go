package command_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/command"
	"github.com/hfhook/hfhook/replay/memory"
)

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

// kept is a store with a delivery.
func kept(t *testing.T, body string, queued ...string) (replay.Store, *replay.Delivery) {
	t.Helper()
	store := memory.New()
	d := delivery(body)
	d.ID, d.WebhookID, d.Verdict, d.Repo = 0, "", replay.Accepted, "acme/tea"
	receipt, err := store.Append(t.Context(), replay.Incoming{Delivery: *d, Arrival: replay.Arrival{Time: time.Now()}, Targets: queued})
	require.NoError(t, err)
	got, err := store.Get(t.Context(), receipt.DeliveryID)
	require.NoError(t, err)
	return store, got
}

func TestADispatcherIsToRunOneAtATime(t *testing.T) {
	assert.Equal(t, 1, target(t, command.Options{}, "exit", "0").Limit())
	assert.Equal(t, 2, target(t, command.Options{Concurrency: 2}, "exit", "0").Limit())
}

// What was cancelled is run by the next dispatcher.
func TestWhatWasCancelledStaysInTheQueue(t *testing.T) {
	s := newStage(t)
	made := target(t, command.Options{}, "stay", s.addr)
	store, first := kept(t, body, made.Name())
	d, err := replay.NewDispatcher(replay.DispatcherOptions{Store: store, Targets: []replay.Target{made}, Grace: 10 * time.Millisecond})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	c := s.await(t)
	stop()
	require.NoError(t, <-done)
	gone(t, c)
	got, err := store.Get(t.Context(), first.ID)
	require.NoError(t, err)
	assert.Equal(t, []string{made.Name()}, got.Queued)
	assert.Empty(t, got.Attempts)
}

func TestAProgramThatIsGoneHoldsNothing(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program"+filepath.Ext(os.Args[0]))
	require.NoError(t, os.WriteFile(program, []byte("no program"), 0o700))
	made, err := command.New([]string{program}, command.Options{Folder: dir})
	require.NoError(t, err)
	defer made.Close()
	store, first := kept(t, body, made.Name())
	d, err := replay.NewDispatcher(replay.DispatcherOptions{Store: store, Targets: []replay.Target{made}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	require.Eventually(t, func() bool {
		d, err := store.Get(t.Context(), first.ID)
		return err == nil && len(d.Attempts) == 1 && d.Attempts[0].Failure == replay.FailOther && len(d.Queued) == 0
	}, patience, 10*time.Millisecond)
	assert.Empty(t, d.Holds())
	stop()
	require.NoError(t, <-done)
}
