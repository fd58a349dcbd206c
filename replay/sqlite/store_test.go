package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/replay/storetest"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	paths := map[replay.Store]string{}
	open := func(t *testing.T, path string) replay.Store {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		require.NoError(t, err)
		paths[s] = path
		return s
	}
	storetest.Run(t, storetest.Factory{
		Open: func(t *testing.T) replay.Store { return open(t, filepath.Join(t.TempDir(), "store.db")) },
		Reopen: func(t *testing.T, s replay.Store) replay.Store {
			require.NoError(t, s.Close())
			return open(t, paths[s])
		},
	})
}
