package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/hfhook/hfhook/replay/sqlite"
)

// presence is what a running hfhook dev tells other commands of itself, in a
// file beside its store. It holds no secret. It is good while its process has
// the store: one that was left by a crash is not taken.
type presence struct {
	V      int    `json:"v"`
	PID    int    `json:"pid"`
	Store  string `json:"store"`            // absolute
	Local  string `json:"local"`            // URL, without the path
	Public string `json:"public,omitempty"` // URL, without the path; empty: none that leads here
	Path   string `json:"path"`
}

const (
	presenceExt = ".dev.json" // behind the name of the store
	maxPresence = 64 << 10
)

// herald keeps the presence file of a session up to date.
type herald struct {
	mu    sync.Mutex
	file  string // empty: nothing is told
	told  presence
	alarm func(message, hint string)
}

// sweep takes away what a session left that was killed. The store has to be in
// use by this one.
func (h *herald) sweep(store string) { _ = os.Remove(store + presenceExt) }

// begin tells of the session, which is ready.
func (h *herald) begin(store string, local *url.URL, public func() *url.URL, path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.file = store + presenceExt
	h.told = presence{V: recordVersion, PID: os.Getpid(), Store: store, Local: local.String(), Path: path}
	h.write(public()) // under the lock: moved may follow, not precede
}

// moved tells of another public URL; nil: of none.
func (h *herald) moved(public *url.URL) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file != "" {
		h.write(public)
	}
}

// end takes the file away. The store still has to be in use: afterwards it may
// be that of another session.
func (h *herald) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file != "" {
		_ = os.Remove(h.file)
		h.file = ""
	}
}

// write writes the file. To receive is more than to be found, so that it cannot
// is a warning.
func (h *herald) write(public *url.URL) {
	h.told.Public = ""
	if public != nil {
		h.told.Public = public.String()
	}
	text, err := json.Marshal(h.told)
	if err == nil {
		err = replaceFile(h.file, append(text, '\n'))
	}
	if err != nil {
		h.alarm(fmt.Sprintf("hfhook trigger will not find this session: %s", pathProblem(err)), "")
	}
}

// replaceFile writes a file that only the user can read. It goes by a name of
// its own, then renamed: nobody reads half of it, and a link at the old name is
// replaced, not followed.
func replaceFile(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+"-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// readPresence gives the presence of the hfhook dev that runs on a store; the
// error is fs.ErrNotExist when there is none.
func readPresence(store string) (p presence, err error) {
	text, err := readOwn(store+presenceExt, maxPresence)
	if err != nil {
		return p, fmt.Errorf("find the running hfhook dev: %w", err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("find the running hfhook dev: %s: %w", store+presenceExt, err)
	}
	user, err := sqlite.User(store)
	if err != nil {
		return p, err
	}
	// Where locks are mandatory the user's id is not known.
	if user == nil || user.PID != 0 && user.PID != p.PID || p.V != recordVersion {
		return p, fmt.Errorf("what the last hfhook dev left behind: %w", fs.ErrNotExist)
	}
	return p, nil
}

// readOwn reads a file that nobody else can have written: what it says decides
// where the secret goes.
func readOwn(file string, most int64) ([]byte, error) {
	info, err := os.Lstat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, fmt.Errorf("%s is no regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(info, opened) || othersWrite(opened) {
		return nil, fmt.Errorf("%s may be somebody else's", file)
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is too large", file)
	}
	return text, err
}
