package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// After a loss of power the secret and the store are gone with the state folder
// if its name was not durable. To make it so the folder above is opened.
func TestTheNameOfTheStateFolderIsDurable(t *testing.T) {
	home := t.TempDir()
	state := filepath.Join(home, "state")
	opened := openings(t, home)
	require.NoError(t, makeFolder(filepath.Join(state, "hfhook")))
	assert.True(t, opened())

	// One that is there may be of a start that failed before that.
	opened = openings(t, state)
	require.NoError(t, makeFolder(filepath.Join(state, "hfhook")))
	assert.True(t, opened())
}

// openings tells whether a folder was opened since.
func openings(t *testing.T, folder string) func() bool {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	_, err = unix.InotifyAddWatch(fd, folder, unix.IN_OPEN)
	require.NoError(t, err)
	return func() bool {
		n, _ := unix.Read(fd, make([]byte, 4096))
		return n > 0
	}
}
