package sqlite_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// TestOneRepoInManyBuckets compares the way by the index with the way without:
// a glob that only one repo meets.
func TestOneRepoInManyBuckets(t *testing.T) {
	s := open(t, sqlite.Options{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for n := range 300 {
				_, err := s.Append(t.Context(), incoming(int64(n)))
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	all := kept(t, s, replay.Filter{Repos: []string{"some-org/*-7"}})
	require.Greater(t, len(all), 20)
	require.Greater(t, all[len(all)-1]-all[0], int64(3000), "not in several buckets")
	for _, f := range []replay.Filter{
		{}, {Limit: 5}, {Limit: 5, Newest: true}, {Limit: len(all), Newest: true}, {Limit: 1000, Newest: true},
		{FromID: all[3]}, {FromID: all[3] + 1, ToID: all[9] - 1}, {ToID: all[9], Limit: 4, Newest: true}, {FromID: all[9], ToID: all[3]},
		{FromID: 1 << 40}, {Scopes: []payload.Scope{incoming(7).Delivery.Scope}, Limit: 9}, {Scopes: []payload.Scope{incoming(8).Delivery.Scope}},
	} {
		f.Repos = []string{"some-org/*-7"}
		want := kept(t, s, f)
		f.Repos = []string{"SOME-org/some-model-7"}
		assert.Equal(t, want, kept(t, s, f), "%+v", f)
		assert.True(t, slices.IsSorted(want))
	}
	every := replay.Filter{Except: []replay.Filter{{Refs: []string{"none"}}}} // goes from bucket to bucket as well
	assert.Len(t, kept(t, s, every), 16*300)
	every.Limit, every.Newest = 1500, true
	assert.Equal(t, kept(t, s, replay.Filter{})[16*300-1500:], kept(t, s, every))
	assert.Empty(t, kept(t, open(t, sqlite.Options{}), replay.Filter{Repos: []string{"a/b"}}), "an empty store")
}
