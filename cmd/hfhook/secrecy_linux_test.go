package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// betrayals are texts by which a secret could be known: it and all of its parts,
// as they are and written in other ways.
func betrayals(secret string) map[string]string {
	each := func(format string) string {
		var b strings.Builder
		for _, c := range []byte(secret) {
			fmt.Fprintf(&b, format, c)
		}
		return b.String()
	}
	quoted, _ := json.Marshal(secret)
	reversed := []byte(secret)
	slices.Reverse(reversed)
	found := map[string]string{
		"in a query": url.QueryEscape(secret), "in a path": url.PathEscape(secret), "escaped": each("%%%02X"), "escaped in lower case": each("%%%02x"),
		"in JSON": string(quoted[1 : len(quoted)-1]), "in JSON, escaped": each(`\u%04x`), "in HTML": html.EscapeString(secret),
		"in Go": strings.Trim(fmt.Sprintf("%q", secret), `"`), "as bytes": strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		"in hexadecimal": hex.EncodeToString([]byte(secret)), "in HEXADECIMAL": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"backwards": string(reversed),
	}
	for before := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"": base64.RawStdEncoding, " of URLs": base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
			found[fmt.Sprintf("in base64%s behind %d", name, before)] = text[(before*8+5)/6 : len(text)-1]
		}
	}
	for i := range len(secret) - 11 {
		found[fmt.Sprintf("from %d on", i)] = secret[i : i+12]
	}
	return found
}

// assertSecret looks for secrets in everything that there is, by names.
func assertSecret(t *testing.T, secrets map[string]string, where map[string]string) {
	t.Helper()
	for name, secret := range secrets {
		forms := betrayals(secret)
		for place, content := range where {
			for form, text := range forms {
				if i := strings.Index(content, text); i >= 0 {
					t.Errorf("%s is in %s, %s: ...%q...", name, place, form, content[max(0, i-60):min(len(content), i+60)])
					break
				}
			}
		}
	}
}

// filesBelow are the contents of all files, but for those that have an end.
func filesBelow(t *testing.T, folder string, without ...string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		if !entry.Type().IsRegular() || slices.ContainsFunc(without, func(end string) bool { return strings.HasSuffix(path, end) }) {
			return nil
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		files[path] = string(text)
		return nil
	}))
	return files
}

// processWords are the command lines of all processes of the machine.
func processWords(t *testing.T) map[string]string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	found := map[string]string{}
	for _, path := range all {
		if text, err := os.ReadFile(path); err == nil {
			found[path] = string(text)
		}
	}
	return found
}

