package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

func testFilters(t *testing.T, s replay.Store) {
	for i, change := range []func(d *replay.Delivery){
		1: func(d *replay.Delivery) { d.WebhookID, d.Repo = "one", "Org/Name-1" },
		2: func(d *replay.Delivery) { d.Scope, d.Repo = "repo", "org/name_2" },
		3: func(d *replay.Delivery) { d.Scope, d.Repo, d.Endpoint = "repo.config.dois", "org/100%", "other" },
		4: func(d *replay.Delivery) { d.Scope, d.Repo, d.Action = "repository", "org/[ab]", "create" },
		5: func(d *replay.Delivery) { d.Scope, d.Repo, d.RepoType = "discussion", `o\r'g/x`, "dataset" },
		6: func(d *replay.Delivery) { d.Verdict, d.Scope, d.Repo, d.RepoType = replay.Rejected, "", "", "" },
		7: func(d *replay.Delivery) {
			d.Verdict, d.Body = replay.Undecodable, []byte("100% SURE [Text] it's\x00 a_b \\ ÄÖ \xff end")
			d.Scope, d.Repo = "", ""
		},
	} {
		if i == 0 {
			continue
		}
		d := delivery(fmt.Sprint("id-", i), fmt.Sprintf("body number %d", i))
		change(&d)
		d.BodySize = int64(len(d.Body))
		in := incoming(d)
		in.Arrival.Time = now.Add(time.Duration(i) * time.Hour)
		if i == 1 || i == 2 {
			in.Targets = []string{targetA}
		}
		require.Equal(t, int64(i), add(t, s, in).DeliveryID)
	}
	// A later arrival does not move a delivery.
	late := incoming(delivery("one", "body number 1"))
	late.Delivery.Repo = "Org/Name-1"
	late.Arrival.Time = now.Add(100 * time.Hour)
	require.Equal(t, int64(1), add(t, s, late).DeliveryID)

	for id, statuses := range map[int64][]int{2: {500, 204}, 3: {200, 404}, 4: {503}, 5: {0}, 6: {404, 200}} {
		for _, status := range statuses {
			a := attempt(id, targetB)
			a.Status = status
			if status == 0 {
				a.Failure = replay.FailRefused
			}
			require.NoError(t, s.Finish(t.Context(), a))
		}
	}
	broken := attempt(6, targetA) // a 200 that ended in the middle
	broken.Failure, broken.Kind = replay.FailBroken, replay.Replayed
	require.NoError(t, s.Finish(t.Context(), broken))

	all := []int64{1, 2, 3, 4, 5, 6, 7}
	for _, c := range []struct {
		name string
		f    replay.Filter
		want []int64
	}{
		{"nothing", replay.Filter{}, all},
		{"from", replay.Filter{FromID: 6}, []int64{6, 7}},
		{"to", replay.Filter{ToID: 2}, []int64{1, 2}},
		{"range", replay.Filter{FromID: 3, ToID: 4}, []int64{3, 4}},
		{"empty range", replay.Filter{FromID: 4, ToID: 3}, nil},
		{"webhook id", replay.Filter{WebhookID: "id-4"}, []int64{4}},
		{"webhook id, case", replay.Filter{WebhookID: "ID-4"}, nil},
		{"webhook id, pattern", replay.Filter{WebhookID: "id-*"}, nil},
		{"since", replay.Filter{Since: now.Add(6 * time.Hour)}, []int64{6, 7}},
		{"since, a little later", replay.Filter{Since: now.Add(6*time.Hour + time.Nanosecond)}, []int64{7}},
		{"until", replay.Filter{Until: now.Add(2 * time.Hour)}, []int64{1}},
		{"until, a little later", replay.Filter{Until: now.Add(2*time.Hour + time.Nanosecond)}, []int64{1, 2}},
		{"since in another zone", replay.Filter{Since: now.Add(7 * time.Hour).In(time.FixedZone("x", -9*3600))}, []int64{7}},
		{"endpoint", replay.Filter{Endpoints: []string{"other"}}, []int64{3}},
		{"endpoint, case", replay.Filter{Endpoints: []string{"OTHER"}}, nil},
		{"endpoints", replay.Filter{Endpoints: []string{"other", "dev"}}, all},
		{"scope and narrower", replay.Filter{Scopes: []payload.Scope{"repo"}}, []int64{1, 2, 3}},
		{"narrower scope", replay.Filter{Scopes: []payload.Scope{"repo.config"}}, []int64{3}},
		{"scope is no other pattern", replay.Filter{Scopes: []payload.Scope{"repo%", "rep_", "[r]epo*"}}, nil},
		{"scope, star", replay.Filter{Scopes: []payload.Scope{"repo*"}}, []int64{1, 2, 3, 4}},
		{"scope, inner star", replay.Filter{Scopes: []payload.Scope{"re*.config*"}}, []int64{3}},
		{"scope, star and narrower", replay.Filter{Scopes: []payload.Scope{"*.config"}}, []int64{3}},
		{"scope, question mark", replay.Filter{Scopes: []payload.Scope{"rep?"}}, []int64{1, 2, 3}},
		{"scope, star and case", replay.Filter{Scopes: []payload.Scope{"REPO*"}}, nil},
		{"scopes, star and none", replay.Filter{Scopes: []payload.Scope{"d*", "repo.config"}}, []int64{3, 5}},
		{"scopes", replay.Filter{Scopes: []payload.Scope{"discussion", "repository"}}, []int64{4, 5}},
		{"action", replay.Filter{Actions: []payload.Action{"create"}}, []int64{4}},
		{"actions", replay.Filter{Actions: []payload.Action{"create", "update"}}, all},
		{"repo", replay.Filter{Repos: []string{"org/name_2"}}, []int64{2}},
		{"repo, case", replay.Filter{Repos: []string{"oRG/nAME-1"}}, []int64{1}},
		{"repo, prefix only", replay.Filter{Repos: []string{"org/name"}}, nil},
		{"repo, star", replay.Filter{Repos: []string{"ORG/*"}}, []int64{1, 2, 3, 4}},
		{"repo, inner star", replay.Filter{Repos: []string{"*/name*2"}}, []int64{2}},
		{"repo, star over the slash", replay.Filter{Repos: []string{"o*e-1"}}, []int64{1}},
		{"repo, question marks", replay.Filter{Repos: []string{"org/name??"}}, []int64{1, 2}},
		{"repo, percent", replay.Filter{Repos: []string{"org/100%"}}, []int64{3}},
		{"repo, percent is no star", replay.Filter{Repos: []string{"org/%", "%"}}, nil},
		{"repo, percent and star", replay.Filter{Repos: []string{"*%"}}, []int64{3}},
		{"repo, underscore is no question mark", replay.Filter{Repos: []string{"org/name_1"}}, nil},
		{"repo, underscore and star", replay.Filter{Repos: []string{"*e_*"}}, []int64{2}},
		{"repo, brackets are no class", replay.Filter{Repos: []string{"org/[ab]"}}, []int64{4}},
		{"repo, brackets and star", replay.Filter{Repos: []string{"*[ab]"}}, []int64{4}},
		{"repo, backslash and quote", replay.Filter{Repos: []string{`o\r'g/x`}}, []int64{5}},
		{"repo, backslash and star", replay.Filter{Repos: []string{`o\r'*`}}, []int64{5}},
		{"repos", replay.Filter{Repos: []string{"org/100%", "*-1"}}, []int64{1, 3}},
		{"repo type", replay.Filter{RepoTypes: []payload.RepoType{"dataset"}}, []int64{5}},
		{"verdict", replay.Filter{Verdicts: []replay.Verdict{replay.Rejected}}, []int64{6}},
		{"verdicts", replay.Filter{Verdicts: []replay.Verdict{replay.Rejected, replay.Undecodable}}, []int64{6, 7}},
		{"never attempted", replay.Filter{Attempts: []replay.AttemptStatus{"none"}}, []int64{1, 7}},
		{"last attempt ok", replay.Filter{Attempts: []replay.AttemptStatus{"ok"}}, []int64{2}},
		{"last attempt failed", replay.Filter{Attempts: []replay.AttemptStatus{"failed"}}, []int64{3, 4, 5, 6}},
		{"last status", replay.Filter{Attempts: []replay.AttemptStatus{"404"}}, []int64{3}},
		{"last class", replay.Filter{Attempts: []replay.AttemptStatus{"5xx"}}, []int64{4}},
		{"statuses", replay.Filter{Attempts: []replay.AttemptStatus{"none", "404", "5xx"}}, []int64{1, 3, 4, 7}},
		{"status that is none", replay.Filter{Attempts: []replay.AttemptStatus{"0", "xx", "", "' OR 1=1 --"}}, nil},
		{"queued", replay.Filter{Queued: targetA}, []int64{1, 2}},
		{"queued elsewhere", replay.Filter{Queued: targetB}, nil},
		{"text", replay.Filter{Text: "number 3"}, []int64{3}},
		{"text, case", replay.Filter{Text: "bOdY NUMBER 3"}, []int64{3}},
		{"text, capitals in the body", replay.Filter{Text: "% sure [text]"}, []int64{7}},
		{"text after a NUL", replay.Filter{Text: "a_b \\"}, []int64{7}},
		{"text with a NUL", replay.Filter{Text: "s\x00 a"}, []int64{7}},
		{"text after bad UTF-8", replay.Filter{Text: "\xff END"}, []int64{7}},
		{"text beyond ASCII", replay.Filter{Text: "ÄÖ"}, []int64{7}},
		{"text is no pattern", replay.Filter{Text: "n%3"}, nil},
		{"text is no pattern either", replay.Filter{Text: "n_mber"}, nil},
		{"no refs in them", replay.Filter{Refs: []string{"*"}}, nil},
		{"except an action", except(replay.Filter{Actions: []payload.Action{"create"}}), []int64{1, 2, 3, 5, 6, 7}},
		{"except what has no scope", except(replay.Filter{Scopes: []payload.Scope{"*"}}), nil},
		{"except scopes", except(replay.Filter{Scopes: []payload.Scope{"repo", "d*"}}), []int64{4, 6, 7}},
		{"except one repo", except(replay.Filter{Repos: []string{"ORG/name_2"}}), []int64{1, 3, 4, 5, 6, 7}},
		{"except statuses", except(replay.Filter{Attempts: []replay.AttemptStatus{"failed", "none"}}), []int64{2}},
		{"except a text", except(replay.Filter{Text: "NUMBER"}), []int64{7}},
		{"except queued", except(replay.Filter{Queued: targetA}), []int64{3, 4, 5, 6, 7}},
		{"except ids", except(replay.Filter{FromID: 2, ToID: 6}), []int64{1, 7}},
		{"except refs", except(replay.Filter{Refs: []string{"*"}}), all},
		{"except two", except(replay.Filter{WebhookID: "id-4"}, replay.Filter{Endpoints: []string{"other"}}), []int64{1, 2, 5, 6, 7}},
		{"except both", except(replay.Filter{Scopes: []payload.Scope{"repo"}, Endpoints: []string{"other"}}), []int64{1, 2, 4, 5, 6, 7}},
		{"except all", except(replay.Filter{}), nil},
		{"except all but some", except(except(replay.Filter{ToID: 2})), []int64{1, 2}},
		{"newest but for some", replay.Filter{Except: []replay.Filter{{FromID: 6}}, Limit: 2, Newest: true}, []int64{4, 5}},
		{"one repo and not its scope", replay.Filter{Repos: []string{"org/name_2"}, Except: []replay.Filter{{Scopes: []payload.Scope{"repo"}}}}, nil},
		{"oldest", replay.Filter{Limit: 2}, []int64{1, 2}},
		{"newest", replay.Filter{Limit: 2, Newest: true}, []int64{6, 7}},
		{"newest without limit", replay.Filter{Newest: true}, all},
		{"limit beyond all", replay.Filter{Limit: 100, Newest: true}, all},
		{"repo and scope", replay.Filter{Repos: []string{"org/name_2"}, Scopes: []payload.Scope{"repo"}}, []int64{2}},
		{"repo and another scope", replay.Filter{Repos: []string{"org/name_2"}, Scopes: []payload.Scope{"discussion"}}, nil},
		{"newest of a repo", replay.Filter{Repos: []string{"org/*"}, Limit: 2, Newest: true}, []int64{3, 4}},
		{"oldest of one repo", replay.Filter{Repos: []string{"org/name_2"}, Limit: 1}, []int64{2}},
		{"newest of one repo", replay.Filter{Repos: []string{"ORG/name_2"}, Limit: 3, Newest: true}, []int64{2}},
		{"all at once", replay.Filter{
			FromID: 1, ToID: 7, WebhookID: "one", Since: now, Until: now.Add(90 * time.Minute),
			Endpoints: []string{"dev"}, Scopes: []payload.Scope{"repo"}, Actions: []payload.Action{"update"},
			Repos: []string{"org/*"}, RepoTypes: []payload.RepoType{"model"}, Verdicts: []replay.Verdict{replay.Accepted},
			Attempts: []replay.AttemptStatus{"none"}, Queued: targetA, Text: "NUMBER 1", Limit: 5, Newest: true,
		}, []int64{1}},
		{"all but one", replay.Filter{Scopes: []payload.Scope{"repo"}, Text: "number", Queued: targetA, Attempts: []replay.AttemptStatus{"ok"}}, []int64{2}},
	} {
		if c.want == nil {
			c.want = []int64{}
		}
		assert.Equal(t, c.want, ids(list(t, s, c.f)), c.name)
	}
}

