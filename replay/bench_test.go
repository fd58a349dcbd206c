package replay_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// BenchmarkDispatcher is about 100 deliveries of 20 repos in each round. The
// floor makes the same calls one after the other.
func BenchmarkDispatcher(b *testing.B) {
	const round = 100
	target := replay.NewFuncTarget("f", func(context.Context, *replay.Delivery) (any, error) { return nil, nil })
	in := func(i int) replay.Incoming { return incoming("", fmt.Sprint("a/", i%20), "f") }
	b.Run("floor=store", func(b *testing.B) {
		s := memory.New()
		for b.Loop() {
			for i := range round {
				r := appendTo(b, s, in(i))
				a := target.Send(b.Context(), get(b, s, r.DeliveryID))
				a.DeliveryID, a.ArrivalID, a.Kind, a.Target = r.DeliveryID, r.Arrival.ID, replay.Live, "f"
				require.NoError(b, s.Finish(b.Context(), a))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*round), "ns/delivery")
	})
	b.Run("dispatcher", func(b *testing.B) {
		s := memory.New()
		next, end := iter.Pull2(s.Watch(b.Context()))
		defer end()
		run(b, replay.DispatcherOptions{Store: s, Targets: []replay.Target{target}})
		for b.Loop() {
			for i := range round {
				appendTo(b, s, in(i))
			}
			for left := round; left > 0; {
				n, err, _ := next()
				require.NoError(b, err)
				if n.Attempt != nil {
					left--
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*round), "ns/delivery")
	})
}
