package replay_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// What it costs each arrival to find out where it goes, with 8 routes; the
// floor is without routes.
func BenchmarkTargetsFor(b *testing.B) {
	body := []byte(`{"event":{"action":"update","scope":"repo.content"},"repo":{"type":"model","name":"acme/bert"},"updatedRefs":[{"ref":"refs/heads/main","oldSha":null,"newSha":"575db8b7a51b6f85eb06eee540738584589f131c"}],"webhook":{"id":"1","version":3}}`)
	d := &replay.Delivery{Verdict: replay.Accepted, Scope: "repo.content", Action: "update", RepoType: "model", Repo: "acme/bert", Body: body}
	for name, f := range map[string]replay.Filter{
		"floor":          {},
		"scope and repo": {Scopes: []payload.Scope{"discussion*", "repo.content"}, Repos: []string{"acme/*"}, Except: []replay.Filter{{Actions: []payload.Action{"delete"}}}},
		"ref":            {Refs: []string{"refs/heads/main"}},
	} {
		b.Run(name, func(b *testing.B) {
			o := replay.DispatcherOptions{Store: memory.New(), Routes: map[string]replay.Filter{}}
			for i := range 8 {
				o.Targets = append(o.Targets, &handler{name: fmt.Sprint(i)})
				if name != "floor" {
					o.Routes[fmt.Sprint(i)] = f
				}
			}
			dispatcher, err := replay.NewDispatcher(o)
			require.NoError(b, err)
			for b.Loop() {
				require.Len(b, dispatcher.TargetsFor(d), 8)
			}
		})
	}
}
