package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/receivertest"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// stored makes a server that handles "hook" from its store, and is shut down
// with the test.
func stored(t *testing.T, o receiver.Options, h receiver.Handler) *receiver.Server {
	t.Helper()
	s := receiver.New(o)
	s.Handle("hook", h)
	t.Cleanup(func() { assert.NoError(t, s.Shutdown(context.Background())) })
	return s
}

// attempted waits until a delivery was attempted n times.
func attempted(t *testing.T, store replay.Store, id int64, n int) *replay.Delivery {
	t.Helper()
	var d *replay.Delivery
	require.Eventually(t, func() bool {
		var err error
		d, err = store.Get(t.Context(), id)
		require.NoError(t, err)
		return len(d.Attempts) >= n
	}, 10*time.Second, time.Millisecond)
	return d
}

func TestStoredDeliveriesReachTheirHandlerInOrder(t *testing.T) {
	store := memory.New()
	got := make(chan string, 10)
	s := stored(t, receiver.Options{Store: store}, func(ctx context.Context, p *payload.Payload) (any, error) {
		d := receiver.DeliveryFrom(ctx)
		assert.Equal(t, string(d.Body), string(p.Raw))
		got <- fmt.Sprintln(d.ID, d.Endpoint, p.Comment.Content.Value())
		return map[string]int64{"id": d.ID}, nil
	})
	for i := range 3 {
		resp := receivertest.Post(t, s, "hook", receivertest.CommentPosted(fmt.Sprint("comment ", i)))
		assert.Equal(t, 200, resp.StatusCode)
	}
	for i := range 3 {
		assert.Equal(t, fmt.Sprintf("%d hook comment %d\n", i+1, i), <-got)
	}
	d := attempted(t, store, 2, 1)
	a := d.Attempts[0]
	assert.True(t, a.OK())
	assert.Equal(t, `{"id":2}`, string(a.Body))
	assert.Equal(t, "application/json", a.Header.Get("Content-Type"))
	assert.Equal(t, "handlers", a.Target)
	assert.Empty(t, d.Queued)
}

func TestHandlerFailuresAreAttempts(t *testing.T) {
	for name, tt := range map[string]struct {
		h       receiver.Handler
		status  int
		body    string
		failure replay.Failure
		text    string
	}{
		"error":  {func(context.Context, *payload.Payload) (any, error) { return nil, errors.New("no disk") }, 500, `{"error":"Internal Server Error"}`, "", "no disk"},
		"status": {func(context.Context, *payload.Payload) (any, error) { return "x", receiver.Status(409, nil) }, 409, `"x"`, "", "status 409"},
		"panic":  {func(context.Context, *payload.Payload) (any, error) { panic("boom") }, 0, "", replay.FailPanic, "panic: boom"},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			s := stored(t, receiver.Options{Store: store}, tt.h)
			assert.Equal(t, 200, receivertest.Post(t, s, "hook", receivertest.RepoCreated()).StatusCode)
			a := attempted(t, store, 1, 1).Attempts[0]
			assert.Equal(t, tt.status, a.Status)
			assert.Equal(t, tt.body, string(a.Body))
			assert.Equal(t, tt.failure, a.Failure)
			assert.Equal(t, tt.text, a.Error)
		})
	}
}

// What an earlier program left in the queue for an endpoint that is gone.
func TestStoredDeliveryWithoutAHandler(t *testing.T) {
	store := memory.New()
	_, err := store.Append(t.Context(), replay.Incoming{
		Delivery: replay.Delivery{Verdict: replay.Accepted, Endpoint: "old", Body: []byte("{}")},
		Targets:  []string{"handlers"},
	})
	require.NoError(t, err)
	s := stored(t, receiver.Options{Store: store}, ok)
	assert.Equal(t, 404, receivertest.Post(t, s, "old", receivertest.RepoCreated()).StatusCode, "starts the dispatcher")
	assert.Equal(t, 404, attempted(t, store, 1, 1).Attempts[0].Status)
}

func TestAckHandlerWithHandlers(t *testing.T) {
	s := stored(t, receiver.Options{Store: memory.New(), Ack: receiver.AckHandler, AckTimeout: time.Hour}, func(_ context.Context, p *payload.Payload) (any, error) {
		if p.Event.Action == payload.ActionCreate {
			return "made", receiver.Status(http.StatusCreated, nil)
		}
		return nil, errors.New("cannot")
	})
	created := receivertest.Post(t, s, "hook", receivertest.RepoCreated(), receivertest.WebhookID("W"))
	assert.Equal(t, 201, created.StatusCode)
	assert.Equal(t, 500, receivertest.Post(t, s, "hook", receivertest.RepoDeleted()).StatusCode)
}

