package registration_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
	"github.com/hfhook/hfhook/hub/registration"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		os.Exit(child(mode))
	}
	goleak.VerifyTestMain(m)
}

const (
	production = "https://bots.example.com/hook"
	tunnelA    = "https://a.trycloudflare.com/webhooks/dev"
	tunnelB    = "https://b.trycloudflare.com/webhooks/dev"
)

var acme = hub.Watched{Type: hub.Org, Name: "acme"}

// stage is a Hub, and a journal of its own.
type stage struct {
	*hubtest.Hub
	t      *testing.T
	folder string
	*registration.Registry
}

func newStage(t *testing.T, change ...func(*registration.Options)) *stage {
	t.Helper()
	s := &stage{Hub: hubtest.Start(t), t: t, folder: filepath.Join(t.TempDir(), "state", "registrations")}
	s.Registry = s.registry(s.Client(), change...)
	return s
}

// registry is one of another process.
func (s *stage) registry(c *hub.Client, change ...func(*registration.Options)) *registration.Registry {
	o := registration.Options{Client: c, Folder: s.folder, Settle: time.Millisecond, Log: slog.New(slog.NewTextHandler(s.t.Output(), nil))}
	for _, f := range change {
		f(&o)
	}
	return registration.New(o)
}

// client is one with other options than the Hub's own.
func (s *stage) client(change ...func(*hub.Options)) *hub.Client {
	s.t.Helper()
	o := hub.Options{Endpoint: s.URL, Token: hub.Token{Value: hub.Secret(s.Token)}}
	for _, f := range change {
		f(&o)
	}
	c, err := hub.New(o)
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

// shown is a webhook byte for byte as the Hub shows it, but for what changes by
// itself. Empty: there is none.
func (s *stage) shown(id string) string {
	s.t.Helper()
	if id == "" {
		return ""
	}
	req, err := http.NewRequestWithContext(limited(s.t), http.MethodGet, s.URL+"/api/settings/webhooks/"+id, nil)
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+s.Token)
	once := &http.Transport{DisableKeepAlives: true}
	resp, err := once.RoundTrip(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	if resp.StatusCode == http.StatusNotFound {
		return ""
	}
	require.Equal(s.t, http.StatusOK, resp.StatusCode, "%s", b)
	var w struct{ Webhook map[string]json.RawMessage }
	require.NoError(s.t, json.Unmarshal(b, &w))
	delete(w.Webhook, "lastTriggerAt")
	b, err = json.Marshal(w.Webhook)
	require.NoError(s.t, err)
	return string(b)
}

// files are those in the journal, the lock of the folder aside.
func (s *stage) files() []string {
	s.t.Helper()
	all, err := filepath.Glob(filepath.Join(s.folder, "*"))
	require.NoError(s.t, err)
	var names []string
	for _, path := range all {
		if name := filepath.Base(path); name != "folder.lock" {
			names = append(names, name)
		}
	}
	return names
}

// journal is the text of all files with an extension.
func (s *stage) journal(ext string) string {
	s.t.Helper()
	var b strings.Builder
	for _, name := range s.files() {
		if strings.HasSuffix(name, ext) {
			text, err := os.ReadFile(filepath.Join(s.folder, name))
			require.NoError(s.t, err)
			b.Write(text)
		}
	}
	return b.String()
}

// borrow borrows a webhook for tunnelA.
func (s *stage) borrow(id string, loan registration.Loan) *registration.Registration {
	s.t.Helper()
	loan.URL = tunnelA
	reg, err := s.Borrow(limited(s.t), id, loan)
	require.NoError(s.t, err)
	return reg
}

func (s *stage) create() *registration.Registration {
	s.t.Helper()
	reg, err := s.Create(limited(s.t), newSettings())
	require.NoError(s.t, err)
	return reg
}

// repaired is what Repair did about the only entry.
func (s *stage) repaired() registration.Outcome {
	s.t.Helper()
	all := s.Repair(limited(s.t))
	require.Len(s.t, all, 1)
	return all[0]
}

// writes are the calls that were to change something.
func (s *stage) writes() (n int) {
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet {
			n++
		}
	}
	return n
}

func newSettings() hub.Settings {
	return hub.Settings{URL: tunnelA, Watched: []hub.Watched{acme, {Type: hub.Model, Name: "ada/m"}}, Domains: []hub.Domain{hub.DomainRepo}, Secret: hub.Secret(rand.Text())}
}

// limited is a context that keeps a test from hanging.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func hintOf(t *testing.T, err error) string {
	t.Helper()
	var e *registration.Error
	if assert.ErrorAs(t, err, &e) {
		return e.Hint
	}
	return ""
}
