package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
