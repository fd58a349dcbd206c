package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what has to happen.
const patience = 60 * time.Second

// process is a program that a test runs, most often this test binary as
// hfhook, with what it has printed so far.
type process struct {
	cmd    *exec.Cmd
	out    transcript
	err    transcript
	exited chan struct{}
	code   int
}

// launch starts a program and ends it with the test at the latest.
func launch(cleanup func(func()), env []string, dir, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), exited: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = env, dir
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
	}()
	cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	return p, nil
}

// end sends a signal, unless it is nil, and gives the exit code, -1 after a
// kill.
func (p *process) end(signal os.Signal) (int, error) {
	if signal != nil {
		if err := p.cmd.Process.Signal(signal); err != nil && !isDone(p) {
			return 0, err
		}
	}
	select {
	case <-p.exited:
		return p.code, nil
	case <-time.After(patience):
		return 0, fmt.Errorf("the program does not end; it said:\n%s%s", p.out.String(), p.err.String())
	}
}

// ready waits for the record that hfhook dev is.
func (p *process) ready(t testing.TB) (r readyRecord) {
	t.Helper()
	line, err := p.await(&p.out, `^{"v":1,"type":"ready".*$`, 1)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(line[0]), &r))
	return r
}

// deliver posts a sample, which is the nth delivery, and waits until hfhook dev
// shows it. A nil client is the usual one.
func (p *process) deliver(t testing.TB, client *http.Client, url string, n int) {
	t.Helper()
	body := samples(t)["repo.content.update.model.commit.composed.json"]
	answer, err := cmp.Or(client, http.DefaultClient).Post(url, "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	_, err = p.await(&p.out, `"type":"delivery"|^\S+  #\d+  `, n)
	require.NoError(t, err)
}

func isDone(p *process) bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// await waits until t holds n matches and gives the groups of the last one.
func (p *process) await(t *transcript, pattern string, n int) ([]string, error) {
	re, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return nil, err
	}
	timeout := time.After(patience)
	for {
		grown := t.changed()
		if found := re.FindAllStringSubmatch(t.String(), -1); len(found) >= n {
			return found[n-1], nil
		}
		select {
		case <-grown:
		case <-p.exited:
			if found := re.FindAllStringSubmatch(t.String(), -1); len(found) >= n {
				return found[n-1], nil
			}
			return nil, fmt.Errorf("the program ended with code %d before %q:\n%s%s", p.code, pattern, p.out.String(), p.err.String())
		case <-timeout:
			return nil, fmt.Errorf("no %q (%d times) within %s; so far:\n%s%s", pattern, n, patience, p.out.String(), p.err.String())
		}
	}
}

// transcript is what a program printed; it tells when there is more.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.more != nil {
		close(t.more)
		t.more = nil
	}
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

func (t *transcript) changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.more == nil {
		t.more = make(chan struct{})
	}
	return t.more
}

// startHFHook starts the real program, with a home of its own.
func startHFHook(t testing.TB, home string, args ...string) *process {
	t.Helper()
	p, err := launch(t.Cleanup, append(os.Environ(), homeEnv(home)...), home, "hfhook", args...)
	require.NoError(t, err)
	return p
}

// homeEnv keeps a test from the settings and the state of whoever runs it.
func homeEnv(home string) []string {
	return []string{
		"GORACE=atexit_sleep_ms=20", // else a program with the race detector takes a second to end
		"HOME=" + home, "XDG_STATE_HOME=" + filepath.Join(home, "state"), "XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
		"LocalAppData=" + filepath.Join(home, "local"), "AppData=" + filepath.Join(home, "roaming"), "USERPROFILE=" + home,
		// Nothing leads out of this machine, and lower case counts on Windows too.
		"https_proxy=", "http_proxy=", "all_proxy=", "no_proxy=", "HTTP_PROXY=", "ALL_PROXY=", "NO_PROXY=",
		"HTTPS_PROXY=http://127.0.0.1:1", "HF_ENDPOINT=http://127.0.0.1:1",
		"HF_TOKEN=", "HUGGING_FACE_HUB_TOKEN=", "HF_TOKEN_PATH=", "HF_HOME=" + filepath.Join(home, "hf"), "HF_HUB_OFFLINE=", "TRANSFORMERS_OFFLINE=",
		"HUGGINGFACE_CO_STAGING=", "WEBHOOK_SECRET=", "NGROK_AUTHTOKEN=", "SPACE_ID=", "SPACE_HOST=", "NO_COLOR=", "TZ=UTC",
	}
}

// endsWell ends p with a signal; nil: it ends by itself.
func endsWell(t *testing.T, p *process, signal os.Signal) {
	t.Helper()
	code, err := p.end(signal)
	require.NoError(t, err)
	require.Zero(t, code, p.err.String())
}
