package receivertest

import (
	"testing"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
)

// Sample is an event or trap of package sample, decoded. A handler that is to
// take whatever the Hub may send is tested with all of them:
//
//	for _, e := range sample.All() {
//		resp := receivertest.Post(t, s, "my_hook", receivertest.Sample(t, e.Name, sample.Options{}))
//		...
//	}
func Sample(t testing.TB, name string, o sample.Options) *payload.Payload {
	t.Helper()
	body, err := sample.New(name, o)
	if err != nil {
		t.Fatalf("receivertest: %v", err)
	}
	p, err := payload.Decode(body)
	if err != nil {
		t.Fatalf("receivertest: %s: %v", name, err)
	}
	return p
}
