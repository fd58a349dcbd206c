package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// interrupting is a writer that is interrupted with the first that it gets.
type interrupting func(error)

func (f interrupting) Write(b []byte) (int, error) {
	f(&signalled{os.Interrupt})
	return len(b), nil
}

// What was cut short is no success for a script, and no silence for a person.
func TestWhatIsInterruptedHasFailed(t *testing.T) {
	home := t.TempDir()
	for _, variable := range homeEnv(home) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	store := filepath.Join(home, "some.db")
	s, err := sqlite.Open(t.Context(), store, sqlite.Options{})
	require.NoError(t, err)
	var appends sync.WaitGroup
	for range 600 { // more than are read at once
		appends.Go(func() {
			_, err := s.Append(t.Context(), replay.Incoming{
				Delivery: replay.Delivery{Method: "POST", Path: "/", Verdict: replay.Accepted, Body: []byte("{}"), BodySize: 2},
				Targets:  []string{"http://127.0.0.1:1"},
			})
			assert.NoError(t, err)
		})
	}
	appends.Wait()
	require.NoError(t, s.Close())
	file := filepath.Join(home, "all.ndjson")
	for _, words := range []string{
		"export --format har", "export 1..600", "inspect --limit 0", "inspect --limit 0 --json", "inspect 1..600", "replay --dry-run 1..600", "export --output " + file,
	} {
		t.Run(words, func(t *testing.T) {
			ctx, interrupt := context.WithCancelCause(t.Context())
			defer interrupt(nil)
			if strings.Contains(words, file) { // nothing is printed meanwhile
				interrupt(&signalled{os.Interrupt})
			}
			command, rest, _ := strings.Cut(words, " ")
			args := append([]string{"hfhook", command, "--store", store}, strings.Fields(rest)...)
			err := run(ctx, args, interrupting(interrupt), io.Discard)
			var said bytes.Buffer
			assert.Equal(t, exitFailed, report(&said, err))
			assert.Regexp(t, `^hfhook: .*\binterrupt`, said.String())
			assert.NotContains(t, said.String(), "context")
			assert.NoFileExists(t, file)
		})
	}
}
