package main

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAKeyReplaysTheLastDelivery(t *testing.T) {
	t.Parallel()
	one, two := catch(t, nil), catch(t, nil)
	s := sitDown(t, nil, "--forward", one.URL, "--forward", two.URL)
	s.press("r")
	s.says("nothing has come in yet")
	s.arrives(created)
	s.arrives(pushed)
	s.shows(4, "→ #[12] 200 OK")
	resp, err := http.Post(s.url, "application/json", strings.NewReader("no JSON")) // is not the last accepted one
	require.NoError(t, err)
	resp.Body.Close()
	s.press("r")
	s.says("replaying #2")
	s.shows(2, "→ #2 replayed 200 OK")
	for _, h := range []*caught{one, two} {
		assert.Len(t, h.got, 3)
	}
	s.leaves()
	assert.NotContains(t, s.out.String(), "#1 replayed")

	store := filepath.Join(s.cmd.Dir, "state", "hfhook", "deliveries.db")
	later := sitDown(t, nil, "--store", store, "--forward", one.URL)
	later.press("r")
	later.says("replaying #2")
	later.shows(1, "→ #2 replayed 200 OK")
	later.leaves()
}

func TestOneReplayAtATime(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	h := catch(t, free)
	s := sitDown(t, nil, "--forward", h.URL)
	s.arrives(created)
	<-h.got
	free <- struct{}{}
	s.shows(1, "→ #1 200 OK")
	s.press("r")
	<-h.got
	s.press("r")
	s.says("a replay is still under way")
	free <- struct{}{}
	s.shows(1, "→ #1 replayed 200 OK")
	require.Eventually(t, func() bool { // the one before may be ending still
		s.press("r")
		select {
		case <-h.got:
			return true
		default:
			return false
		}
	}, patience, 10*time.Millisecond)
	s.leaves() // does not wait for the handler
	assert.Contains(t, s.out.String(), "✗ #1 replayed cancelled")
	close(free)
}

func TestKeysThatNeedAHandlerSaySo(t *testing.T) {
	t.Parallel()
	s := sitDown(t, nil)
	s.press("r")
	s.says("^hfhook: there is no handler to replay to\r\nhint: start hfhook dev with --forward")
	s.press("p")
	s.says("^hfhook: nothing is forwarded, so there is nothing to pause\r\nhint: ")
	s.press("t")
	s.says("there is no tunnel to reconnect")
	s.press("o")
	s.says("nothing has come in yet")
	s.leaves()
}

// browserScript is a browser that notes how it was called and what it knows.
func browserScript(t *testing.T, then string) (program, notes string) {
	t.Helper()
	dir := t.TempDir()
	program, notes = filepath.Join(dir, "browser"), filepath.Join(dir, "notes")
	script := "#!/bin/sh\necho garbage; echo garbage >&2\n" +
		"{ printf '%s\\n' \"$@\"; echo \"secret=$WEBHOOK_SECRET pid=$$\"; (: >/dev/tty) 2>/dev/null && echo has a terminal; } >" + notes + ".new\n" +
		"mv " + notes + ".new " + notes + "\n" + then + "\n"
	require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
	return program, notes
}

func awaitFile(t *testing.T, name string) string {
	t.Helper()
	var text []byte
	require.Eventually(t, func() (ok bool) {
		var err error
		text, err = os.ReadFile(name)
		return err == nil
	}, patience, 5*time.Millisecond)
	return string(text)
}

func TestAKeyOpensThePage(t *testing.T) {
	t.Parallel()
	program, notes := browserScript(t, "")
	s := sitDown(t, []string{"BROWSER=/no/such/browser:" + program + " --new %s --last", "HFHOOK_SECRET=", "HF_TOKEN=hf_" + strings.Repeat("x", 20)}, "--verbose")
	s.arrives(trick)
	s.shows(1, "#1")
	s.press("o")
	page := "https://huggingface.co/some-user/some-repo/discussions/13#6398872887bfcfb93a306f18"
	s.says("opening " + page)
	lines := strings.Split(awaitFile(t, notes), "\n")
	assert.Equal(t, []string{"--new", page, "--last"}, lines[:3])
	assert.Regexp(t, `^secret= pid=\d+$`, lines[3])
	assert.NotContains(t, lines, "has a terminal")

	answer, err := http.Post(s.url, "application/json", strings.NewReader(`{"repo":{"url":{"web":"https://evil.example/$(id)"}}}`))
	require.NoError(t, err)
	answer.Body.Close()
	s.shows(1, "#2")
	s.press("o")
	s.says("#2 names no page on the Hub")
	s.leaves()
	assert.NotContains(t, s.err.String(), "garbage")
}

func TestAPageThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	page := "https://huggingface.co/some-user/some-repo"
	program, _ := browserScript(t, "exit 3")
	for name, tt := range map[string]struct{ browser, said string }{
		"missing": {"/no/such/browser", "^hfhook: cannot open the page: /no/such/browser does not start: no such file or directory\r\nhint: open it yourself: " + page},
		"failing": {program, "^hfhook: cannot open the page: .*browser: exit status 3\r\nhint: open it yourself: " + page},
		"none":    {"", "there is no browser here; the page is " + page},
	} {
		t.Run(name, func(t *testing.T) {
			s := sitDown(t, []string{"BROWSER=" + tt.browser, "DISPLAY=", "WAYLAND_DISPLAY="})
			s.arrives(created)
			s.shows(1, "#1")
			s.press("o")
			s.says(tt.said)
			s.leaves()
		})
	}
}

