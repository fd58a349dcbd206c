package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/receivertest"
	"github.com/hfhook/hfhook/replay/memory"
)

// The two-line version: a handler, and Run. The secret is WEBHOOK_SECRET.
func Example() {
	receiver.Handle("my_hook", func(_ context.Context, p *payload.Payload) (any, error) {
		fmt.Println(p)
		return nil, nil
	})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := receiver.Run(ctx); err != nil {
		fmt.Println(err)
	}
}

// A server of one's own, and how to try it.
func ExampleServer_Handle() {
	s := receiver.New(receiver.Options{Secrets: []string{"from my vault"}})
	s.Handle("label", func(_ context.Context, p *payload.Payload) (any, error) {
		if p.Discussion == nil {
			return nil, receiver.Status(http.StatusBadRequest, errors.New("no discussion"))
		}
		return map[string]any{"labelled": p.Discussion.Num}, nil
	})

	r := receivertest.Request("label", receivertest.PullRequestOpened(), receivertest.Secret("from my vault"))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)

	w = httptest.NewRecorder()
	s.ServeHTTP(w, receivertest.Request("label", receivertest.PullRequestOpened()))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"labelled":12}
	// 401 {"error":"no secret"}
}

// With a store, a delivery is kept before it is acknowledged, and its handler
// runs afterwards. The store in package sqlite survives the process.
func Example_store() {
	s := receiver.New(receiver.Options{Store: memory.New(), NoSecret: true, Out: io.Discard})
	handled := make(chan string)
	s.Handle("my_hook", func(ctx context.Context, _ *payload.Payload) (any, error) {
		d := receiver.DeliveryFrom(ctx)
		handled <- fmt.Sprintf("delivery %d: %s", d.ID, d.Summary)
		return nil, nil
	})

	w := httptest.NewRecorder()
	s.ServeHTTP(w, receivertest.Request("my_hook", receivertest.RepoCreated(receivertest.Repo("acme/x"))))
	fmt.Println("acknowledged:", w.Code)
	fmt.Println(<-handled)
	if err := s.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// acknowledged: 200
	// delivery 1: model acme/x created
}
