package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	"golang.org/x/sys/unix"
)

// seat is a person at the terminal of hfhook dev.
type seat struct {
	*process
	t        *testing.T
	keyboard *os.File
	url      string // on this machine
}

// sitDown starts hfhook dev on a terminal.
func sitDown(t *testing.T, env []string, flags ...string) *seat {
	t.Helper()
	p, keyboard := onTerminal(t, env, append([]string{"dev", "--tunnel", "none", "--no-secret", "--listen", "127.0.0.1:0"}, flags...)...)
	s := &seat{process: p, t: t, keyboard: keyboard}
	s.url = s.says(`URL +(https?://\S+)`)[1]
	s.says(`Waiting for deliveries\. r replays the last, \? lists the keys, q quits\.`)
	return s
}

// press types keys, each by itself.
func (s *seat) press(keys ...string) {
	s.t.Helper()
	for _, key := range keys {
		s.taken() // so that it comes by itself
		_, err := s.keyboard.WriteString(key)
		require.NoError(s.t, err)
	}
}

// taken waits until what was typed was read.
func (s *seat) taken() {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		n := 0
		terminal, err := os.Open(fmt.Sprintf("/proc/%d/fd/0", s.cmd.Process.Pid))
		require.NoError(s.t, err)
		defer terminal.Close()
		control(s.t, terminal, func(fd int) (err error) {
			n, err = unix.IoctlGetInt(fd, unix.TIOCINQ)
			return err
		})
		return n == 0
	}, patience, time.Millisecond)
}

// says waits for the terminal to show a pattern, and gives its groups.
func (s *seat) says(pattern string) []string { s.t.Helper(); return s.saysTimes(1, pattern) }

func (s *seat) saysTimes(n int, pattern string) []string {
	s.t.Helper()
	found, err := s.await(&s.err, pattern, n)
	require.NoError(s.t, err)
	return found
}

// lastLine waits for the last line on the terminal to be this.
func (s *seat) lastLine(line string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		shown := onScreen(s.err.String())
		return shown[len(shown)-1] == line
	}, patience, time.Millisecond, line)
}

// shows waits for stdout to hold a pattern n times.
func (s *seat) shows(n int, pattern string) {
	s.t.Helper()
	_, err := s.await(&s.out, pattern, n)
	require.NoError(s.t, err)
}

// arrives posts a sample and gives the status of the answer.
func (s *seat) arrives(sample string) int {
	s.t.Helper()
	answer, err := http.Post(s.url, "application/json", bytes.NewReader(samples(s.t)[sample]))
	require.NoError(s.t, err)
	answer.Body.Close()
	return answer.StatusCode
}

// leaves presses q.
func (s *seat) leaves() {
	s.t.Helper()
	s.press("q")
	endsWell(s.t, s.process, nil)
	assert.True(s.t, echoes(s.t, s.keyboard), "the terminal is as it was")
}

const (
	created = "repo.create.model.composed.json"
	pushed  = "repo.content.update.model.commit.composed.json"
	trick   = "discussion.comment.create.model.hostile-text.composed.json"
)

// caught is a handler that notes paths, and answers when it may.
type caught struct {
	*httptest.Server
	got  chan string
	free chan struct{} // nil: at once
}

func catch(t *testing.T, free chan struct{}) *caught {
	c := &caught{got: make(chan string, 100), free: free}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c.got <- r.Header.Get("Webhook-Id") + r.URL.Path
		if free != nil {
			<-free
		}
	}))
	t.Cleanup(c.Close)
	return c
}

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

func TestTheKeysAreListed(t *testing.T) {
	t.Parallel()
	s := sitDown(t, nil)
	s.press("?")
	s.says("^q +quit")
	for _, deed := range keyDeeds() {
		assert.Contains(t, s.err.String(), deed.text)
	}
	s.press("\n")
	s.says("^q +quit, as Ctrl-C does\r\n\r\n")
	s.leaves()
}