func TestABrowserMayOutliveTheSession(t *testing.T) {
	t.Parallel()
	program, notes := browserScript(t, "exec sleep 600")
	s := sitDown(t, []string{"BROWSER=" + program})
	s.arrives(created)
	s.shows(1, "#1")
	s.press("o")
	text := awaitFile(t, notes)
	pid, err := strconv.Atoi(strings.TrimSpace(text[strings.Index(text, "pid=")+4:]))
	require.NoError(t, err)
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	s.press("\x03")
	endsWell(t, s.process, nil)
	assert.NoError(t, syscall.Kill(pid, 0), "it goes on")
}

// copied gives the last text that a terminal was asked to copy.
func (s *seat) copied(n int) string {
	s.t.Helper()
	coded := s.saysTimes(n, "\x1b\\]52;c;([A-Za-z0-9+/=]*)\a")[1]
	text, err := base64.StdEncoding.DecodeString(coded)
	require.NoError(s.t, err)
	return string(text)
}

func TestKeysCopy(t *testing.T) {
	t.Parallel()
	h := catch(t, nil)
	store := filepath.Join(t.TempDir(), "deliveries.db")
	s := sitDown(t, []string{"TERM=xterm", "TMUX=", "STY="}, "--forward", h.URL, "--store", store, "--public-url", "https://hooks.example.com", "--no-probe")
	s.press("c")
	assert.Equal(t, "https://hooks.example.com/webhooks/dev", s.copied(1))
	s.says("copied the URL, unless the terminal forbids it: https://hooks.example.com/webhooks/dev")
	s.leaves()

	foreign := sitDown(t, []string{"TERM=xterm", "TMUX=", "STY="}, "--store", store, "--public-url", h.URL, "--insecure-public-url")
	foreign.press("c")
	foreign.says("not copied, because somebody else answers there: " + h.URL + "/webhooks/dev")
	assert.NotContains(t, foreign.err.String(), "\x1b]52")
	foreign.leaves()

	local := sitDown(t, []string{"TERM=xterm", "TMUX=", "STY="}, "--forward", h.URL, "--store", store)
	local.press("c")
	assert.Equal(t, local.url, local.copied(1))
	local.arrives(pushed)
	local.shows(1, "→ #1 200 OK")
	local.press("y")
	command := local.copied(2)
	local.says("copied #1 as a curl command, unless the terminal forbids it: hfhook inspect --curl --store " + store + " 1")
	local.leaves()
	inspect := exec.Command("hfhook", "inspect", "--curl", "--store", store, "1")
	inspect.Env, inspect.Dir = append(os.Environ(), homeEnv(t.TempDir())...), t.TempDir()
	printed, err := inspect.Output()
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSuffix(string(printed), "\n"), command)
}

func TestCopyingALargeDeliveryAndOneThatWentNowhere(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 20)
	store := filepath.Join(t.TempDir(), "deliveries.db")
	s := sitDown(t, []string{"TERM=xterm", "TMUX=", "STY="}, "--store", store)
	request, err := http.NewRequest(http.MethodPost, s.url, strings.NewReader(`{"x":"`+strings.Repeat("'", 60_000)+`"}`))
	require.NoError(t, err)
	request.Header.Set("X-Webhook-Secret", secret)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	answer.Body.Close()
	s.shows(1, "#1")
	s.press("y")
	command := s.copied(1)
	assert.True(t, strings.HasPrefix(command, "hfhook inspect --store "+store+" --body 1 | curl "), "%.200s", command)
	assert.Contains(t, command, s.url)
	assert.Contains(t, command, `"$WEBHOOK_SECRET"`)
	assert.NotContains(t, command, secret)
	s.says("--curl --store " + store + " --to URL 1")
	s.leaves()

	plain := sitDown(t, []string{"TERM=dumb"}, "--store", store)
	plain.press("c")
	plain.says("this terminal copies nothing: " + plain.url)
	assert.NotContains(t, plain.err.String(), "\x1b")
	plain.leaves()
}

// The secret is not led to a server that only a stranger's store names.
func TestCopyingLeadsNowhereThatAStoreNames(t *testing.T) {
	t.Parallel()
	store := strangersStore(t, t.TempDir(), "https://elsewhere.example.com/hook")
	s := sitDown(t, []string{"TERM=xterm", "TMUX=", "STY="}, "--store", store)
	s.press("y")
	command := s.copied(1)
	assert.NotContains(t, command, "elsewhere")
	assert.Contains(t, command, " "+s.url+" ")
	s.says("hfhook inspect --curl --store " + store + " --to URL 1")
	s.leaves()
}

// A replay goes where the delivery would go, and is about what is shown.
func TestKeysHeedRoutesAndOnly(t *testing.T) {
	t.Parallel()
	talk, code := catch(t, nil), catch(t, nil)
	store := filepath.Join(t.TempDir(), "deliveries.db")
	s := sitDown(t, nil, "--store", store, "--forward", talk.URL+" if scope=discussion", "--forward", code.URL+" if scope=repo.content")
	s.arrives(trick)
	s.shows(1, "→ #1 200 OK")
	s.press("r")
	s.shows(1, "→ #1 replayed 200 OK")
	s.arrives(created)
	s.shows(1, "#2")
	s.press("r")
	s.says("no route is for #2; hfhook replay --to URL 2 sends it anywhere")
	s.leaves()
	assert.Len(t, talk.got, 2)
	assert.Empty(t, code.got)

	only := sitDown(t, nil, "--store", store, "--forward", talk.URL, "--only", "scope=discussion")
	only.arrives(created)
	only.press("r")
	only.says("replaying #1")
	only.shows(1, "→ #1 replayed 200 OK")
	only.press("/", "status=failed\n")
	only.says(`status=failed is about what was sent`)
	only.press("\x03")
	only.leaves()
	assert.NotContains(t, only.out.String(), "#3")
}
