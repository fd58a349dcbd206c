package registration_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub/hubtest"
	"github.com/hfhook/hfhook/hub/registration"
)

// TestUnusableFiles has files in the journal that no sound session left. They
// are left alone, and the user is told; whoever borrows goes on.
func TestUnusableFiles(t *testing.T) {
	change := func(f func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, f(b), 0o600))
		}
	}
	newer := func(b []byte) []byte {
		line, _, _ := bytes.Cut(b, []byte("\n"))
		return registration.Sealed(bytes.Replace(line, []byte(`"version":1`), []byte(`"version":2,"new":{}`), 1))
	}
	for name, c := range map[string]struct {
		ext, told string
		damage    func(*testing.T, string)
	}{
		"empty":           {".json", "damaged", change(func([]byte) []byte { return nil })},
		"truncated":       {".json", "damaged", change(func(b []byte) []byte { return b[:len(b)/2] })},
		"short of a byte": {".json", "damaged", change(func(b []byte) []byte { return b[:len(b)-1] })},
		"longer":          {".json", "damaged", change(func(b []byte) []byte { return append(b, '\n') })},
		"another id":      {".json", "damaged", change(func(b []byte) []byte { return bytes.Replace(b, []byte(`"webhook":"`), []byte(`"webhook":"0`), 1) })},
		"no JSON":         {".json", "damaged", change(func([]byte) []byte { return registration.Sealed([]byte("{")) })},
		"unknown field": {".json", "damaged", change(func(b []byte) []byte {
			return registration.Sealed(append([]byte(`{"x":1,`), bytes.SplitN(b, []byte("\n"), 2)[0][1:]...))
		})},
		"without much": {".json", "damaged", change(func([]byte) []byte { return registration.Sealed([]byte(`{"version":1}`)) })},
		"newer":        {".json", "newer", change(newer)},
		"too large":    {".json", "damaged", func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 17<<20)) }},
		"secret cut":   {".secret", "damaged", change(func(b []byte) []byte { return b[:10] })},
		"secret gone":  {".secret", "", func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }},
		"secret newer": {".secret", "newer", change(newer)},
		"a folder": {".json", "no regular file", func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			id := s.Register(production, "hush-hush", acme).ID
			s.borrow(id, registration.Loan{Own: "hush-hush"}).Die()
			paths, err := filepath.Glob(filepath.Join(s.folder, "*"+c.ext))
			require.NoError(t, err)
			require.Len(t, paths, 1)
			c.damage(t, paths[0])
			files, now, calls := s.files(), s.shown(id), len(s.Requests())

			o := s.repaired()
			assert.Equal(t, registration.Skipped, o.Kind)
			assert.Contains(t, o.Text, c.told)
			assert.Contains(t, o.Text, paths[0])
			assert.NotContains(t, o.Text, "hush")
			assert.NotEmpty(t, o.Hint)
			require.Error(t, o.Err)
			assert.Len(t, s.Requests(), calls, "nothing is asked")
			assert.Equal(t, files, s.files())
			assert.Equal(t, now, s.shown(id))

			other := s.create()
			assert.Equal(t, registration.Deleted, other.Release(limited(t), false).Kind)
			assert.Equal(t, files, s.files())
		})
	}
}

// Files that a session left before its entry was there, or after it was gone,
// are taken away.
func TestLeftoverFiles(t *testing.T) {
	s := newStage(t)
	s.borrow(s.Register(production, "", acme).ID, registration.Loan{}).Die()
	paths, err := filepath.Glob(filepath.Join(s.folder, "*.json"))
	require.NoError(t, err)
	require.Len(t, paths, 1)
	require.NoError(t, os.Rename(paths[0], strings.TrimSuffix(paths[0], ".json")+".new"))
	note := filepath.Join(s.folder, "note.txt")
	require.NoError(t, os.WriteFile(note, nil, 0o644))
	require.Len(t, s.files(), 4)
	assert.Empty(t, s.Repair(limited(t)))
	assert.Equal(t, []string{"note.txt"}, s.files())
}

