package receivertest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// Patience is how long WaitFor waits.
const Patience = 10 * time.Second

// WaitFor waits until s has an accepted delivery of a scope or a narrower one,
// with an action and of a repo, and gives the newest of those that are there.
// Empty words choose all; repo may hold * and ?, as "acme/*". When there is none
// after Patience, the test fails, and is told what there is.
func WaitFor(t testing.TB, s replay.Store, scope payload.Scope, action payload.Action, repo string) *replay.Delivery {
	t.Helper()
	f := replay.Filter{Verdicts: []replay.Verdict{replay.Accepted}, Newest: true, Limit: 1}
	if scope != "" {
		f.Scopes = []payload.Scope{scope}
	}
	if action != "" {
		f.Actions = []payload.Action{action}
	}
	if repo != "" {
		f.Repos = []string{repo}
	}
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	// Watched from before the list is read, so that nothing falls between.
	news := s.Watch(ctx)
	for d, err := range s.List(ctx, f) {
		if err != nil {
			t.Fatalf("wait for a delivery: %v", err)
		}
		return d
	}
	for n, err := range news {
		if err != nil {
			t.Fatalf("wait for a delivery: %v", err)
		}
		if n.Arrival != nil && f.Match(n.Arrival) {
			return n.Arrival
		}
	}
	t.Errorf("no delivery with scope %q, action %q and repo %q came within %v", scope, action, repo, Patience)
	for d := range s.List(context.WithoutCancel(ctx), replay.Filter{}) {
		t.Logf("there is #%d, %s: %s %s on %s; %s", d.ID, d.Verdict, d.Scope, d.Action, d.Repo, d.Summary)
	}
	t.FailNow()
	return nil
}

// Serve serves s, usually a *receiver.Server, on a free port of this machine
// until the test ends, and gives its URL, without a path.
func Serve(t testing.TB, s interface {
	Serve(context.Context, net.Listener) error
}) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("serve: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return "http://" + listener.Addr().String()
}
