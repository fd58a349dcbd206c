package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

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