func TestWhatIsNoKeyDoesNothing(t *testing.T) {
	t.Parallel()
	h := catch(t, nil)
	s := sitDown(t, nil, "--forward", h.URL)
	s.arrives(created)
	s.shows(1, "→ #1 200 OK")
	s.press("\x1b[A", "\x1bOB", "\x1b[1;5C", "\x1bq", "\x1b", "\x00", "\xff") // no word about these
	s.press("R")
	s.says(`the key R does nothing; \? lists the keys`)
	s.press("S")
	s.press("?")
	s.says("^q +quit")
	assert.NotContains(t, s.err.String(), "the key S", "not one hint after the other")
	assert.NotContains(t, s.err.String(), "replaying")
	assert.Len(t, h.got, 1)
	s.press("\x04")
	endsWell(t, s.process, nil)
}

func TestPastedTextIsNoKeys(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ terminal, pasted string }{
		"marked":       {"TERM=xterm", "\x1b[200~q\n/q\x1b[201~"},
		"in pieces":    {"TERM=xterm", "\x1b[200~q|\nq|q\x1b[20|1~"},
		"never ending": {"TERM=xterm", "\x1b[200~q|q"},
		"not marked":   {"TERM=dumb", "quite a long command\nq\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sitDown(t, []string{tt.terminal})
			s.press(strings.Split(tt.pasted, "|")...)
			s.says("what is pasted does nothing here; .? lists the keys")
			if name == "never ending" {
				require.Eventually(t, func() bool {
					s.press("?")
					return strings.Contains(s.err.String(), "quit, as Ctrl-C does")
				}, patience, 2*pasteTime)
			}
			s.press("/")
			s.says("filter: ")
			if name != "not marked" {
				s.press("\x1b[200~repo=a/b\nscope=repo\x1b[201~", "\n")
				s.says("showing repo=a/b scope=repo only")
			} else {
				s.press("repo=aa/bb\nq") // what follows in one go is no key
				s.says("showing repo=aa/bb only")
			}
			s.leaves()
			assert.Equal(t, tt.terminal == "TERM=xterm", strings.Contains(s.err.String(), marksOn))
			assert.Equal(t, strings.Count(s.err.String(), marksOn), strings.Count(s.err.String(), marksOff), "as it was")
		})
	}
}

// On a slow line, keys come together.
func TestKeysThatComeTogether(t *testing.T) {
	t.Parallel()
	s := sitDown(t, nil)
	s.press("??/scope=repo\n")
	s.says("showing scope=repo only")
	assert.Equal(t, 1, strings.Count(s.err.String(), "quit, as Ctrl-C does"), "one key held down")
	s.press("?q?")
	endsWell(t, s.process, nil)
	assert.Equal(t, 2, strings.Count(s.err.String(), "quit, as Ctrl-C does"))
}

func TestForwardingIsPaused(t *testing.T) {
	t.Parallel()
	h := catch(t, nil)
	store := filepath.Join(t.TempDir(), "deliveries.db")
	s := sitDown(t, nil, "--forward", h.URL, "--store", store)
	s.press("p")
	s.says("forwarding is paused: deliveries are received and kept, and wait; p goes on")
	for range 3 {
		require.Equal(t, http.StatusOK, s.arrives(created))
	}
	s.says("paused: 3 deliveries wait; p goes on")
	s.press("r") // is asked for
	s.shows(1, "→ #3 replayed 200 OK")
	assert.Len(t, h.got, 1)
	s.press("p")
	s.says("forwarding goes on")
	s.shows(3, "→ #[123] 200 OK")
	assert.Less(t, strings.Index(s.out.String(), "→ #1 200"), strings.Index(s.out.String(), "→ #2 200"), "in order")
	assert.Less(t, strings.Index(s.out.String(), "→ #2 200"), strings.Index(s.out.String(), "→ #3 200"), "in order")

	s.press("p")
	s.saysTimes(2, "forwarding is paused")
	for range 2 {
		s.arrives(pushed)
	}
	s.shows(2, "main moved")
	s.leaves()
	assert.Contains(t, s.err.String(), "; 2 wait for the next hfhook dev.")

	later := sitDown(t, nil, "--forward", h.URL, "--store", store)
	later.says("2 deliveries wait from before, sent now")
	later.shows(2, "→ #[45] 200 OK")
	later.leaves()
	assert.Len(t, h.got, 6)
}

