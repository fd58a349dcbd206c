package sample_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
)

// What huggingface_hub's receiver refuses with 422: the rules of the pydantic
// models in its _webhooks_payload.py, as of August 2026. A body that it refuses
// is a failed delivery to the Hub.
func TestWhatHuggingfaceHubRefuses(t *testing.T) {
	for _, m := range everything(t) {
		want := ""
		switch kind := m.payload.Repo.Type; { // in the order of the fields
		case m.Name == "trap.unknown-action":
			want = "event.action: not one of [create delete move update]"
		case kind == payload.RepoBucket, kind == payload.RepoKernel, kind == "notebook":
			want = "repo.type: not one of [dataset model space]"
		case m.Name == "trap.unknown-status":
			want = "discussion.status: not one of [closed draft open merged]"
		case m.Name == "trap.version-4":
			want = "webhook.version: not one of [3]"
		}
		got := ""
		if err := webhookPayload(m.payload.Raw); err != nil {
			got = err.Error()
		}
		assert.Equal(t, want, got, m)
	}
}

// The copy of the rules refuses what it should also where no sample does.
func TestRulesOfHuggingfaceHub(t *testing.T) {
	body, err := sample.New("discussion.create.pr", sample.Options{})
	require.NoError(t, err)
	require.NoError(t, webhookPayload(body))
	for path, want := range map[string]string{
		"event":                   "event: missing",
		"repo.owner":              "repo.owner: missing",
		"repo.headSha":            "",
		"repo.url.api":            "",
		"repo.url.web":            "repo.url.web: missing",
		"discussion":              "",
		"discussion.num":          "discussion.num: missing",
		"discussion.changes":      "",
		"discussion.changes.base": "discussion.changes.base: missing",
		"comment.content":         "",
		"comment.hidden":          "comment.hidden: missing",
		"webhook.id":              "webhook.id: missing",
	} {
		got := ""
		if err := webhookPayload(without(t, body, path)); err != nil {
			got = err.Error()
		}
		assert.Equal(t, want, got, path)
	}
	assert.EqualError(t, webhookPayload([]byte(`{"event":{"action":"move","scope":3}}`)), "event.scope: no string")
}

// rule checks the value of a field.
type rule func(path string, v any) error

// model is a pydantic model: fields in their order, those with a "?" optional.
// Fields that it does not have are passed over.
func model(fields ...any) rule {
	return func(path string, v any) error {
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: no object", path)
		}
		for i := 0; i < len(fields); i += 2 {
			name := fields[i].(string)
			optional := name[len(name)-1] == '?'
			if optional {
				name = name[:len(name)-1]
			}
			at := name
			if path != "" {
				at = path + "." + name
			}
			value, there := o[name]
			switch {
			case optional && value == nil:
				continue
			case !there:
				return fmt.Errorf("%s: missing", at)
			}
			if err := fields[i+1].(rule)(at, value); err != nil {
				return err
			}
		}
		return nil
	}
}

func is[T any](what string) rule {
	return func(path string, v any) error {
		if _, ok := v.(T); !ok {
			return fmt.Errorf("%s: no %s", path, what)
		}
		return nil
	}
}

func literal(allowed ...any) rule {
	return func(path string, v any) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%s: not one of %v", path, allowed)
		}
		return nil
	}
}

func listOf(element rule) rule {
	return func(path string, v any) error {
		values, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%s: no list", path)
		}
		for i, value := range values {
			if err := element(fmt.Sprintf("%s[%d]", path, i), value); err != nil {
				return err
			}
		}
		return nil
	}
}

var (
	str      = is[string]("string")
	boolean  = is[bool]("boolean")
	number   = is[float64]("number")
	objectID = model("id", str)
	address  = model("web", str, "api?", str)

	theirPayload = model(
		"event", model("action", literal("create", "delete", "move", "update"), "scope", str),
		"repo", model(
			"id", str, "owner", objectID, "head_sha?", str, "name", str, "private", boolean, "subdomain?", str,
			"tags?", listOf(str), "type", literal("dataset", "model", "space"), "url", address,
		),
		"discussion?", model(
			"id", str, "num", number, "author", objectID, "url", address, "title", str, "isPullRequest", boolean,
			"status", literal("closed", "draft", "open", "merged"),
			"changes?", model("base", str, "mergeCommitId?", str), "pinned?", boolean,
		),
		"comment?", model("id", str, "author", objectID, "hidden", boolean, "content?", str, "url", address),
		"webhook", model("id", str, "version", literal(3.0)),
		"movedTo?", model("name", str, "owner", objectID),
		"updatedRefs?", listOf(model("ref", str, "oldSha?", str, "newSha?", str)),
	)
)

// webhookPayload is huggingface_hub's WebhookPayload: it gives the first thing
// that it does not take.
func webhookPayload(body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	return theirPayload("", v)
}

// without takes a field out of a body.
func without(t *testing.T, body []byte, path string) []byte {
	t.Helper()
	var whole map[string]any
	require.NoError(t, json.Unmarshal(body, &whole))
	o, names := whole, strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		o = o[name].(map[string]any)
	}
	delete(o, names[len(names)-1])
	changed, err := json.Marshal(whole)
	require.NoError(t, err)
	return changed
}
