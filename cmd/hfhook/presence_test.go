package main

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay/sqlite"
)

// storeInUse opens a store as hfhook dev does.
func storeInUse(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "deliveries.db")
	store, err := sqlite.Open(t.Context(), file, sqlite.Options{Exclusive: true})
	require.NoError(t, err)
	t.Cleanup(func() { store.Close() })
	return file
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

func TestPresenceIsToldFromBeginningToEnd(t *testing.T) {
	store := storeInUse(t)
	h := &herald{alarm: func(message, _ string) { t.Error(message) }}
	_, err := readPresence(store)
	assert.ErrorIs(t, err, fs.ErrNotExist)

	h.moved(mustURL(t, "https://early.example.com")) // before it is ready
	assert.NoFileExists(t, store+presenceExt)
	h.begin(store, mustURL(t, "http://127.0.0.1:7860"), func() *url.URL { return nil }, "/webhooks/dev")
	p, err := readPresence(store)
	require.NoError(t, err)
	assert.Equal(t, presence{V: 1, PID: os.Getpid(), Store: store, Local: "http://127.0.0.1:7860", Path: "/webhooks/dev"}, p)
	if info, err := os.Stat(store + presenceExt); assert.NoError(t, err) && runtime.GOOS != "windows" {
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	}

	h.moved(mustURL(t, "https://new.example.com/in"))
	p, err = readPresence(store)
	require.NoError(t, err)
	assert.Equal(t, "https://new.example.com/in", p.Public)
	h.moved(nil)
	p, err = readPresence(store)
	require.NoError(t, err)
	assert.Empty(t, p.Public)

	h.end()
	h.moved(mustURL(t, "https://late.example.com"))
	_, err = readPresence(store)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	left, err := filepath.Glob(store + presenceExt + "*")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestPresenceIsOfNoUseWithoutItsProcess(t *testing.T) {
	store := storeInUse(t)
	write := func(file string, p presence) {
		text, err := json.Marshal(p)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file+presenceExt, text, 0o600))
	}
	good := presence{V: 1, PID: os.Getpid(), Store: store, Local: "http://127.0.0.1:7860", Path: "/"}
	write(store, good)
	_, err := readPresence(store)
	require.NoError(t, err)

	// The one that has the store is another: this one was killed.
	if runtime.GOOS != "windows" { // where the id of who has it is not known
		other := good
		other.PID++
		write(store, other)
		_, err = readPresence(store)
		assert.ErrorIs(t, err, fs.ErrNotExist)
	}
	newer := good
	newer.V = 2
	write(store, newer)
	_, err = readPresence(store)
	assert.ErrorIs(t, err, fs.ErrNotExist)

	// Nobody has it.
	idle := filepath.Join(t.TempDir(), "deliveries.db")
	write(idle, good)
	_, err = readPresence(idle)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	new(herald).sweep(idle)
	assert.NoFileExists(t, idle+presenceExt)
}

func TestPresenceThatCannotBeReadIsNotGuessedAt(t *testing.T) {
	store := storeInUse(t)
	file := store + presenceExt
	for _, text := range []string{"", "{", "[]", strings.Repeat(" ", maxPresence+1)} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := readPresence(store)
		require.Error(t, err)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
	}
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.Mkdir(file, 0o700))
	_, err := readPresence(store)
	assert.ErrorContains(t, err, "no regular file")

	// To be found is a comfort: the session goes on without.
	var said []string
	h := &herald{alarm: func(message, _ string) { said = append(said, message) }}
	h.begin(store, mustURL(t, "http://127.0.0.1:1"), func() *url.URL { return nil }, "/")
	require.Len(t, said, 1)
	assert.Contains(t, said[0], "hfhook trigger will not find this session")
}
