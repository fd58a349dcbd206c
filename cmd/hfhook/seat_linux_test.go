package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
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
