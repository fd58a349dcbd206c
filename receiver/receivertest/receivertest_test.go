package receivertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/receivertest"
)

// Each sample has the keys and the kinds of values of a body with the same
// event that is known from elsewhere.
func TestSamplesAreShapedLikeTheHubs(t *testing.T) {
	rt := receivertest.Type
	for file, p := range map[string]*payload.Payload{
		"repo.content.update.model.commit.composed":        receivertest.CommitPushed(),
		"repo.content.update.space.commit.composed":        receivertest.CommitPushed(rt(payload.RepoSpace)),
		"repo.content.update.model.branch-create.composed": receivertest.BranchCreated("feature/x"),
		"repo.content.update.bucket.add.composed":          receivertest.FilesAdded([]string{"a"}),
		"repo.content.update.bucket.delete.composed":       receivertest.FilesDeleted([]string{"a"}),
		"discussion.create.model.composed":                 receivertest.DiscussionOpened(),
		"discussion.create.model.pr.docs":                  receivertest.PullRequestOpened(),
		"discussion.update.model.pr-merged.composed":       receivertest.PullRequestMerged(),
		"discussion.comment.create.dataset.composed":       receivertest.CommentPosted("x", rt(payload.RepoDataset)),
		"discussion.comment.update.model.hidden.composed":  receivertest.CommentHidden(),
		"repo.create.model.composed":                       receivertest.RepoCreated(),
		"repo.create.dataset.private.composed":             receivertest.RepoCreated(rt(payload.RepoDataset), receivertest.Private()),
		"repo.delete.dataset.composed":                     receivertest.RepoDeleted(rt(payload.RepoDataset)),
		"repo.move.model.rename.composed":                  receivertest.RepoMoved("some-user/b"),
		"repo.move.space.transfer.composed":                receivertest.RepoMoved("some-org/b", rt(payload.RepoSpace)),
		"repo.config.update.dataset.private-true.composed": receivertest.ConfigChanged("private", true, rt(payload.RepoDataset)),
	} {
		t.Run(file, func(t *testing.T) {
			want, err := os.ReadFile("../../payload/testdata/" + file + ".json")
			require.NoError(t, err)
			assert.Equal(t, shape(t, want), shape(t, p.Raw))
			assert.Empty(t, p.Problems())
			same, err := payload.Decode(want)
			require.NoError(t, err)
			assert.Equal(t, same.Event, p.Event)
			assert.Equal(t, same.Repo.Type, p.Repo.Type)
			if same.MovedTo != nil {
				assert.Equal(t, same.MovedTo.Owner == same.Repo.Owner, p.MovedTo.Owner == p.Repo.Owner)
			}
		})
	}
	assert.Equal(t, "https://huggingface.co/datasets/acme/x", receivertest.RepoCreated(rt(payload.RepoDataset), receivertest.Repo("acme/x")).Repo.URL.Web)
	assert.Equal(t, "https://huggingface.co/acme/x", receivertest.RepoCreated(receivertest.Repo("acme/x")).Repo.URL.Web)
	assert.Contains(t, string(receivertest.ConfigChanged("", nil).Raw), `"updatedConfig":{}`)
	p := receivertest.PullRequestOpened(receivertest.Author("me"))
	assert.Equal(t, "me", p.Discussion.Author.ID)
	assert.Equal(t, "me", p.Comment.Author.ID)
}

// shape is a JSON text with a word for the kind of each value.
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
		for i := range v {
			v[i] = shapeOf(v[i])
		}
		return v
	}
	return fmt.Sprintf("%T", v)
}

func TestPost(t *testing.T) {
	s := receiver.New(receiver.Options{Secrets: []string{"s"}})
	var got *payload.Payload
	var id string
	s.Handle("my_hook", func(ctx context.Context, p *payload.Payload) (any, error) {
		got, id = p, receiver.DeliveryFrom(ctx).WebhookID
		return p.Repo.Name, nil
	})
	p := receivertest.PullRequestOpened(receivertest.Repo("acme/x"))
	resp := receivertest.Post(t, s, "my_hook", p, receivertest.Secret("s"), receivertest.WebhookID("W1"))
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, `"acme/x"`, string(answer))
	assert.Equal(t, p, got)
	assert.Equal(t, "W1", id)
	assert.Equal(t, 401, receivertest.Post(t, s, "my_hook", p).StatusCode)
	assert.Equal(t, 404, receivertest.Post(t, s, "other hook", p).StatusCode)

	receivertest.Post(t, s, "my_hook", p, receivertest.Secret("s"))
	first := id
	receivertest.Post(t, s, "my_hook", p, receivertest.Secret("s"))
	assert.NotEqual(t, first, id)
}

// Whatever can be made up comes in at a receiver, bit for bit.
func TestEverySampleComesIn(t *testing.T) {
	s := receiver.New(receiver.Options{NoSecret: true})
	var got *payload.Payload
	s.Handle("my_hook", func(_ context.Context, p *payload.Payload) (any, error) {
		got = p
		return nil, nil
	})
	for _, e := range sample.All() {
		p := receivertest.Sample(t, e.Name, sample.Options{Repo: "acme/x"})
		assert.Equal(t, 200, receivertest.Post(t, s, "my_hook", p).StatusCode, e.Name)
		assert.Equal(t, string(p.Raw), string(got.Raw), e.Name)
		assert.Equal(t, e.Scope, got.Event.Scope, e.Name)
	}
}

func TestBodyFollowsThePayload(t *testing.T) {
	read := func(p *payload.Payload) string {
		b, err := io.ReadAll(receivertest.Request("x", p).Body)
		require.NoError(t, err)
		return string(b)
	}
	raw := `{ "event": {"scope":"repo","action":"create"}, "new": 1 }`
	p, err := payload.Decode([]byte(raw))
	require.NoError(t, err)
	assert.Equal(t, raw, read(p), "as it was decoded, with what is unknown")
	p.Repo.Name = "changed/since"
	assert.Contains(t, read(p), `"name":"changed/since"`)
	assert.Contains(t, read(&payload.Payload{}), `"event":`)
}
