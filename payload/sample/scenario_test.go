package sample_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
)

// played is a scenario, decoded.
type played struct {
	steps []sample.Step
	all   []*payload.Payload
}

func play(t *testing.T, name string, o sample.Options) played {
	t.Helper()
	steps, err := sample.Scenario(name, o)
	require.NoError(t, err, name)
	p := played{steps: steps}
	for _, s := range steps {
		p.all = append(p.all, decoded(t, s.Body))
	}
	return p
}

// first gives the first payload of an event, and its place.
func (p played) first(t *testing.T, event string) (*payload.Payload, int) {
	t.Helper()
	for i, s := range p.steps {
		if s.Event == event {
			return p.all[i], i
		}
	}
	require.FailNow(t, "no "+event)
	return nil, 0
}

func TestScenariosAreAboutOneRepo(t *testing.T) {
	for _, s := range sample.Scenarios() {
		assert.Regexp(t, `^[a-z]+(-[a-z]+)*$`, s.Name)
		assert.Regexp(t, `^\S.*[^. ]$`, s.About, s.Name)
		for _, kind := range s.Types {
			p := play(t, s.Name, sample.Options{Type: kind, Repo: "acme/bert", Seed: 3})
			assert.Greater(t, len(p.steps), 1, s.Name)
			ids := map[string]bool{}
			for i, step := range p.steps {
				e, err := sample.Find(step.Event)
				require.NoError(t, err)
				assert.Equal(t, payload.Event{Action: e.Action, Scope: e.Scope}, p.all[i].Event, step.Event)
				assert.Contains(t, e.Types, kind, step.Event)
				assert.Equal(t, kind, p.all[i].Repo.Type, step.Event)
				assert.Empty(t, p.all[i].Problems(), step.Event)
				assert.Equal(t, p.all[0].Repo.ID, p.all[i].Repo.ID, step.Event)
				assert.Equal(t, p.all[0].Repo.Owner, p.all[i].Repo.Owner, step.Event)
				assert.Equal(t, p.all[0].Webhook, p.all[i].Webhook, step.Event)
				assert.Equal(t, step.Retry, ids[step.WebhookID], "%s %s", s.Name, step.Event)
				ids[step.WebhookID] = true
				assert.Equal(t, i == 0 || s.Name == "burst", step.Delay == 0, "%s %d", s.Name, i)
			}
		}
	}
}

// What the Hub does not promise is not there for every seed.
func TestTheSeedDecidesWhatOvertakes(t *testing.T) {
	for _, name := range []string{"pr-opened", "pr-merged", "pr-life", "discussion", "repo-life", "burst", "bot-loop", "bucket-sync"} {
		orders := map[string]bool{}
		for seed := range uint64(20) {
			steps, err := sample.Scenario(name, sample.Options{Seed: seed})
			require.NoError(t, err)
			var order strings.Builder
			for _, s := range steps {
				order.WriteString(s.Event + " ")
			}
			if name == "burst" {
				heads := map[string]int{}
				for i, s := range steps {
					heads[decoded(t, s.Body).UpdatedRefs[0].OldSHA.Value()] = i
				}
				for i, s := range steps {
					fmt.Fprint(&order, heads[decoded(t, s.Body).UpdatedRefs[0].NewSHA.Value()] > i)
				}
			}
			orders[order.String()] = true
		}
		assert.Greater(t, len(orders), 1, name)
	}
}

func TestPullRequestOpened(t *testing.T) {
	for seed := range uint64(10) {
		p := play(t, "pr-opened", sample.Options{Seed: seed})
		require.Len(t, p.steps, 2)
		opened, _ := p.first(t, "discussion.create.pr")
		pushed, _ := p.first(t, "repo.content.update.pr-ref")
		require.Len(t, pushed.UpdatedRefs, 1)
		num, ok := pushed.UpdatedRefs[0].PullRequest()
		assert.True(t, ok)
		assert.Equal(t, opened.Discussion.Num, num)
		assert.True(t, opened.Discussion.IsPullRequest)
		assert.True(t, pushed.UpdatedRefs[0].Created())
		assert.NotEqual(t, pushed.Repo.HeadSHA, pushed.UpdatedRefs[0].NewSHA.Value(), "main has not moved")
		assert.Equal(t, opened.Discussion.Author, opened.Comment.Author)
	}
}

func TestPullRequestMerged(t *testing.T) {
	p := play(t, "pr-merged", sample.Options{Seed: 1})
	require.Len(t, p.steps, 2)
	merged, _ := p.first(t, "discussion.update.merged")
	pushed, _ := p.first(t, "repo.content.update")
	assert.Equal(t, payload.StatusMerged, merged.Discussion.Status)
	assert.Equal(t, "refs/heads/main", pushed.UpdatedRefs[0].Ref)
	assert.Equal(t, merged.Discussion.Changes.MergeCommitID, pushed.UpdatedRefs[0].NewSHA.Value())
	assert.Equal(t, pushed.Repo.HeadSHA, pushed.UpdatedRefs[0].NewSHA.Value())
	assert.NotEmpty(t, pushed.UpdatedRefs[0].OldSHA.Value())
}

