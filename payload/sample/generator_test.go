package sample_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
)

func TestGeneratorBeginsAsNewDoes(t *testing.T) {
	for _, e := range sample.All() {
		want, err := sample.New(e.Name, sample.Options{Seed: 9})
		require.NoError(t, err)
		g := sample.NewGenerator(sample.Options{Seed: 9})
		g.WebhookID() // is of no influence
		got, err := g.Next(e.Name)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), e.Name)
	}
}

// What is about the repo stays the same, everything else is new.
func TestGeneratorRepeatsNothing(t *testing.T) {
	g := sample.NewGenerator(sample.Options{Repo: "acme/bert", Seed: 9})
	bodies, ids := map[string]bool{}, map[string]bool{}
	var first *payload.Payload
	for range 200 {
		body, err := g.Next("discussion.comment.create")
		require.NoError(t, err)
		p := decoded(t, body)
		if first == nil {
			first = p
		}
		assert.Equal(t, first.Repo, p.Repo)
		assert.Equal(t, first.Webhook, p.Webhook)
		assert.Equal(t, first.Discussion.Num+int64(len(bodies)), p.Discussion.Num)
		for _, id := range []string{p.Discussion.ID, p.Comment.ID, g.WebhookID()} {
			assert.False(t, ids[id], id)
			ids[id] = true
		}
		bodies[string(body)] = true
	}
	assert.Len(t, bodies, 200)
}

func TestCommitsFollowEachOther(t *testing.T) {
	g := sample.NewGenerator(sample.Options{Seed: 9})
	var head string
	for _, name := range []string{"repo.content.update", "repo.content.update.branch-created", "discussion.update", "repo.content.update.several", "repo.content.update", "repo.create"} {
		body, err := g.Next(name)
		require.NoError(t, err)
		p := decoded(t, body)
		for _, ref := range p.UpdatedRefs {
			if branch, ok := ref.Branch(); !ok || branch != "main" {
				continue
			}
			if head != "" {
				assert.Equal(t, head, ref.OldSHA.Value(), name)
			}
			head = ref.NewSHA.Value()
		}
		if p.Event.Scope.Within(payload.ScopeRepo) {
			assert.Equal(t, head, p.Repo.HeadSHA, name)
		}
	}
}

// A private repo of one body makes the next one no secret.
func TestVariantsLeaveNothingBehind(t *testing.T) {
	g := sample.NewGenerator(sample.Options{Repo: "acme/bert"})
	for _, name := range []string{"repo.create.private", "repo.config.update.private", "trap.unknown-type", "trap.one-word-name", "trap.version-4", "repo.move", "repo.delete"} {
		_, err := g.Next(name)
		require.NoError(t, err)
		body, err := g.Next("repo.update")
		require.NoError(t, err)
		p := decoded(t, body)
		assert.False(t, p.Repo.Private, name)
		assert.Equal(t, payload.RepoModel, p.Repo.Type, name)
		assert.Equal(t, "acme/bert", p.Repo.Name, name)
		assert.Empty(t, p.Problems(), name)
		assert.NotEmpty(t, p.Repo.HeadSHA, name)
	}
}

func TestBodiesShareNoMemory(t *testing.T) {
	g := sample.NewGenerator(sample.Options{})
	first, err := g.Next("repo.create")
	require.NoError(t, err)
	kept := bytes.Clone(first)
	_, err = g.Next("discussion.create")
	require.NoError(t, err)
	assert.Equal(t, kept, first)
}

func BenchmarkGenerate(b *testing.B) {
	for _, name := range []string{"repo.content.update", "discussion.create.pr", "repo.content.update.files-truncated"} {
		b.Run(name, func(b *testing.B) {
			g := sample.NewGenerator(sample.Options{})
			var bytes int64
			b.ReportAllocs()
			for b.Loop() {
				body, err := g.Next(name)
				if err != nil {
					b.Fatal(err)
				}
				bytes = int64(len(body))
			}
			b.SetBytes(bytes)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bodies/s")
		})
	}
}
