//go:build linux || darwin

package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

func init() {
	children["small disk"] = childSmallDisk
	children["open"] = childOpen
}

// childSmallDisk writes until the files must not grow any more, and goes on
// when they may.
func childSmallDisk(path string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	small := limit
	small.Cur = 400_000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		return err
	}
	n := int64(0)
	for err == nil {
		var r replay.Receipt
		if r, err = s.Append(ctx, incoming(n)); err == nil {
			n = r.DeliveryID
		}
	}
	fmt.Println("is ErrWrite:", errors.Is(err, sqlite.ErrWrite))
	_, err = s.Append(ctx, incoming(n))
	fmt.Println("still:", errors.Is(err, sqlite.ErrWrite))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	r, err := s.Append(ctx, incoming(n))
	if err != nil {
		return err
	}
	fmt.Println("next id:", r.DeliveryID-n)
	count := int64(0)
	for _, err := range s.List(ctx, replay.Filter{}) {
		if err != nil {
			return err
		}
		count++
	}
	fmt.Println("lost:", r.DeliveryID-count)
	return s.Close()
}

func TestDiskRefuses(t *testing.T) {
	cmd := childCommand(t, os.Args[0], "small disk", filepath.Join(t.TempDir(), "store.db"))
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "is ErrWrite: true\nstill: true\nnext id: 1\nlost: 0\n", string(out))
}

func childOpen(path string) error {
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	fmt.Println(errors.Is(err, sqlite.ErrReadOnly))
	if err != nil {
		return nil
	}
	return s.Close()
}

// TestReadOnly opens as a user for whom permissions count.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	content, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, content, 0o755))
	for d := dir; len(d) > len(os.TempDir()); d = filepath.Dir(d) {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	for name, c := range map[string]struct {
		file, folder os.FileMode
		want         string
	}{
		"nothing":         {0o666, 0o777, "false\n"},
		"file":            {0o444, 0o777, "true\n"},
		"folder":          {0o666, 0o555, "true\n"},
		"folder, no file": {0, 0o555, "true\n"},
	} {
		folder := filepath.Join(dir, name)
		require.NoError(t, os.Mkdir(folder, 0o777))
		path := filepath.Join(folder, "store.db")
		if c.file != 0 {
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.NoError(t, err)
			_, err = s.Append(t.Context(), incoming(1))
			require.NoError(t, err)
			require.NoError(t, s.Close())
			require.NoError(t, os.Chmod(path, c.file))
		}
		require.NoError(t, os.Chmod(folder, c.folder))
		cmd := childCommand(t, program, "open", path)
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.Output()
		assert.NoError(t, err)
		assert.Equal(t, c.want, string(bytes.TrimLeft(out, " ")), "read-only: %s", name)
		require.NoError(t, os.Chmod(folder, 0o777))
	}
}

// A file that somebody takes away can be written as if nothing had happened,
// and all of that would be lost.
func TestGoneFile(t *testing.T) {
	for name, take := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return os.WriteFile(path+".new", nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			require.NoError(t, err)
			defer s.Close()
			_, err = s.Append(t.Context(), incoming(1))
			require.NoError(t, err)

			require.NoError(t, take(path))
			if name == "replaced" {
				require.NoError(t, os.Rename(path+".new", path))
			}
			_, err = s.Append(t.Context(), incoming(2))
			assert.ErrorIs(t, err, sqlite.ErrGone)
			assert.ErrorIs(t, err, sqlite.ErrWrite)
		})
	}
}
