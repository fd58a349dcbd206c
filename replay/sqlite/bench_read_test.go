package sqlite_test

import (
	"flag"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

var rows = flag.Int64("rows", 50_000, "how many deliveries the benchmarks read from; the figures of note are with 1000000")

func BenchmarkRead(b *testing.B) {
	store := open(b, sqlite.Options{})
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for n := next.Add(1); n <= *rows; n = next.Add(1) {
				_, err := store.Append(b.Context(), incoming(n))
				require.NoError(b, err)
			}
		})
	}
	wg.Wait()
	middle, err := store.Get(b.Context(), *rows/2)
	require.NoError(b, err)

	for _, c := range []struct {
		name string
		f    replay.Filter
		want int
	}{
		{"newest 50", replay.Filter{Limit: 50, Newest: true}, 50},
		{"repo and scope, newest 50", replay.Filter{Repos: []string{"some-org/some-model-7"}, Scopes: []payload.Scope{"repo.content"}, Limit: 50, Newest: true}, 50},
		{"repo, newest 50", replay.Filter{Repos: []string{"some-org/some-model-7"}, Limit: 50, Newest: true}, 50},
		{"repo glob, newest 50", replay.Filter{Repos: []string{"some-org/*-7"}, Limit: 50, Newest: true}, 50},
		{"scope, newest 50", replay.Filter{Scopes: []payload.Scope{"discussion"}, Limit: 50, Newest: true}, 50},
		{"a repo that is not there", replay.Filter{Repos: []string{"some-org/none"}, Limit: 50, Newest: true}, 0},
		{"webhook id", replay.Filter{WebhookID: middle.WebhookID}, 1},
		{"text, newest 50", replay.Filter{Text: `"N":7`, Limit: 50, Newest: true}, 50},
		{"scope glob, newest 50", replay.Filter{Scopes: []payload.Scope{"discussion*"}, Limit: 50, Newest: true}, 50},
		{"but for an action, newest 50", replay.Filter{Except: []replay.Filter{{Actions: []payload.Action{"delete"}}}, Limit: 50, Newest: true}, 50},
		{"a ref that is not there", replay.Filter{Refs: []string{"refs/none"}, Limit: 50}, 0},
		{"a ref that is not there, of one repo", replay.Filter{Refs: []string{"refs/none"}, Repos: []string{"some-org/some-model-7"}, Limit: 50}, 0},
		{"failed, none", replay.Filter{Attempts: []replay.AttemptStatus{"failed"}, Limit: 50}, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				n := 0
				for _, err := range store.List(b.Context(), c.f) {
					require.NoError(b, err)
					n++
				}
				require.Equal(b, c.want, n)
			}
		})
	}
	b.Run("one by id", func(b *testing.B) {
		for n := int64(0); b.Loop(); n++ {
			_, err := store.Get(b.Context(), 1+n*7919%*rows)
			require.NoError(b, err)
		}
	})
	b.Run("floor: nothing by id", func(b *testing.B) {
		for b.Loop() {
			_, err := store.Get(b.Context(), -1)
			require.ErrorIs(b, err, replay.ErrNotFound)
		}
	})
}
