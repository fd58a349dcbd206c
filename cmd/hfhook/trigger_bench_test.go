package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/edit"
	"github.com/hfhook/hfhook/replay"
)

// BenchmarkTriggerGenerate is all that hfhook trigger --count does but for
// sending: the body, its Webhook-Id, the delivery with what is shown of it.
func BenchmarkTriggerGenerate(b *testing.B) {
	title, err := edit.ParseSet("discussion.title=Edited")
	if err != nil {
		b.Fatal(err)
	}
	pr := part{name: "discussion.create.pr", kind: payload.RepoModel}
	for name, course := range map[string]*course{
		"event":    {parts: []part{pr}},
		"edited":   {parts: []part{pr}, edits: edit.Edits{title}},
		"scenario": {parts: []part{{name: "pr-life", kind: payload.RepoModel, scenario: true}}},
	} {
		b.Run(name, func(b *testing.B) {
			course.count, course.path = b.N, defaultPath
			b.ReportAllocs()
			n := 0
			var last *replay.Delivery
			for m, err := range course.all() {
				if err != nil {
					b.Fatal(err)
				}
				last = course.delivery(m, time.Time{})
				n++
			}
			if last.Method != http.MethodPost {
				b.Fatal(last.Method)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}
