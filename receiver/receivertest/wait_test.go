package receivertest_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/receivertest"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestWaitFor(t *testing.T) {
	store := memory.New()
	s := receiver.New(receiver.Options{Store: store, NoSecret: true, AnyPath: true})
	url := receivertest.Serve(t, s)
	post := func(p *payload.Payload) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/webhooks/x", bytes.NewReader(p.Raw))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 200, resp.StatusCode)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		post(receivertest.CommitPushed(receivertest.Repo("acme/a")))
		post(receivertest.CommentPosted("x", receivertest.Repo("acme/b")))
		post(receivertest.PullRequestOpened(receivertest.Repo("acme/c")))
	}()
	d := receivertest.WaitFor(t, store, payload.ScopeDiscussion, payload.ActionCreate, "*/c")
	assert.Equal(t, "acme/c", d.Repo)
	<-sent
	assert.Equal(t, d.ID, receivertest.WaitFor(t, store, "", "", "").ID, "the newest that is there")
	assert.Equal(t, "acme/b", receivertest.WaitFor(t, store, payload.ScopeDiscussionComment, "", "").Repo)
}

// A handler that takes the corpus takes what comes.
func TestCorpus(t *testing.T) {
	s := receiver.New(receiver.Options{NoSecret: true})
	var got []string
	s.Handle("hook", func(_ context.Context, p *payload.Payload) (any, error) {
		got = append(got, string(p.Raw))
		return nil, nil
	})
	names, want := map[string]bool{}, []string(nil)
	for name, p := range receivertest.Corpus() {
		assert.False(t, names[name], name)
		names[name] = true
		want = append(want, string(p.Raw))
		assert.Equal(t, 200, receivertest.Post(t, s, "hook", p).StatusCode, name)
	}
	assert.Equal(t, want, got)
	for _, name := range []string{"repo.create/model", "discussion.create.pr/space"} {
		assert.True(t, names[name], fmt.Sprint(name, " of ", len(names)))
	}
	for name := range names {
		assert.False(t, strings.HasPrefix(name, "discussion") && strings.HasSuffix(name, "/bucket"), name)
	}
}
