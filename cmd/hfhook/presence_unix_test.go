//go:build unix

package main

import (
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What others may have written could send the secret to them.
func TestPresenceOfSomebodyElseIsNotTaken(t *testing.T) {
	store := storeInUse(t)
	h := &herald{alarm: func(message, _ string) { t.Error(message) }}
	h.begin(store, mustURL(t, "http://127.0.0.1:1"), func() *url.URL { return nil }, "/")
	file := store + presenceExt
	require.NoError(t, os.Chmod(file, 0o666))
	_, err := readPresence(store)
	assert.ErrorContains(t, err, "may be somebody else's")

	for name, plant := range map[string]func() error{
		"link": func() error { return os.Symlink(filepath.Join(filepath.Dir(store), "elsewhere"), file) },
		"pipe": func() error { return syscall.Mkfifo(file, 0o600) },
	} {
		require.NoError(t, os.Remove(file))
		require.NoError(t, plant())
		_, err = readPresence(store)
		assert.ErrorContains(t, err, "no regular file", name)
	}
	// A new session puts its own in the place of what was there.
	h.begin(store, mustURL(t, "http://127.0.0.1:1"), func() *url.URL { return nil }, "/")
	_, err = readPresence(store)
	assert.NoError(t, err)
}
