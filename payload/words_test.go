package payload

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestScopeWithin(t *testing.T) {
	for _, c := range []struct {
		inner, outer Scope
		want         bool
	}{
		{"repo", "repo", true},
		{"repo.config", "repo", true},
		{"repo.config.dois", "repo.config", true},
		{"repo.config.dois", "repo", true},
		{"repository", "repo", false},
		{"repo", "repo.config", false},
		{"repo.configuration", "repo.config", false},
		{"discussion", "repo", false},
		{"repo.", "repo", true},
		{".repo", "", false},
		{"repo", "", false},
		{"", "", true},
		{"", "repo", false},
		{"Repo.config", "repo", false},
	} {
		assert.Equal(t, c.want, c.inner.Within(c.outer), "%q within %q", c.inner, c.outer)
	}
}

func TestEffectiveEvent(t *testing.T) {
	for _, c := range []struct{ in, want Event }{
		{Event{"delete", "repo.config.dois"}, Event{"update", "repo.config"}},
		{Event{"delete", "repo.visibility"}, Event{"update", "repo"}},
		{Event{"create", "discussion.comment.reaction"}, Event{"update", "discussion.comment"}},
		{Event{"create", "discussion.comment.reaction.emoji"}, Event{"update", "discussion.comment"}},
		{Event{"delete", "repo"}, Event{"delete", "repo"}},
		{Event{"archive", "repo.content"}, Event{"archive", "repo.content"}},
		{Event{"delete", "repository"}, Event{"delete", "repository"}},
		{Event{"create", "space.build"}, Event{"create", "space.build"}},
		{Event{"delete", "repo."}, Event{"update", "repo"}},
		{Event{"delete", "repo..x"}, Event{"update", "repo"}},
		{Event{"delete", ".repo"}, Event{"delete", ".repo"}},
		{Event{}, Event{}},
	} {
		assert.Equal(t, c.want, c.in.Effective(), "%v", c.in)
	}
}

func TestKnown(t *testing.T) {
	assert.True(t, ScopeRepoConfig.Known())
	assert.False(t, Scope("repo.config.dois").Known())
	assert.False(t, Scope("").Known())
	assert.True(t, Event{ActionMove, ScopeRepo}.Known())
	assert.False(t, Event{ActionDelete, ScopeRepoContent}.Known())
	assert.False(t, Event{ActionAdd, ScopeRepo}.Known())
	assert.True(t, ActionAdd.Known())
	assert.False(t, Action("archive").Known())
	assert.True(t, RepoKernel.Known())
	assert.False(t, RepoType("notebook").Known())
	assert.True(t, StatusDraft.Known())
	assert.False(t, Status("locked").Known())
	assert.Nil(t, Scope("space").Actions())
}
