package registration_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
)

// noHub fails the test when the Hub is asked something.
type noHub struct{ t *testing.T }

func (n noHub) RoundTrip(r *http.Request) (*http.Response, error) {
	assert.Fail(n.t, "the Hub was asked", "%s %s", r.Method, r.URL)
	return nil, errCut
}

// Whatever is in a file of the journal: what does not parse in full is left as
// it is, and nothing is asked of the Hub for it.
func FuzzJournal(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte, sum bool) {
		if sum { // or none would ever be right
			content = registration.Sealed(content)
		}
		_, entryErr := registration.ReadEntry(content)
		again, keptErr := registration.ReadKept(content)
		if keptErr == nil {
			_, err := registration.ReadKept(again)
			require.NoError(t, err)
		}
		if entryErr == nil {
			return // to be acted upon
		}
		folder := t.TempDir()
		require.NoError(t, os.Chmod(folder, 0o700))
		const id = "AAAAAAAAAAAAAAAAAAAAAAAAAA"
		require.NoError(t, os.WriteFile(filepath.Join(folder, id+".json"), content, 0o600))
		c, err := hub.New(hub.Options{Endpoint: "http://127.0.0.1:1", Token: hub.Token{Value: "hf_x"}, Transport: noHub{t}})
		require.NoError(t, err)
		all := registration.New(registration.Options{Client: c, Folder: folder, Settle: time.Nanosecond}).Repair(t.Context())
		require.Len(t, all, 1)
		require.Equal(t, registration.Skipped, all[0].Kind)
		after, err := os.ReadFile(filepath.Join(folder, id+".json"))
		require.NoError(t, err)
		require.Equal(t, content, after)
	})
}
