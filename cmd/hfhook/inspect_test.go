package main

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// keptOf is an arrival with a body of so many bytes.
func keptOf(size int) replay.Incoming {
	return replay.Incoming{
		Delivery: replay.Delivery{Method: http.MethodPost, Path: "/", Verdict: replay.Accepted, Body: bytes.Repeat([]byte("a"), size), BodySize: int64(size)},
		Arrival:  replay.Arrival{Time: time.Now()},
	}
}

// The default of --limit is for the table.
func TestInspectShowsAllThatIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	for range 60 {
		_, err := s.Append(t.Context(), keptOf(1))
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	for words, want := range map[string]int{"": 50, "1..last": 60} {
		var out bytes.Buffer
		args := []string{"hfhook", "inspect", "--store", path, "--json"}
		if words != "" {
			args = append(args, words)
		}
		require.NoError(t, run(t.Context(), args, &out, io.Discard))
		assert.Equal(t, want, bytes.Count(out.Bytes(), []byte("\n")), words)
	}
}

// writing calls first before the first write.
type writing struct {
	bytes.Buffer
	first func()
}

func (w *writing) Write(b []byte) (int, error) {
	w.first()
	return w.Buffer.Write(b)
}

// What hfhook dev removes while it is exported was not found to be missing.
func TestAnExportOutlivesRetention(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Retain: true, Keep: replay.Keep{Deliveries: 3}})
	require.NoError(t, err)
	add := func() {
		for range 3 {
			_, err := s.Append(t.Context(), keptOf(100<<10))
			require.NoError(t, err)
		}
	}
	add()
	out := writing{first: sync.OnceFunc(add)}
	require.NoError(t, run(t.Context(), []string{"hfhook", "export", "--store", path, "1..3"}, &out, io.Discard))
	_, err = s.Get(t.Context(), 3)
	require.ErrorIs(t, err, replay.ErrNotFound)
	require.NoError(t, s.Close())
	assert.Equal(t, 3, bytes.Count(out.Bytes(), []byte("\n")))
}