func TestLifeOfAPullRequest(t *testing.T) {
	p := play(t, "pr-life", sample.Options{Seed: 1})
	require.Len(t, p.steps, 6)
	opened, _ := p.first(t, "discussion.create.pr")
	merged, _ := p.first(t, "discussion.update.merged")
	created, _ := p.first(t, "repo.content.update.pr-ref")
	updated, _ := p.first(t, "repo.content.update.pr-ref-updated")
	assert.Equal(t, opened.Discussion.ID, merged.Discussion.ID)
	assert.Equal(t, opened.Discussion.Num, merged.Discussion.Num)
	assert.Equal(t, created.UpdatedRefs[0].NewSHA, updated.UpdatedRefs[0].OldSHA)
	assert.Equal(t, created.UpdatedRefs[0].Ref, updated.UpdatedRefs[0].Ref)
}

func TestDiscussionThread(t *testing.T) {
	p := play(t, "discussion", sample.Options{Seed: 1})
	for _, one := range p.all {
		assert.Equal(t, p.all[0].Discussion.ID, one.Discussion.ID)
		assert.Equal(t, p.all[0].Discussion.Num, one.Discussion.Num)
	}
	edited, _ := p.first(t, "discussion.comment.update")
	hidden, _ := p.first(t, "discussion.comment.update.hidden")
	texts := map[string]string{}
	for i, s := range p.steps {
		if s.Event == "discussion.comment.create" {
			texts[p.all[i].Comment.ID] = p.all[i].Comment.Content.Value()
		}
	}
	require.Len(t, texts, 2)
	assert.Contains(t, texts, hidden.Comment.ID)
	assert.True(t, hidden.Comment.Hidden)
	assert.True(t, strings.HasPrefix(edited.Comment.Content.Value(), texts[edited.Comment.ID]))
	assert.NotEqual(t, edited.Comment.Content.Value(), texts[edited.Comment.ID])
	closed, _ := p.first(t, "discussion.update.closed")
	assert.Equal(t, payload.StatusClosed, closed.Discussion.Status)
	assert.Nil(t, closed.Comment)
}

func TestLifeOfARepo(t *testing.T) {
	p := play(t, "repo-life", sample.Options{Repo: "acme/bert"})
	moved, _ := p.first(t, "repo.move")
	gone, _ := p.first(t, "repo.delete")
	private, _ := p.first(t, "repo.config.update.private")
	assert.Equal(t, "acme/bert", moved.Repo.Name)
	assert.Equal(t, "acme/renamed-bert", moved.MovedTo.Name)
	assert.Equal(t, "acme/renamed-bert", gone.Repo.Name)
	assert.True(t, private.Repo.Private)
	assert.True(t, gone.Repo.Private)
	assert.Empty(t, gone.Repo.HeadSHA)
}

func TestRetryIsTheSameOnceMore(t *testing.T) {
	steps, err := sample.Scenario("retry", sample.Options{})
	require.NoError(t, err)
	require.Len(t, steps, 2)
	assert.False(t, steps[0].Retry)
	assert.True(t, steps[1].Retry)
	assert.Equal(t, steps[0].Body, steps[1].Body)
	assert.Equal(t, steps[0].WebhookID, steps[1].WebhookID)
}

// Each commit of a burst is on top of another one, in one chain.
func TestBurstIsOneChain(t *testing.T) {
	p := play(t, "burst", sample.Options{Seed: 5})
	require.Len(t, p.all, 20)
	next := map[string]string{}
	var starts []string
	reached := map[string]bool{}
	for _, one := range p.all {
		ref := one.UpdatedRefs[0]
		assert.Equal(t, one.Repo.HeadSHA, ref.NewSHA.Value())
		next[ref.OldSHA.Value()] = ref.NewSHA.Value()
		reached[ref.NewSHA.Value()] = true
	}
	for before := range next {
		if !reached[before] {
			starts = append(starts, before)
		}
	}
	require.Len(t, starts, 1)
	length := 0
	for at, ok := next[starts[0]]; ok; at, ok = next[at] {
		length++
	}
	assert.Equal(t, 20, length)
}

func TestBucketSyncListsEachFileOnce(t *testing.T) {
	p := play(t, "bucket-sync", sample.Options{})
	seen := map[string]bool{}
	cut := 0
	for _, one := range p.all {
		assert.LessOrEqual(t, len(one.UpdatedFiles), sample.MaxFiles)
		if one.UpdatedFilesTruncated {
			cut++
			assert.Len(t, one.UpdatedFiles, sample.MaxFiles)
		}
		for _, file := range one.UpdatedFiles {
			assert.False(t, seen[file.Path], file.Path)
			seen[file.Path] = true
		}
	}
	assert.Equal(t, 1, cut)
}

// A scenario that is played again by one generator is another one.
func TestNextScenarioGoesOn(t *testing.T) {
	g := sample.NewGenerator(sample.Options{Seed: 1})
	first, err := g.Scenario("pr-merged")
	require.NoError(t, err)
	second, err := g.Scenario("pr-merged")
	require.NoError(t, err)
	var one, two played
	for i := range first {
		one.all, one.steps = append(one.all, decoded(t, first[i].Body)), first
		two.all, two.steps = append(two.all, decoded(t, second[i].Body)), second
	}
	mergedOne, _ := one.first(t, "discussion.update.merged")
	mergedTwo, _ := two.first(t, "discussion.update.merged")
	pushedTwo, _ := two.first(t, "repo.content.update")
	assert.Equal(t, mergedOne.Discussion.Num+1, mergedTwo.Discussion.Num)
	assert.Equal(t, mergedOne.Discussion.Changes.MergeCommitID, pushedTwo.UpdatedRefs[0].OldSHA.Value())
}
