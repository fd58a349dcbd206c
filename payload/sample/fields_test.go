package sample_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
)

// A sample has the keys and the kinds of values of a body with the same event
// that is known from elsewhere.
func TestSamplesAreShapedLikeTheHubs(t *testing.T) {
	for file, name := range map[string]string{
		"repo.create.model.composed":                            "repo.create",
		"repo.create.dataset.private.composed":                  "repo.create.private",
		"repo.update.space.composed":                            "repo.update",
		"repo.move.model.rename.composed":                       "repo.move",
		"repo.move.space.transfer.composed":                     "repo.move.transfer",
		"repo.delete.dataset.composed":                          "repo.delete",
		"repo.content.update.model.commit.composed":             "repo.content.update",
		"repo.content.update.space.commit.composed":             "repo.content.update",
		"repo.content.update.bucket.add.composed":               "repo.content.update",
		"repo.content.update.model.branch-create.composed":      "repo.content.update.branch-created",
		"repo.content.update.model.branch-delete.composed":      "repo.content.update.branch-deleted",
		"repo.content.update.model.branch-and-tag.docs":         "repo.content.update.several",
		"repo.content.update.space.pr-ref.hfh":                  "repo.content.update.pr-ref",
		"repo.content.update.dataset.convert-parquet.composed":  "repo.content.update.parquet",
		"repo.content.update.model.tags.docs-2023":              "repo.content.update.repo-tags",
		"repo.content.update.bucket.delete.composed":            "repo.content.update.files-deleted",
		"repo.content.update.bucket.docs":                       "repo.content.update.files-truncated",
		"repo.config.update.model.private-false.docs":           "repo.config.update",
		"repo.config.update.dataset.private-true.composed":      "repo.config.update.private",
		"repo.config.update.model.xet-enabled.docs-2025":        "repo.config.update.other-key",
		"repo.config.visibility.delete.space.composed":          "trap.narrower-scope",
		"discussion.create.model.composed":                      "discussion.create",
		"discussion.create.model.pr.docs":                       "discussion.create.pr",
		"discussion.create.dataset.pr-draft.composed":           "discussion.create.draft",
		"discussion.update.space.pr-closed.hfh":                 "discussion.update.pr-closed",
		"discussion.update.model.pr-merged.composed":            "discussion.update.merged",
		"discussion.delete.space.composed":                      "discussion.delete",
		"discussion.comment.create.dataset.composed":            "discussion.comment.create",
		"discussion.comment.update.model.hidden.composed":       "discussion.comment.update.hidden",
		"discussion.comment.create.model.hostile-text.composed": "trap.hostile-text",
		"discussion.comment.reaction.create.model.composed":     "trap.narrower-comment",
	} {
		t.Run(file, func(t *testing.T) {
			body, err := os.ReadFile("../testdata/" + file + ".json")
			require.NoError(t, err)
			want := decoded(t, body)
			got := make1(t, name, want.Repo.Type)
			assert.Equal(t, shape(t, body), shape(t, got.Raw))
			assert.Equal(t, want.Repo.Private, got.Repo.Private)
			if !strings.HasPrefix(name, "trap.") {
				assert.Equal(t, want.Event, got.Event)
			}
			if want.Discussion != nil {
				assert.Equal(t, want.Discussion.Status, got.Discussion.Status)
				assert.Equal(t, want.Discussion.IsPullRequest, got.Discussion.IsPullRequest)
			}
			if want.MovedTo != nil {
				assert.Equal(t, want.MovedTo.Owner == want.Repo.Owner, got.MovedTo.Owner == got.Repo.Owner)
			}
		})
	}
}

// shape is a JSON text with a word for the kind of each value. Of a list, each
// shape of its elements counts once.
func shape(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(text, &v))
	return shapeOf(v)
}

func shapeOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = shapeOf(v[k])
		}
		return v
	case []any:
		shapes := map[string]bool{}
		for i := range v {
			shapes[fmt.Sprint(shapeOf(v[i]))] = true
		}
		return shapes
	}
	return fmt.Sprintf("%T", v)
}