// gossip is a handler that says what it was sent, in all ways that it knows.
func gossip(w http.ResponseWriter, r *http.Request) {
	got := cmp.Or(r.Header.Get("X-Webhook-Secret"), r.URL.Query().Get("secret"), "none at all: it is for a check")
	w.Header().Set("X-Got", got)
	w.Header().Set("Location", "/?secret="+url.QueryEscape(got)+"&"+r.URL.RawQuery)
	w.Header().Set("Set-Cookie", "s="+base64.StdEncoding.EncodeToString([]byte("user:"+got)))
	if r.URL.Query().Has("fail") {
		w.WriteHeader(http.StatusInternalServerError)
	}
	fmt.Fprintf(w, "%s %q %s %x %v %s\n", got, got, html.EscapeString(got), got, []byte(got), regexp.MustCompile("%..").ReplaceAllStringFunc(url.QueryEscape(got), strings.ToLower))
	_ = json.NewEncoder(w).Encode(map[string]any{"url": r.RequestURI, "header": r.Header, "bytes": []byte(got)})
	if r.URL.Query().Has("break") {
		fmt.Fprint(w, strings.Repeat("-", 100), got[:len(got)-2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// A whole session with everything that there is. Then neither the secret nor a
// token is anywhere, in any form, but in the secret's own file.
func TestTheSecretIsNowhere(t *testing.T) {
	t.Run("plain, kept", func(t *testing.T) { t.Parallel(); secretSession(t, rand.Text()+"-"+rand.Text(), true) })
	t.Run("odd, given", func(t *testing.T) { t.Parallel(); secretSession(t, `+/=&"<'>\ %`+rand.Text(), false) })
}

func secretSession(t *testing.T, secret string, kept bool) {
	home := t.TempDir()
	state, work := filepath.Join(home, "state", "hfhook"), filepath.Join(home, "work")
	for _, folder := range []string{state, work, filepath.Join(home, "tmp")} {
		require.NoError(t, os.MkdirAll(folder, 0o700))
	}
	edge := ngroktest.Start(t)
	h := hubtest.Start(t, hubtest.Transport(edge.Client().Transport))
	h.ShowSecrets(true)
	handler := httptest.NewServer(http.HandlerFunc(gossip))
	defer handler.Close()
	borrowed := "borrowed-" + rand.Text()
	yours := h.Register("https://bot.example.com/hook?secret="+borrowed, hub.Secret(borrowed), hub.Watched{Type: hub.Model, Name: "ada/other"})

	env := slices.Concat(os.Environ(), homeEnv(home), ngrokEnv(t, edge, edge.Token), h.Environ(), []string{
		"TMPDIR=" + filepath.Join(home, "tmp"), "TERM=xterm", "EDITOR=testeditor model space",
	})
	if kept {
		require.NoError(t, os.WriteFile(filepath.Join(state, "secret"), []byte(secret+"\n"), 0o600))
	} else {
		env = append(env, "WEBHOOK_SECRET="+secret)
	}
	var mu sync.Mutex
	said := map[string]string{}
	begin := func(args ...string) *process {
		p, err := launch(t.Cleanup, env, work, "sh", append([]string{"-c", `umask 0; exec hfhook "$@"`, "sh"}, args...)...)
		require.NoError(t, err)
		return p
	}
	ended := func(p *process, signal os.Signal) int {
		code, err := p.end(signal)
		require.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		said[fmt.Sprint(len(said), ": ", p.cmd.Args[4:])] = p.out.String() + p.err.String()
		return code
	}
	run := func(args ...string) {
		t.Helper()
		p := begin(args...)
		assert.NotEqual(t, exitUsage, ended(p, nil), p.err.String())
	}
	hidden := map[string]string{"the secret": secret, "the borrowed secret": borrowed, "the Hub's token": h.Token, "ngrok's token": edge.Token}

	// Deliveries that have it in all places, for a handler and a command that tell.
	dev := begin("dev", "--json", "--verbose", "--listen", "127.0.0.1:0", "--watch", "model:acme/bert", "--forward", handler.URL,
		"--exec", `sh -c 'echo "$WEBHOOK_SECRET"; env; printf %s "$WEBHOOK_SECRET" | base64 -w0; echo; until [ -e looked ]; do sleep 0.02; done; exit 3'`)
	ready := dev.ready(t)
	sent := h.Trigger(hubtest.Event{Repo: acme.Name})
	require.Len(t, sent, 1)
	require.Equal(t, http.StatusOK, sent[0].Wait().Status)
	body := samples(t)["discussion.create.model.composed.json"]
	var wholly strings.Builder
	for _, c := range []byte(secret) {
		fmt.Fprintf(&wholly, "%%%02x", c)
	}
	for i, c := range []struct {
		query  string
		header http.Header
		status int
	}{
		{"", http.Header{"X-Webhook-Secret": {secret}}, 200},
		{"?secret=" + url.QueryEscape(secret), nil, 200},
		{"?fail=1&%73ecret=" + wholly.String(), nil, 200},
		{"?break=1&secret=" + url.QueryEscape(secret), http.Header{"X-Webhook-Secret": {secret}}, 200},
		{"?secret=" + url.QueryEscape(secret), http.Header{"X-Webhook-Secret": {secret + "x"}}, 403},
		{"?secret=" + wholly.String() + "&secret=" + url.QueryEscape(secret), nil, 403},
		{"?SECRET=" + url.QueryEscape(secret) + ";Secret=" + wholly.String(), nil, 401},
		{"?x=1", http.Header{"X-Original-Url": {"/webhooks/dev?secret=" + url.QueryEscape(secret)}, "X-Webhook-Secret": {secret, secret}}, 403},
	} {
		r, err := http.NewRequest(http.MethodPost, ready.Local+c.query, bytes.NewReader(body))
		require.NoError(t, err)
		r.Header = http.Header{"Webhook-Id": {fmt.Sprint("w-", i)}}
		for name, values := range c.header {
			r.Header[name] = values
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		assert.Equal(t, c.status, answer.StatusCode, "%d", i)
	}
	_ = awaitChild(t, dev.cmd.Process.Pid, "sh")
	assertSecret(t, hidden, processWords(t)) // while a command runs
	require.NoError(t, os.WriteFile(filepath.Join(work, "looked"), nil, 0o600))
	_, err := dev.await(&dev.out, `"type":"attempt".*"target":"exec:.*"exit":3`, 5)
	require.NoError(t, err)
	_, err = dev.await(&dev.out, `"type":"attempt".*"target":"http:`, 5)
	require.NoError(t, err)
	run("trigger", "--local", "discussion.create.pr")
	assertSecret(t, hidden, filesBelow(t, home, "/hfhook/secret")) // also what is in the log

	// What is made of them.
	for _, args := range [][]string{
		{"replay", "1..last"}, {"replay", "--compare", "2"}, {"replay", "--edit", "--new-id", "1"}, {"replay", "--set", "a=1", "--json", "3"},
		{"replay", "--to", "http://127.0.0.1:1/x", "2..4"}, {"replay", "--to", "http://" + strings.TrimPrefix(handler.URL, "http://") + "/?break=1", "2"},
		{"replay", "--golden", "golden.json", "--update-golden", "1..3"}, {"replay", "--golden", "golden.json", "1..3"},
		{"trigger", "--to", handler.URL, "--count", "2", "--json", "repo.content.update"}, {"check", "--only", "secret", "--junit", "junit.xml", handler.URL},
		{"inspect"}, {"inspect", "--json"}, {"inspect", "1"}, {"inspect", "--json", "4"}, {"inspect", "--body", "1"}, {"inspect", "--curl", "3"}, {"inspect", "6"},
		{"export", "--output", "all.ndjson"}, {"export", "--output", "all.har"}, {"export", "--output", "all.sh"}, {"export", "--output", "texts/"},
		{"import", "--store", "other.db", "all.ndjson", "all.har", "all.sh", "texts"}, {"inspect", "--store", "other.db", "--json"},
		{"webhooks", "list"}, {"webhooks", "show", yours.ID}, {"webhooks", "show", "--json", yours.ID}, {"webhooks", "create", "--json", "--url", "https://x.example.com", "--watch", "org:acme"},
		{"doctor", "--tunnel", "none"}, {"doctor", "--json", "--tunnel", "none"}, {"help", "environment"}, {"man"}, {"completion", "bash"},
	} {
		run(args...)
	}
	assert.Zero(t, ended(dev, os.Interrupt))

	// A webhook that is borrowed, and a program that crashes meanwhile.
	dev = begin("dev", "--verbose", "--listen", "127.0.0.1:0", "--webhook", yours.ID)
	_, err = dev.await(&dev.err, "Waiting for deliveries", 1)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, h.Trigger(hubtest.Event{Repo: "ada/other"})[0].Wait().Status)
	assert.Contains(t, fmt.Sprint(filesBelow(t, state)), borrowed, "in the journal, for as long as it is needed")
	assertSecret(t, hidden, filesBelow(t, home, "/hfhook/secret", ".secret"))
	ended(dev, syscall.SIGQUIT)
	p := begin("dev", "--json", "--listen", "127.0.0.1:0", "--tunnel", "none", "--forward", handler.URL)
	p.ready(t)
	assert.Zero(t, ended(p, os.Interrupt))
	assert.Equal(t, hub.Secret(borrowed), h.Webhook(yours.ID).Secret, "put back")

	if !kept { // else it is shown to the person, who has to enter it
		term := &process{exited: make(chan struct{})}
		term.cmd = exec.Command("hfhook", "dev", "--listen", "127.0.0.1:0", "--tunnel", "none", "--forward", handler.URL)
		term.cmd.Env, term.cmd.Dir = env, work
		keyboard := term.startOnTerminal(t)
		_, err = term.await(&term.err, "Waiting for deliveries", 1)
		require.NoError(t, err)
		for _, key := range []string{"y", "r", "?", "q"} {
			_, err = keyboard.WriteString(key)
			require.NoError(t, err)
		}
		_, err = term.end(nil)
		require.NoError(t, err)
		said["the terminal"] = term.err.String()
	}
	assertSecret(t, hidden, said)
	assertSecret(t, hidden, filesBelow(t, home, "/hfhook/secret"))
	for _, folder := range []string{state, filepath.Join(home, "tmp"), filepath.Join(work, "texts")} {
		assertClosed(t, folder)
	}
	for _, file := range []string{"all.ndjson", "all.har", "all.sh", "other.db"} {
		assertClosed(t, filepath.Join(work, file))
	}
	for _, file := range []string{"golden.json", "junit.xml"} { // for a repository
		assert.FileExists(t, filepath.Join(work, file))
	}
}