func TestTheHubIsNotKeptWaitingByAPause(t *testing.T) {
	t.Parallel()
	h := catch(t, nil)
	s := sitDown(t, nil, "--forward", h.URL, "--ack", "handler", "--ack-timeout", "10m")
	s.press("p")
	s.says("the Hub gets its 200 without an answer of the handler; p goes on")
	assert.Equal(t, http.StatusOK, s.arrives(created))
	s.says("acknowledged without an answer of the handler")
	assert.Empty(t, h.got)
	s.press("p")
	s.shows(1, "→ #1 200 OK")
	assert.Equal(t, http.StatusOK, s.arrives(created))
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

func TestAFilterChoosesWhatIsShown(t *testing.T) {
	t.Parallel()
	h := catch(t, nil)
	s := sitDown(t, nil, "--forward", h.URL)
	s.press("/")
	s.says("^filter: ")
	s.press("scope=dixx", "\x7f\x7f", "scussion", "\x1b[D", "\n")
	s.says(`showing scope=discussion only; all else is received, kept and forwarded too`)
	s.arrives(created)
	<-h.got
	s.arrives(trick)
	s.shows(1, "→ #2 200 OK")
	s.press("r")
	s.says("replaying #2")
	s.shows(1, "→ #2 replayed")
	s.arrives(created)
	<-h.got
	<-h.got
	<-h.got
	s.press("r")
	s.saysTimes(2, "replaying #2")
	s.shows(2, "→ #2 replayed")
	assert.NotRegexp(t, "#[13] ", s.out.String())

	s.press("/", "repo=no/such", "\n")
	s.says("showing repo=no/such only; all else is received, kept and forwarded too|showing repo=no/such only; 2 deliveries were hidden, hfhook inspect lists all; all else is received, kept and forwarded too")
	s.press("r")
	s.says("nothing has come in that the filter shows")
	s.arrives(pushed)
	require.Eventually(t, func() bool { return len(h.got) == 2 }, patience, time.Millisecond)
	s.press("/", "\n")
	s.says("everything is shown; 1 delivery was hidden, hfhook inspect lists all")
	s.arrives(created)
	s.shows(1, "→ #5 200 OK")
	s.leaves()
	assert.Contains(t, s.err.String(), ", 3 kept but not shown, as the filter said; ")
}

func TestAFilterIsMendedOrGivenUp(t *testing.T) {
	t.Parallel()
	s := sitDown(t, nil)
	s.press("/")
	s.says("^filter: ")
	s.press("scoop=x", "\n")
	s.says(`filter word "scoop=x": there is no key "scoop"`)
	s.says(`hint: did you mean scope\?.*\r\nfilter: scoop=x`)
	s.press("\x17", "repo=acme/*", "\n")
	s.says(`showing repo=acme/\* only`)
	for i, key := range []string{"\x03", "\x1b", "\x15\x04"} { // Ctrl-C and Ctrl-D are the line's
		s.press("/")
		s.press("repo=q")
		s.lastLine("filter: repo=q")
		s.press(key)
		s.lastLine("")
		s.press("?")
		s.saysTimes(1+i, "^q +quit")
	}
	s.press("/")
	s.press("q\nq")
	s.says(`filter word "q"`)
	s.press("\x03\x03") // at once: no signal yet
	endsWell(t, s.process, nil)
	assert.True(t, echoes(t, s.keyboard))
}

// What comes in while a filter is typed goes above it, whole.
func TestDeliveriesDoNotTearTheFilter(t *testing.T) {
	t.Parallel()
	keyboard, terminal := openTerminal(t)
	require.NoError(t, unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 200}))
	// The shell has both streams be the terminal.
	p := runOnTerminal(t, keyboard, terminal, nil, "sh", "-c", `hfhook "$@" >&2`, "sh", "dev", "--tunnel", "none", "--no-secret", "--listen", "127.0.0.1:0")
	s := &seat{process: p, t: t, keyboard: keyboard}
	s.url = s.says(`URL +(https?://\S+)`)[1]
	s.says("q quits")
	s.press("/")
	s.says("filter: ")
	for i := range 5 {
		_, err := keyboard.WriteString("abcde"[i : i+1])
		require.NoError(t, err)
		s.arrives(created)
	}
	s.saysTimes(1, "filter: abcde")
	s.saysTimes(5, "event +repo create\r\n")
	s.lastLine("filter: abcde")
	shown := onScreen(s.err.String())
	assert.Equal(t, 1, strings.Count(strings.Join(shown, "\n"), "filter:"), strings.Join(shown, "\n"))
	for i := 1; i <= 5; i++ {
		assert.Regexp(t, fmt.Sprintf(`(?m)^\d\d:\d\d:\d\d  #%d  model some-user/some-repo created$`, i), strings.Join(shown, "\n"))
	}
	s.press("\x1b")
	s.lastLine("")
	s.press("q")
	endsWell(t, p, nil)
	assert.True(t, echoes(t, keyboard))
}

