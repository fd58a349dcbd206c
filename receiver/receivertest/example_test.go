package receivertest_test

import (
	"os/exec"
	"testing"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/receivertest"
	"github.com/hfhook/hfhook/replay/memory"
)

// A test of a program that sends deliveries.
func ExampleWaitFor() {
	_ = func(t *testing.T) {
		store := memory.New()
		url := receivertest.Serve(t, receiver.New(receiver.Options{Store: store, NoSecret: true, AnyPath: true}))
		if err := exec.Command("my-program", url+"/webhooks/any").Run(); err != nil {
			t.Fatal(err)
		}
		d := receivertest.WaitFor(t, store, payload.ScopeDiscussion, payload.ActionCreate, "acme/*")
		t.Log(d.Summary)
	}
}
