package sample_test

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
)

var update = flag.Bool("update", false, "write testdata/samples.golden anew")

// odd says what the decoder finds odd about the traps that are about just that.
var odd = map[string][]string{
	"trap.narrower-scope":   {`event.scope: unknown value: "repo.config.dois"`},
	"trap.narrower-comment": {`event.scope: unknown value: "discussion.comment.reaction"`, `reaction: unknown field`},
	"trap.unknown-scope":    {`event.scope: unknown value: "collection"`, `collection: unknown field`},
	"trap.unknown-action":   {`event.action: unknown value: "archive"`},
	"trap.unknown-type":     {`repo.type: unknown value: "notebook"`},
	"trap.unknown-status":   {`discussion.status: unknown value: "locked"`},
	"trap.version-4":        {`webhook.version: unknown value: 4`},
	"trap.new-fields": {
		`event.id: unknown field`, `repo.visibility: unknown field`, `repo.likes: unknown field`, `webhook.name: unknown field`,
		`updatedRefs[0].forced: unknown field`, `updatedRefs[0].commits: unknown field`,
		`sender: unknown field`, `createdAt: unknown field`, `extra: unknown field`,
	},
}

func TestNothingIsOddButWhatATrapIsAbout(t *testing.T) {
	for _, m := range everything(t) {
		var got []string
		for _, problem := range m.payload.Problems() {
			got = append(got, problem.String())
		}
		assert.Equal(t, odd[m.Name], got, m)
		assert.NoError(t, m.payload.Validate(), m)
		assert.Equal(t, payload.Event{Action: m.Action, Scope: m.Scope}, m.payload.Event, m)
	}
}

// Every documented scope and action is there for every type of repo that has it.
func TestNothingIsLeftOut(t *testing.T) {
	types := []payload.RepoType{payload.RepoModel, payload.RepoDataset, payload.RepoSpace, payload.RepoBucket, payload.RepoKernel}
	var all []payload.Event
	for _, scope := range []payload.Scope{payload.ScopeRepo, payload.ScopeRepoContent, payload.ScopeRepoConfig, payload.ScopeDiscussion, payload.ScopeDiscussionComment} {
		for _, action := range scope.Actions() {
			all = append(all, payload.Event{Action: action, Scope: scope})
		}
	}
	require.Len(t, all, 11)
	for _, e := range all {
		got, err := sample.Find(string(e.Scope) + "." + string(e.Action))
		require.NoError(t, err)
		want := types
		if e.Scope.Within(payload.ScopeDiscussion) {
			want = slices.DeleteFunc(slices.Clone(types), func(t payload.RepoType) bool { return t == payload.RepoBucket })
		}
		assert.ElementsMatch(t, want, got.Types, got.Name)
	}
}

func TestNamesCanBeTypedAndAreExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range sample.All() {
		assert.Regexp(t, `^[a-z0-9]+([.-][a-z0-9]+)+$`, e.Name)
		assert.False(t, seen[e.Name], e.Name)
		seen[e.Name] = true
		if !strings.HasPrefix(e.Name, "trap.") {
			assert.True(t, strings.HasPrefix(e.Name, string(e.Scope)+"."+string(e.Action)), e.Name)
		}
		assert.Regexp(t, `^\S.*[^. ]$`, e.About, e.Name)
		assert.NotContains(t, e.About, "\n", e.Name)
		assert.NotEmpty(t, e.Types, e.Name)
	}
}

