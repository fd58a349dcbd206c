package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// Whatever a person filters by, the store lists what Filter.Match chooses, also
// where SQL has other ideas about case, globs, quotes, NUL and what is no UTF-8.
func FuzzFilterInSQL(f *testing.F) {
	now := time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC)
	s, err := sqlite.Open(f.Context(), filepath.Join(f.TempDir(), "store.db"), sqlite.Options{})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, s.Close()) })
	texts := []string{"", "acme/x", "Acme/X_%", "a'b\"c", "é/É", "[a-c]*?", "acme/x\x00b", "dev", "refs/heads/main", "discussion.comment"}
	for i := range 40 {
		text := func(n int) string { return texts[(i*7+n*3+i/10)%len(texts)] }
		d := replay.Delivery{
			WebhookID: text(1), Method: "POST", Path: "/", Endpoint: text(2), Verdict: []replay.Verdict{replay.Accepted, replay.Rejected, replay.Undecodable}[i%3],
			Scope: payload.Scope(text(3)), Action: payload.Action(text(4)), RepoType: payload.RepoType(text(5)), Repo: text(6),
			Body: fmt.Appendf(nil, `{"updatedRefs":[{"ref":%q}],"n":%d,"text":"%s"}`, text(7), i, text(8)),
		}
		r, err := s.Append(f.Context(), replay.Incoming{Delivery: d, Arrival: replay.Arrival{Time: now.Add(-time.Duration(i) * time.Hour)}})
		require.NoError(f, err)
		if i%4 > 0 {
			require.NoError(f, s.Finish(f.Context(), &replay.Attempt{DeliveryID: r.DeliveryID, Kind: replay.Replayed, Target: "t", Started: now, Status: 200 * (i % 4)}))
		}
	}
	var all []*replay.Delivery
	for d, err := range s.List(f.Context(), replay.Filter{}) {
		require.NoError(f, err)
		all = append(all, d)
	}

	for _, seed := range []string{
		"scope=discussion* repo=acme/*,b action!=delete", `text="it's "'"x"'`, "since=20h until=7h", "repo=*/?_% repo!=A*", "text='[A-C]'", "text=\xff", "repo=acme/? scope=acme*,b", "repo=Acme/x", "repo=*\u2028 scope=?b",
		"endpoint=dev ref=refs/heads/main,*x status=4xx,ok verdict!=rejected", "webhook-id=acme/x\x00b type=é", "status=none,600", "repo=É/é",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := replay.ParseFilter(text, now)
		if err != nil {
			return
		}
		var want, got []int64
		for _, d := range all {
			if filter.Match(d) {
				want = append(want, d.ID)
			}
		}
		for d, err := range s.List(t.Context(), filter) {
			require.NoError(t, err, "%q", text)
			got = append(got, d.ID)
		}
		require.Equal(t, want, got, "%q", text)
	})
}