// q is the first Ctrl-C, and never the second.
func TestQuitFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	h := catch(t, free)
	s := sitDown(t, nil, "--forward", h.URL)
	s.arrives(created)
	<-h.got
	s.press("qq")
	s.says("finishing what is under way")
	close(free)
	endsWell(t, s.process, nil)
	assert.Contains(t, s.out.String(), "→ #1 200 OK")
}

func TestThereAreNoKeysWithoutAPersonAtATerminal(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"pipe": nil, "terminal for stdin alone": nil, "records": {"--json"}} {
		t.Run(name, func(t *testing.T) {
			keyboard, terminal := openTerminal(t)
			defer terminal.Close()
			before := modeOf(t, keyboard)
			home := t.TempDir()
			p := &process{cmd: exec.Command("hfhook", append([]string{"dev", "--tunnel", "none", "--no-secret", "--listen", "127.0.0.1:0"}, flags...)...), exited: make(chan struct{})}
			p.cmd.Env, p.cmd.Dir = append(os.Environ(), homeEnv(home)...), home
			p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = terminal, &p.out, &p.err
			p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			typed := keyboard
			switch name {
			case "pipe":
				read, write, err := os.Pipe()
				require.NoError(t, err)
				defer read.Close()
				defer write.Close()
				p.cmd.Stdin, typed = read, write
				p.cmd.SysProcAttr = nil
			case "records":
				p.cmd.Stderr = terminal
			}
			require.NoError(t, p.cmd.Start())
			go func() {
				defer close(p.exited)
				_ = p.cmd.Wait()
				p.code = p.cmd.ProcessState.ExitCode()
			}()
			t.Cleanup(func() {
				_ = p.cmd.Process.Kill()
				<-p.exited
			})
			said, pattern := &p.err, `URL +(http://\S+)`
			if name == "records" {
				said, pattern = &p.out, `"local":"([^"]+)"`
			}
			found, err := p.await(said, pattern, 1)
			require.NoError(t, err)
			_, err = typed.WriteString("?pq\n")
			require.NoError(t, err)
			assert.Equal(t, before, modeOf(t, keyboard))
			answer, err := http.Post(found[1], "application/json", bytes.NewReader(samples(t)[created]))
			require.NoError(t, err)
			answer.Body.Close()
			assert.Equal(t, http.StatusOK, answer.StatusCode)
			if name != "records" {
				_, err = p.await(&p.err, `Waiting for deliveries\. Ctrl-C ends\.$`, 1)
				require.NoError(t, err)
			}
			endsWell(t, p, os.Interrupt)
			assert.NotContains(t, p.err.String()+p.out.String(), "list the keys")
		})
	}
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
