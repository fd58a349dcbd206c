package replaytest_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay/replaytest"
)

// capture writes payloads into a file, and gives its name.
func capture(t *testing.T, names ...string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range names {
		body, err := sample.New(name, sample.Options{})
		require.NoError(t, err)
		fmt.Fprintf(&text, "%s\n", body)
	}
	file := filepath.Join(t.TempDir(), "captured.json")
	require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
	return file
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func TestFile(t *testing.T) {
	s := receiver.New(receiver.Options{NoSecret: true})
	var got []payload.Scope
	s.Handle("dev", func(_ context.Context, p *payload.Payload) (any, error) {
		got = append(got, p.Event.Scope)
		if p.Comment != nil {
			return nil, receiver.Status(http.StatusTeapot, fmt.Errorf("no comment"))
		}
		return nil, nil
	})
	file := capture(t, "repo.create", "discussion.create.pr")
	r := &recorder{TB: t}
	attempts := replaytest.File(r, s, file)
	require.Len(t, attempts, 2)
	assert.Equal(t, 200, attempts[0].Status)
	assert.Equal(t, []payload.Scope{"repo", "discussion"}, got)
	require.Len(t, r.said, 1)
	assert.Contains(t, r.said[0], "delivery 2 (PR #")
	assert.Contains(t, r.said[0], "status 418")
}

func TestGolden(t *testing.T) {
	word := "first"
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"word": %q, "id": %q}`, word, rand.Text())
	})
	file := capture(t, "repo.create", "repo.content.update")
	ignore := replaytest.Ignore("id")
	t.Setenv(replaytest.UpdateVariable, "1")
	replaytest.Golden(t, h, file, ignore)
	t.Setenv(replaytest.UpdateVariable, "")
	replaytest.Golden(t, h, file, ignore)

	r := &recorder{TB: t}
	replaytest.Golden(r, h, file)
	assert.Len(t, r.said, 2, "the ids differ")
	r = &recorder{TB: t}
	word = "second"
	replaytest.Golden(r, h, file, ignore)
	require.Len(t, r.said, 2)
	assert.Contains(t, r.said[0], `want "first", got "second"`)
}

func TestSecret(t *testing.T) {
	secret := rand.Text()
	s := receiver.New(receiver.Options{Secrets: []string{secret}})
	s.Handle("dev", func(context.Context, *payload.Payload) (any, error) { return nil, nil })
	file := filepath.Join(t.TempDir(), "one.sh")
	require.NoError(t, os.WriteFile(file, []byte(`curl http://localhost/webhooks/dev -H "X-Webhook-Secret: $WEBHOOK_SECRET" -d '{"event":{}}'`), 0o600))
	replaytest.File(t, s, file, replaytest.Secret(secret))
	assert.Equal(t, 401, replaytest.Send(t, s, replaytest.Deliveries(t, file))[0].Status)
}
