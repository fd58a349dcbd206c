package main

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// strangersStore has a delivery that is said to have been sent to a target.
func strangersStore(t *testing.T, folder, target string) (path string) {
	t.Helper()
	path = filepath.Join(folder, "theirs.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	r, err := s.Append(t.Context(), replay.Incoming{
		Delivery: replay.Delivery{
			Method: http.MethodPost, Path: "/", Verdict: replay.Accepted, Header: http.Header{replay.HeaderSecret: {replay.Redacted}}, Body: []byte("{}"), BodySize: 2,
		},
		Arrival: replay.Arrival{Time: time.Now()}, Targets: []string{target},
	})
	require.NoError(t, err)
	require.NoError(t, s.Finish(t.Context(), &replay.Attempt{DeliveryID: r.DeliveryID, Target: target, Kind: replay.Live, Started: time.Now(), Failure: replay.FailRefused}))
	require.NoError(t, s.Close())
	return path
}

// A store that somebody passed on names his own server as the target. The secret
// is not sent there.
func TestAStrangersStoreNamesNoTarget(t *testing.T) {
	for _, name := range []string{"http://elsewhere.example.com/hook", "https://localhost.example.com", "http://elsewhere.example.com/ if", "http://localhost@elsewhere.example.com"} {
		home := t.TempDir()
		path := strangersStore(t, home, name)
		for _, args := range [][]string{{"replay", "last"}, {"replay", "--failed"}, {"replay", "--json", "1"}, {"inspect", "--curl", "1"}} {
			args = slices.Insert(args, 1, "--store", path)
			p := startHFHook(t, home, args...)
			code, err := p.end(nil)
			require.NoError(t, err)
			assert.Equal(t, exitFailed, code, p.err.String())
			assert.Contains(t, p.out.String()+p.err.String(), "may be somebody else's, and would have delivery 1 and the secret sent to "+name)
		}
	}
}