func TestAckHandlerWithAHandlerThatIsLate(t *testing.T) {
	store := memory.New()
	late, leave := make(chan replay.Receipt, 1), make(chan struct{})
	s := stored(t, receiver.Options{
		Store: store, Ack: receiver.AckHandler, AckTimeout: 50 * time.Millisecond,
		Late: func(r replay.Receipt) { late <- r },
	}, func(context.Context, *payload.Payload) (any, error) {
		<-leave
		return "done", nil
	})
	assert.Equal(t, 200, receivertest.Post(t, s, "hook", receivertest.CommitPushed()).StatusCode)
	assert.Equal(t, int64(1), (<-late).DeliveryID)
	close(leave)
	assert.Equal(t, `"done"`, string(attempted(t, store, 1, 1).Attempts[0].Body))
}

// A handler that is told to stop has not handled its delivery: the next run
// does, also when nothing new arrives.
func TestDeliveryOutlivesTheServer(t *testing.T) {
	store := memory.New()
	entered := make(chan struct{})
	s := receiver.New(receiver.Options{Store: store, Out: &lockedBuffer{}, Grace: 20 * time.Millisecond})
	s.Handle("hook", func(ctx context.Context, _ *payload.Payload) (any, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	assert.Equal(t, 200, receivertest.Post(t, s, "hook", receivertest.RepoCreated()).StatusCode)
	<-entered
	require.NoError(t, s.Shutdown(t.Context()))
	d, err := store.Get(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, []string{"handlers"}, d.Queued)

	handled := make(chan int64)
	again := receiver.New(receiver.Options{Store: store, Out: &lockedBuffer{}})
	again.Handle("hook", func(ctx context.Context, _ *payload.Payload) (any, error) {
		handled <- receiver.DeliveryFrom(ctx).ID
		return nil, nil
	})
	serve(t, again)
	assert.Equal(t, int64(1), <-handled)
}

func TestDispatcherThatFailsEndsTheServer(t *testing.T) {
	store := memory.New()
	s := receiver.New(receiver.Options{Store: store, Out: &lockedBuffer{}})
	s.Handle("hook", ok)
	require.NoError(t, store.Close())
	assert.ErrorIs(t, s.Serve(t.Context(), listen(t)), replay.ErrClosed)
}

// A handler that was told to stop and says that it is done is done.
func TestSuccessAfterTheEndIsASuccess(t *testing.T) {
	t.Parallel()
	store := memory.New()
	entered := make(chan struct{})
	s := receiver.New(receiver.Options{Store: store, Out: io.Discard, Grace: 4 * time.Second})
	s.Handle("hook", func(ctx context.Context, _ *payload.Payload) (any, error) {
		close(entered)
		<-ctx.Done()
		return "made", receiver.Status(http.StatusCreated, nil)
	})
	assert.Equal(t, 200, receivertest.Post(t, s, "hook", receivertest.RepoCreated()).StatusCode)
	<-entered
	require.NoError(t, s.Shutdown(t.Context()))
	d, err := store.Get(t.Context(), 1)
	require.NoError(t, err)
	assert.Empty(t, d.Queued)
	require.Len(t, d.Attempts, 1)
	assert.Equal(t, 201, d.Attempts[0].Status)
	assert.Equal(t, `"made"`, string(d.Attempts[0].Body))
}

// What AnyPath takes beside the handlers is for none of them.
func TestAnyPathBesideHandlers(t *testing.T) {
	for _, ack := range []receiver.Ack{receiver.AckStore, receiver.AckHandler} {
		t.Run(string(ack), func(t *testing.T) {
			store := memory.New()
			s := stored(t, receiver.Options{Store: store, AnyPath: true, Ack: ack, AckTimeout: time.Hour}, ok)
			other := receivertest.Post(t, s, "other", receivertest.RepoCreated())
			assert.Equal(t, 200, other.StatusCode)
			assert.Empty(t, keptOne(t, store).Queued)
			assert.Equal(t, 200, receivertest.Post(t, s, "hook", receivertest.RepoCreated()).StatusCode)
			attempted(t, store, 2, 1)
			d, err := store.Get(t.Context(), 1)
			require.NoError(t, err)
			assert.Empty(t, d.Attempts)
		})
	}
}