var (
	oid = regexp.MustCompile(`^[0-9a-f]{24}$`)
	sha = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// Which fields there are follows from scope, action and type of repo.
func TestFieldsAreThereWhenTheHubSendsThem(t *testing.T) {
	for _, m := range everything(t) {
		p, scope, kind := m.payload, m.Scope, m.payload.Repo.Type
		text := string(p.Raw)
		for _, id := range []string{p.Repo.ID, p.Repo.Owner.ID, p.Webhook.ID} {
			assert.Regexp(t, oid, id, m)
		}
		if m.Name != "trap.version-4" {
			assert.EqualValues(t, 3, p.Webhook.Version, m)
		}
		inRepo := scope.Within(payload.ScopeRepo)
		head := inRepo && kind != payload.RepoBucket && m.Name != "repo.delete"
		assert.Equal(t, head, strings.Contains(text, `"headSha"`), m)
		if head {
			assert.Regexp(t, sha, p.Repo.HeadSHA, m)
		}
		assert.Equal(t, inRepo && kind == payload.RepoSpace, strings.Contains(text, `"subdomain"`), m)
		assert.Equal(t, m.Name == "repo.content.update.repo-tags", p.Repo.Tags != nil, m)
		assert.Equal(t, scope == payload.ScopeRepo && m.Action == payload.ActionMove, p.MovedTo != nil, m)
		assert.Equal(t, scope.Within(payload.ScopeRepoConfig), p.UpdatedConfig != nil, m)
		content := scope == payload.ScopeRepoContent
		assert.Equal(t, content && kind != payload.RepoBucket, len(p.UpdatedRefs) > 0, m)
		assert.Equal(t, content && kind == payload.RepoBucket, len(p.UpdatedFiles) > 0, m)
		for _, ref := range p.UpdatedRefs {
			assert.Regexp(t, `^refs/(heads|tags|pr|convert)/.`, ref.Ref, m)
			for _, one := range []payload.Nullable[string]{ref.OldSHA, ref.NewSHA} {
				if !one.IsNull() {
					assert.Regexp(t, sha, one.Value(), m)
				}
			}
			assert.NotEqual(t, ref.OldSHA, ref.NewSHA, m)
			if branch, _ := ref.Branch(); branch == "main" {
				assert.Equal(t, ref.NewSHA.Value(), p.Repo.HeadSHA, m)
			}
		}
		for _, file := range p.UpdatedFiles {
			if file.Action == payload.ActionAdd {
				require.Len(t, file.XetHash, 64, m)
			} else {
				require.Equal(t, payload.UpdatedFile{Path: file.Path, Action: payload.ActionDelete}, file, m)
			}
		}
		assert.Equal(t, scope.Within(payload.ScopeDiscussion), p.Discussion != nil, m)
		comment := scope.Within(payload.ScopeDiscussionComment) || scope == payload.ScopeDiscussion && m.Action == payload.ActionCreate
		assert.Equal(t, comment, p.Comment != nil, m)
		if d := p.Discussion; d != nil {
			at := fmt.Sprintf("/discussions/%d", d.Num)
			assert.Equal(t, payload.URL{Web: p.Repo.URL.Web + at, API: p.Repo.URL.API + at}, d.URL, m)
			assert.Equal(t, d.IsPullRequest, d.Changes != nil, m)
			assert.Equal(t, d.Status == payload.StatusMerged, d.Changes != nil && d.Changes.MergeCommitID != "", m)
			if c := p.Comment; c != nil {
				assert.Equal(t, payload.URL{Web: d.URL.Web + "#" + c.ID}, c.URL, m)
				_, said := c.Content.Get()
				assert.Equal(t, c.Hidden, !said, m)
			}
		}
	}
}

// What the single traps are about.
func TestTraps(t *testing.T) {
	model := func(name string) *payload.Payload { return make1(t, name, payload.RepoModel) }
	cut := make1(t, "repo.content.update.files-truncated", payload.RepoBucket)
	assert.True(t, cut.UpdatedFilesTruncated)
	assert.Len(t, cut.UpdatedFiles, 10_000)
	assert.Greater(t, len(cut.Raw), 1<<20, "beyond what many servers take")
	assert.Empty(t, model("repo.config.update.empty").UpdatedConfig)
	assert.Equal(t, payload.Set(""), model("discussion.create.draft").Comment.Content)
	assert.Equal(t, payload.StatusDraft, model("discussion.create.draft").Discussion.Status)
	assert.True(t, model("repo.create.private").Repo.Private)
	assert.Greater(t, len(model("trap.large-comment").Raw), 200_000)
	assert.Equal(t, "example-model", model("trap.one-word-name").Repo.Name)
	assert.Equal(t, payload.Event{Action: payload.ActionUpdate, Scope: payload.ScopeRepoConfig}, model("trap.narrower-scope").Event.Effective())
	assert.True(t, model("repo.content.update.branch-created").UpdatedRefs[0].Created())
	assert.True(t, model("repo.content.update.branch-deleted").UpdatedRefs[0].Deleted())
	_, tag := model("repo.content.update.tag-created").UpdatedRefs[0].Tag()
	assert.True(t, tag)
	_, parquet := make1(t, "repo.content.update.parquet", payload.RepoDataset).UpdatedRefs[0].Converted()
	assert.True(t, parquet)
	mixed := make1(t, "repo.content.update.files-mixed", payload.RepoBucket)
	assert.Contains(t, string(mixed.Raw), `"size":0`)
}