// What belongs to another user or Hub is left to them.
func TestOthersEntries(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	s.borrow(id, registration.Loan{}).Die()
	now := s.shown(id)

	elsewhere := hubtest.Start(t)
	all := s.registry(elsewhere.Client()).Repair(limited(t))
	require.Len(t, all, 1)
	assert.Equal(t, registration.Skipped, all[0].Kind)
	assert.Equal(t, id, all[0].Webhook)
	assert.Contains(t, all[0].Text, s.URL)
	assert.NotEmpty(t, all[0].Hint)
	assert.Empty(t, elsewhere.Requests())

	s.Interrupt(1, status200(`{"name":"bob"}`))
	all = s.registry(s.Client()).Repair(limited(t))
	require.Len(t, all, 1)
	assert.Equal(t, registration.Skipped, all[0].Kind)
	assert.Contains(t, all[0].Text, hubtest.User)
	assert.Contains(t, all[0].Text, "bob")
	assert.Equal(t, now, s.shown(id))

	assert.Equal(t, registration.Restored, s.repaired().Kind)
	assert.Empty(t, s.files())
}

// A folder that cannot be used stops a session before anything is changed.
func TestUnusableFolder(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	require.NoError(t, os.MkdirAll(filepath.Dir(s.folder), 0o700))
	require.NoError(t, os.WriteFile(s.folder, nil, 0o600))
	s.refusesToStart(id)
	all := s.Repair(limited(t))
	require.Len(t, all, 1)
	assert.Equal(t, registration.Skipped, all[0].Kind)
}

// refusesToStart checks that no session starts for want of a journal.
func (s *stage) refusesToStart(id string) {
	s.t.Helper()
	writes := s.writes()
	_, err := s.Borrow(limited(s.t), id, registration.Loan{URL: tunnelA})
	require.ErrorIs(s.t, err, registration.ErrJournal)
	assert.NotEmpty(s.t, hintOf(s.t, err))
	assert.Contains(s.t, err.Error(), s.folder)
	_, err = s.Create(limited(s.t), newSettings())
	require.ErrorIs(s.t, err, registration.ErrJournal)
	assert.Equal(s.t, writes, s.writes(), "nothing is changed")
}

// A journal that gets lost during a session stops changes, but not the end.
func TestFolderLostDuringASession(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	before := s.shown(id)
	reg, other := s.borrow(id, registration.Loan{}), s.create()
	require.NoError(t, os.RemoveAll(s.folder))
	require.NoError(t, os.WriteFile(s.folder, nil, 0o600))
	for _, r := range []*registration.Registration{reg, other} {
		require.ErrorIs(t, r.Point(limited(t), tunnelB), registration.ErrJournal)
		assert.Equal(t, tunnelA, s.Webhook(r.ID()).URL)
		require.ErrorIs(t, r.Pause(limited(t)), registration.ErrJournal)
		assert.NoError(t, r.Release(limited(t), false).Err)
	}
	assert.Equal(t, before, s.shown(id))
	assert.Len(t, s.Webhooks(), 1)
}

// Repair needs no folder, and asks nothing without one.
func TestNothingToRepair(t *testing.T) {
	s := newStage(t)
	assert.Empty(t, s.Repair(limited(t)))
	assert.NoDirExists(t, s.folder)
	assert.Equal(t, registration.Deleted, s.create().Release(limited(t), false).Kind)
	calls := len(s.Requests())
	assert.Empty(t, s.Repair(limited(t)))
	assert.Len(t, s.Requests(), calls)
}

func TestReadersOfFiles(t *testing.T) {
	s := newStage(t)
	s.borrow(s.Register(production, "hush-hush", acme).ID, registration.Loan{Own: "hush-hush"}).Die()
	for ext, read := range map[string]func([]byte) ([]byte, error){".json": registration.ReadEntry, ".secret": registration.ReadKept} {
		text := s.journal(ext)
		again, err := read([]byte(text))
		require.NoError(t, err)
		assert.Equal(t, text, string(again))
		// Each bit counts.
		for i := range text {
			b := []byte(text)
			b[i] ^= 1 << (i % 8)
			_, err := read(b)
			require.Error(t, err, "bit of byte %d", i)
		}
	}
}
