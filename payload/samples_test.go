package payload

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/describe.golden anew")

// samples are the bodies in testdata. Those named docs or hfh were printed or
// logged by Hugging Face, composed ones follow the documented rules.
func samples(t testing.TB) map[string][]byte {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.Len(t, files, 35)
	bodies := make(map[string][]byte)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		bodies[filepath.Base(file)] = body
	}
	return bodies
}

func decode(t testing.TB, body string) *Payload {
	t.Helper()
	p, err := Decode([]byte(body))
	require.NoError(t, err, body)
	return p
}

// bareOf is a payload without what is not part of its JSON.
func bareOf(p *Payload) Payload {
	c := *p
	c.Raw, c.problems, c.oldVersion = nil, nil, 0
	return c
}

func TestSamplesDecodeAsEncodingJSONDoes(t *testing.T) {
	for name, body := range samples(t) {
		p, err := Decode(body)
		require.NoError(t, err, name)
		assert.Equal(t, body, p.Raw, name)
		var want Payload
		require.NoError(t, json.Unmarshal(body, &want), name)
		assert.Equal(t, want, bareOf(p), name)
	}
}

func TestSamplesSurviveARoundTrip(t *testing.T) {
	for name, body := range samples(t) {
		p, err := Decode(body)
		require.NoError(t, err, name)
		written, err := json.Marshal(p)
		require.NoError(t, err, name)
		again, err := Decode(written)
		require.NoError(t, err, name)
		assert.Equal(t, bareOf(p), bareOf(again), name)
		assert.NoError(t, again.Validate(), name)
	}
}

func TestNilAndEmptySurviveARoundTrip(t *testing.T) {
	for _, fields := range []string{``, `"updatedConfig":{},`, `"updatedRefs":[],`, `"updatedFiles":[],`} {
		p := decode(t, `{`+fields+`"repo":{"tags":[]}}`)
		written, err := json.Marshal(p)
		require.NoError(t, err)
		assert.Equal(t, bareOf(p), bareOf(decode(t, string(written))), fields)
		if key, _, ok := strings.Cut(fields, ":"); ok {
			assert.Contains(t, string(written), key)
		}
	}
	p := decode(t, `{"updatedConfig":null,"updatedRefs":null,"updatedFiles":null,"repo":{"tags":null}}`)
	assert.Nil(t, p.UpdatedConfig)
	assert.Nil(t, p.UpdatedRefs)
	assert.Nil(t, p.UpdatedFiles)
	assert.Nil(t, p.Repo.Tags)
}

func TestAddedFileKeepsItsSizeOfZero(t *testing.T) {
	written, err := json.Marshal([]UpdatedFile{{Path: "a", Action: ActionAdd, XetHash: "00"}, {Path: "b", Action: ActionDelete}})
	require.NoError(t, err)
	assert.JSONEq(t, `[{"path":"a","action":"add","xetHash":"00","size":0},{"path":"b","action":"delete"}]`, string(written))
}

// The samples that were composed with invented scopes, actions or fields have
// those as problems; all others have none.
func TestSamplesHaveNoProblemsButInventedThings(t *testing.T) {
	invented := map[string][]string{
		"discussion.comment.reaction.create.model.composed.json": {
			`event.scope: unknown value: "discussion.comment.reaction"`,
			`reaction: unknown field`,
		},
		"repo.config.visibility.delete.space.composed.json": {
			`event.scope: unknown value: "repo.config.visibility"`,
		},
		"repo.content.update.model.extra-fields.composed.json": {
			`repo.visibility: unknown field`,
			`webhook.name: unknown field`,
			`updatedRefs[0].forced: unknown field`,
			`sender: unknown field`,
			`createdAt: unknown field`,
		},
	}
	for name, body := range samples(t) {
		p, err := Decode(body)
		require.NoError(t, err, name)
		var got []string
		for _, problem := range p.Problems() {
			got = append(got, problem.String())
		}
		assert.Equal(t, invented[name], got, name)
		assert.NoError(t, p.Validate(), name)
	}
}

// The golden file is for readers: it shows the language of Describe. Write it
// anew with go test -run Golden -update.
func TestDescribeGolden(t *testing.T) {
	var b strings.Builder
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		fmt.Fprintf(&b, "%s\n    %s\n", filepath.Base(file), decode(t, string(body)).Describe())
	}
	b.WriteString("\ngenerated: every scope, action and repo type\n")
	for _, p := range everything() {
		fmt.Fprintf(&b, "    %s\n", p.Describe())
	}
	const golden = "testdata/describe.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}

// everything makes a payload for every documented and some invented pairs of
// scope and action, on every repo type and an invented one.
func everything() []*Payload {
	var all []*Payload
	for _, scope := range []Scope{ScopeRepo, ScopeRepoContent, ScopeRepoConfig, ScopeDiscussion, ScopeDiscussionComment, "repo.config.dois", "space.build"} {
		for _, action := range []Action{ActionCreate, ActionDelete, ActionUpdate, ActionMove, "archive"} {
			for _, kind := range []RepoType{RepoModel, RepoDataset, RepoSpace, RepoBucket, RepoKernel, "notebook"} {
				p := &Payload{
					Event:   Event{Action: action, Scope: scope},
					Repo:    Repo{Type: kind, Name: "acme/thing", ID: "1", URL: URL{Web: "https://huggingface.co/acme/thing"}, Owner: ObjectID{ID: "2"}},
					Webhook: Webhook{ID: "3", Version: 3},
				}
				switch {
				case scope.Within(ScopeRepoContent) && kind == RepoBucket:
					p.UpdatedFiles = []UpdatedFile{{Path: "a.txt", Action: ActionAdd, XetHash: "00"}, {Path: "b.txt", Action: ActionDelete}}
				case scope.Within(ScopeRepoContent):
					p.UpdatedRefs = []UpdatedRef{{Ref: "refs/heads/main", OldSHA: Set("ce9a4674fa833a68"), NewSHA: Set("575db8b7a51b6f85")}}
				case scope.Within(ScopeRepoConfig):
					p.UpdatedConfig = map[string]json.RawMessage{"private": json.RawMessage("true")}
				case scope.Within(ScopeDiscussion):
					p.Discussion = &Discussion{ID: "4", Num: 7, Title: "Which tokenizer?", URL: URL{Web: "https://huggingface.co/acme/thing/discussions/7"}, Status: StatusOpen, Author: ObjectID{ID: "5"}}
					p.Comment = &Comment{ID: "6", Author: ObjectID{ID: "5"}, Content: Set("The card does not say."), URL: URL{Web: "https://huggingface.co/acme/thing/discussions/7#6"}}
				}
				if scope == ScopeRepo && action == ActionMove {
					p.MovedTo = &MovedTo{Name: "acme/other", Owner: ObjectID{ID: "2"}}
				}
				all = append(all, p)
			}
		}
	}
	return all
}

func TestEverythingSurvivesARoundTrip(t *testing.T) {
	for _, p := range everything() {
		body, err := json.Marshal(p)
		require.NoError(t, err)
		again := decode(t, string(body))
		assert.Equal(t, *p, bareOf(again))
		assert.NoError(t, again.Validate())
		if p.Event.Known() && p.Repo.Type.Known() {
			assert.Empty(t, again.Problems(), string(body))
		} else {
			assert.NotEmpty(t, again.Problems(), string(body))
		}
	}
}