// The golden file pins the bytes: a seed gives the same with every version of
// Go, and of hfhook as long as it can be helped. Write it anew with
// go test -run SameSeed -update.
func TestSameSeedSameBytes(t *testing.T) {
	var b strings.Builder
	line := func(what string, body []byte) {
		fmt.Fprintf(&b, "%-48s %x\n    %s\n", what, sha256.Sum256(body), decoded(t, body).Describe())
	}
	for _, m := range everything(t) {
		line(m.String(), m.payload.Raw)
	}
	for _, s := range sample.Scenarios() {
		steps, err := sample.Scenario(s.Name, sample.Options{Seed: 7})
		require.NoError(t, err)
		for _, step := range steps {
			line(fmt.Sprintf("%s: %s %s +%s", s.Name, step.Event, step.WebhookID, step.Delay), step.Body)
		}
	}
	const golden = "testdata/samples.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}

func TestAnotherSeedAnotherBody(t *testing.T) {
	for _, e := range sample.All() {
		seen := map[string]uint64{}
		for seed := range uint64(20) {
			body, err := sample.New(e.Name, sample.Options{Seed: seed})
			require.NoError(t, err)
			before, ok := seen[string(body)]
			assert.False(t, ok, "%s of seeds %d and %d", e.Name, before, seed)
			seen[string(body)] = seed
		}
	}
}

func TestRepoAndTypeAreTakenUp(t *testing.T) {
	for _, c := range []struct {
		kind     payload.RepoType
		web, api string
	}{
		{payload.RepoModel, "https://huggingface.co/Acme/My_Bot.v2", "https://huggingface.co/api/models/Acme/My_Bot.v2"},
		{payload.RepoDataset, "https://huggingface.co/datasets/Acme/My_Bot.v2", "https://huggingface.co/api/datasets/Acme/My_Bot.v2"},
		{payload.RepoSpace, "https://huggingface.co/spaces/Acme/My_Bot.v2", "https://huggingface.co/api/spaces/Acme/My_Bot.v2"},
		{payload.RepoBucket, "https://huggingface.co/buckets/Acme/My_Bot.v2", "https://huggingface.co/api/buckets/Acme/My_Bot.v2"},
		{payload.RepoKernel, "https://huggingface.co/kernels/Acme/My_Bot.v2", "https://huggingface.co/api/kernels/Acme/My_Bot.v2"},
	} {
		body, err := sample.New("repo.move", sample.Options{Type: c.kind, Repo: "Acme/My_Bot.v2"})
		require.NoError(t, err)
		p := decoded(t, body)
		assert.Equal(t, c.kind, p.Repo.Type)
		assert.Equal(t, "Acme/My_Bot.v2", p.Repo.Name)
		assert.Equal(t, payload.URL{Web: c.web, API: c.api}, p.Repo.URL)
		assert.Equal(t, "Acme/renamed-My_Bot.v2", p.MovedTo.Name)
		if c.kind == payload.RepoSpace {
			assert.Equal(t, "acme-my-bot-v2", p.Repo.Subdomain)
		}
	}
}

func TestWhatThereIsNot(t *testing.T) {
	_, err := sample.New("discussion.merge", sample.Options{})
	assert.EqualError(t, err, `there is no event "discussion.merge"`)
	assert.ErrorAs(t, err, new(*sample.UnknownError))
	_, err = sample.Find("")
	assert.ErrorAs(t, err, new(*sample.UnknownError))
	_, err = sample.New("discussion.create", sample.Options{Type: payload.RepoBucket})
	assert.EqualError(t, err, `discussion.create does not happen to a bucket, only to model, dataset, space, kernel`)
	assert.ErrorAs(t, err, new(*sample.TypeError))
	_, err = sample.Scenario("pr", sample.Options{})
	assert.EqualError(t, err, `there is no scenario "pr"`)
	_, err = sample.Scenario("bucket-sync", sample.Options{Type: payload.RepoModel})
	assert.EqualError(t, err, `bucket-sync does not happen to a model, only to bucket`)
}

// Nobody who is given a list can change what is made.
func TestListsAreCopies(t *testing.T) {
	all := sample.All()
	all[0].Name, all[1].Types[0] = "x", "y"
	assert.NotEqual(t, "x", sample.All()[0].Name)
	assert.NotEqual(t, payload.RepoType("y"), sample.All()[1].Types[0])
	found, err := sample.Find(sample.All()[0].Name)
	require.NoError(t, err)
	found.Types[0] = "y"
	scenarios := sample.Scenarios()
	scenarios[0].Types[0] = "y"
	assert.NotEqual(t, payload.RepoType("y"), sample.All()[0].Types[0])
	assert.NotEqual(t, payload.RepoType("y"), sample.Scenarios()[0].Types[0])
}

// Bodies are JSON on one line, in which nothing steers a terminal.
func TestBodiesAreHarmlessToPrint(t *testing.T) {
	for _, m := range everything(t) {
		assert.True(t, json.Valid(m.payload.Raw), m)
		assert.Equal(t, string(m.payload.Raw), payload.Printable(string(m.payload.Raw)), m)
	}
	p := make1(t, "trap.hostile-text", payload.RepoModel)
	assert.Contains(t, p.Discussion.Title, "\x1b[31m")
	assert.Contains(t, p.Discussion.Title, "\u202e")
	assert.Contains(t, p.Comment.Content.Value(), "\x00")
	assert.Contains(t, p.Comment.Content.Value(), "\U000e0041")
	var same struct{ Discussion struct{ Title string } }
	require.NoError(t, json.Unmarshal(p.Raw, &same))
	assert.Equal(t, same.Discussion.Title, p.Discussion.Title)
}

func ExampleNew() {
	body, err := sample.New("discussion.update.merged", sample.Options{Repo: "acme/bert", Seed: 7})
	if err != nil {
		panic(err)
	}
	p, _ := payload.Decode(body)
	fmt.Println(p)
	// Output: PR #40 "Add a licence to the card" merged into main on model acme/bert
}
