package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

func TestAMistakeInTheEditorCanBeMended(t *testing.T) {
	for typed, sent := range map[string]bool{"y\n": true, "\n": false} {
		t.Run(typed, func(t *testing.T) {
			bodies := make(chan string, 1)
			handler := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				bodies <- string(body)
			}))
			defer handler.Close()
			store := filepath.Join(t.TempDir(), "store.db")
			keepOne(t, store, `{"a":1}`)

			// It makes a mistake at first, and puts it right when it is asked again.
			editor := filepath.Join(t.TempDir(), "editor")
			require.NoError(t, os.WriteFile(editor, []byte("#!/bin/sh\nif grep -q oops \"$1\"; then echo '{\"a\":2}' > \"$1\"; else echo oops > \"$1\"; fi\n"), 0o700))
			p, keyboard := onTerminal(t, []string{"EDITOR=" + editor, "TMPDIR=" + t.TempDir()},
				"replay", "--store", store, "--no-secret", "--to", handler.URL, "--edit", "1")
			_, err := p.await(&p.err, `(?s)hfhook: the edited body is no JSON: line 1: .*edit it again\? \[y/N\] `, 1)
			require.NoError(t, err)
			_, err = keyboard.WriteString(typed)
			require.NoError(t, err)
			code, err := p.end(nil)
			require.NoError(t, err)
			if sent {
				assert.Zero(t, code)
				assert.Equal(t, `{"a":2}`, <-bodies)
				return
			}
			assert.Equal(t, exitFailed, code)
			assert.Empty(t, bodies)
			kept := regexp.MustCompile(`your text is kept in (\S+);`).FindStringSubmatch(p.err.String())
			require.Len(t, kept, 2)
			text, err := os.ReadFile(kept[1])
			require.NoError(t, err)
			assert.Equal(t, "oops\n", string(text))
		})
	}
}

func keepOne(t *testing.T, file, body string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), file, sqlite.Options{})
	require.NoError(t, err)
	_, err = s.Append(t.Context(), replay.Incoming{
		Delivery: replay.Delivery{Method: "POST", Path: "/", Body: []byte(body), BodySize: int64(len(body)), Verdict: replay.Accepted},
		Arrival:  replay.Arrival{Time: time.Now()},
	})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}