func except(filters ...replay.Filter) replay.Filter { return replay.Filter{Except: filters} }

func testRefs(t *testing.T, s replay.Store) {
	for i, c := range []struct {
		body    string
		verdict replay.Verdict
	}{
		{`{"updatedRefs":[{"ref":"refs/heads/main"},{"ref":"refs/tags/v1"}]}`, replay.Accepted},
		{`{"updatedRefs":[{"ref":"refs\/heads\/ma\u0069n"}]}`, replay.Accepted},
		{`{"updatedRefs":[{"ref":"refs/heads/Main[1]"}]}`, replay.Accepted},
		{`{"discussion":{"num":7,"isPullRequest":true}}`, replay.Accepted},
		{`{"discussion":{"num":7,"isPullRequest":false}}`, replay.Accepted},
		{`{"updatedRefs":[{"ref":"refs/heads/main"}]}`, replay.Rejected},
		{`["updatedRefs",{"ref":"refs/heads/main"}]`, replay.Undecodable},
		{``, replay.Accepted},
		{`{"updatedRefs":[{"ref":"refs/pr/7"}],"discussion":null}`, replay.Accepted},
	} {
		d := delivery(fmt.Sprint("id-", i), c.body)
		d.Verdict = c.verdict
		if len(c.body) == 0 {
			d.Body = nil
		}
		require.Equal(t, int64(i+1), add(t, s, incoming(d)).DeliveryID)
	}
	for _, c := range []struct {
		f    replay.Filter
		want []int64
	}{
		{replay.Filter{Refs: []string{"refs/heads/main"}}, []int64{1, 2}},
		{replay.Filter{Refs: []string{"refs/heads/MAIN"}}, nil},
		{replay.Filter{Refs: []string{"heads/main"}}, nil},
		{replay.Filter{Refs: []string{"refs/heads/*"}}, []int64{1, 2, 3}},
		{replay.Filter{Refs: []string{"refs/heads/????"}}, []int64{1, 2}},
		{replay.Filter{Refs: []string{"*[1]"}}, []int64{3}},
		{replay.Filter{Refs: []string{"refs/pr/7"}}, []int64{4, 9}},
		{replay.Filter{Refs: []string{"refs/pr/*", "refs/tags/*"}}, []int64{1, 4, 9}},
		{replay.Filter{Refs: []string{"*"}}, []int64{1, 2, 3, 4, 9}},
		{replay.Filter{Refs: []string{"*"}, Limit: 2}, []int64{1, 2}},
		{replay.Filter{Refs: []string{"refs/heads/main"}, Limit: 1, Newest: true}, []int64{2}},
		{replay.Filter{Refs: []string{"*"}, Repos: []string{"org/name"}, FromID: 3}, []int64{3, 4, 9}},
		{replay.Filter{Refs: []string{"*"}, Text: "PULLrequest"}, []int64{4}},
		{except(replay.Filter{Refs: []string{"refs/heads/*", "refs/pr/7"}}), []int64{5, 6, 7, 8}},
	} {
		if c.want == nil {
			c.want = []int64{}
		}
		assert.Equal(t, c.want, ids(list(t, s, c.f)), "%+v", c.f)
	}
}

