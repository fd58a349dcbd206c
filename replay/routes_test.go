package replay_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestRoutes(t *testing.T) {
	o := replay.DispatcherOptions{
		Store:   memory.New(),
		Targets: []replay.Target{&handler{name: "bot"}, &handler{name: "all"}, &handler{name: "trainer"}},
		Routes: map[string]replay.Filter{
			"bot":     {Scopes: []payload.Scope{"discussion*"}},
			"trainer": {Scopes: []payload.Scope{"repo.content", "discussion.comment"}, Except: []replay.Filter{{Repos: []string{"acme/*"}}}},
		},
	}
	all, err := replay.NewDispatcher(o)
	require.NoError(t, err)
	o.FirstMatch = true
	first, err := replay.NewDispatcher(o)
	require.NoError(t, err)
	for _, c := range []struct {
		scope      payload.Scope
		repo       string
		all, first []string
	}{
		{"discussion", "a/b", []string{"bot", "all"}, []string{"bot"}},
		{"discussion.comment", "a/b", []string{"bot", "all", "trainer"}, []string{"bot"}},
		{"repo.content", "a/b", []string{"all", "trainer"}, []string{"all"}},
		{"repo.content", "acme/b", []string{"all"}, []string{"all"}},
		{"", "", []string{"all"}, []string{"all"}},
	} {
		d := &replay.Delivery{Scope: c.scope, Repo: c.repo, Verdict: replay.Accepted}
		assert.Equal(t, c.all, all.TargetsFor(d), "%s %s", c.scope, c.repo)
		assert.Equal(t, c.first, first.TargetsFor(d), "%s %s", c.scope, c.repo)
	}

	o.Targets = o.Targets[:1]
	_, err = replay.NewDispatcher(o)
	require.ErrorContains(t, err, "a route is for trainer, which is no target")
	delete(o.Routes, "trainer")
	one, err := replay.NewDispatcher(o)
	require.NoError(t, err)
	assert.Empty(t, one.TargetsFor(&replay.Delivery{Scope: "repo"}))
}