func testOrder(t *testing.T, s replay.Store) {
	// More than a store is likely to read at once, small and large.
	const n = 300
	for i := range n {
		d := delivery("", "x")
		if i%100 == 7 {
			d.Body = make([]byte, 9<<20)
			d.BodySize = int64(len(d.Body))
		}
		d.Repo = fmt.Sprintf("org/%d", i%2)
		r := add(t, s, incoming(d, targetA))
		if i%3 == 0 {
			require.NoError(t, s.Finish(t.Context(), attempt(r.DeliveryID, targetA)))
		}
	}
	all := list(t, s, replay.Filter{})
	require.Len(t, all, n)
	for i, d := range all {
		require.Equal(t, int64(i+1), d.ID)
		require.Len(t, d.Arrivals, 1)
		require.Equal(t, i%3 == 0, len(d.Attempts) == 1 && len(d.Queued) == 0, "delivery %d is not complete", d.ID)
		require.Equal(t, i%3 != 0, len(d.Attempts) == 0 && len(d.Queued) == 1, "delivery %d is not complete", d.ID)
	}
	want := ids(all)
	assert.Equal(t, want[:250], ids(list(t, s, replay.Filter{Limit: 250})))
	assert.Equal(t, want[50:], ids(list(t, s, replay.Filter{Limit: 250, Newest: true})))
	odd := ids(list(t, s, replay.Filter{Repos: []string{"org/1"}}))
	require.Len(t, odd, n/2)
	assert.Equal(t, odd[:140], ids(list(t, s, replay.Filter{Repos: []string{"org/1"}, Limit: 140})))
	assert.Equal(t, odd[10:], ids(list(t, s, replay.Filter{Repos: []string{"org/1"}, Limit: 140, Newest: true})))
}

func testStop(t *testing.T, s replay.Store) {
	for range 3 {
		add(t, s, incoming(delivery("", "")))
	}
	for _, f := range []replay.Filter{{}, {Limit: 3, Newest: true}} {
		seen := 0
		for d, err := range s.List(t.Context(), f) {
			require.NoError(t, err)
			// A reader may call the store, also to write.
			add(t, s, incoming(delivery("", "meanwhile")))
			assert.Equal(t, d.ID, get(t, s, d.ID).ID)
			if seen++; seen == 2 {
				break
			}
		}
		assert.Equal(t, 2, seen)
	}
}
