package command_test

import (
	"crypto/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/command/commandtest"
	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
)

func isState(s tunnel.State) func(tunnel.Event) bool {
	return func(e tunnel.Event) bool { return e.State == s }
}

func TestWhatTheProgramGets(t *testing.T) {
	service := commandtest.Start(t) // it knows what must not be in the environment
	for _, name := range []string{"NGROK_AUTHTOKEN", "WEBHOOK_SECRET", "HF_TOKEN"} {
		t.Setenv(name, rand.Text())
	}
	p := service.Provider()
	p.Command = strings.ReplaceAll(p.Command, "'two words'", "'two words' {addr}:{port}{host}{other}")
	p.Pass = []string{"NGROK_AUTHTOKEN"}
	childtest.Open(t, p, tunnel.Options{})
	puppet := service.Await(0)
	assert.Contains(t, puppet.Env, "NGROK_AUTHTOKEN")
	require.Len(t, service.Wrongs(), 1, "the additional argument")
	require.Len(t, puppet.Args, 5)
	port := strings.TrimPrefix(puppet.Args[2], "--port=")
	_, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	assert.Equal(t, []string{"--to", "127.0.0.1", "--port=" + port, "two words", "127.0.0.1:" + port + ":" + port + "127.0.0.1{other}"}, puppet.Args)
}

// A program prints what visitors ask for, and a visitor asks for what looks like
// the announcement of his own tunnel.
func TestAVisitorCannotAnnounce(t *testing.T) {
	evil := []string{"is at https://evil.example.test", `"GET /is at https://evil.example.test HTTP/1.1" 200`}
	service := commandtest.Start(t)
	service.Names(func(int) string { return "same.example.test" })
	tun, events := childtest.Open(t, service.Provider(), tunnel.Options{})
	said := func(puppet *childtest.Puppet) { // and read: the next run comes after that
		puppet.Print(evil...)
		puppet.PrintOut(evil...)
		puppet.Exit(0)
	}

	said(service.Await(0))
	online := func(n int) {
		t.Helper()
		events.Await(t, func(e tunnel.Event) bool {
			if e.State == tunnel.Online {
				n--
			}
			return n == 0
		})
	}
	online(2)

	// When it comes back under a name that is known, visitors are there first.
	service.Print(func(url string) []string {
		assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
		return append(evil, "is at "+url)
	})
	said(service.Await(1))
	online(3)
	assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
	for _, e := range events.All() {
		if e.URL != nil {
			assert.Equal(t, "same.example.test", e.URL.Host)
		}
	}
	assert.Equal(t, "https://same.example.test", tun.URL().String())
}

// Nobody can have asked under a new name yet.
func TestANewNameBeforeAnyVisitorIsBelieved(t *testing.T) {
	service := commandtest.Start(t)
	_, events := childtest.Open(t, service.Provider(), tunnel.Options{})
	service.Names(func(int) string { return "next.example.test" })
	service.KillAll()
	events.Await(t, func(e tunnel.Event) bool { return e.URL != nil && e.URL.Host == "next.example.test" })
}

func TestTheProgramEndsLater(t *testing.T) {
	service := commandtest.Start(t)
	tun, events := childtest.Open(t, service.Provider(), tunnel.Options{})
	before := tun.URL().String()
	service.Await(0).Print("bye")
	service.Await(0).Exit(0)
	down := events.Await(t, isState(tunnel.Reconnecting))
	assert.Contains(t, down.Err.Error(), "the tunnel command ended with exit code 0 (last lines: ")
	assert.Contains(t, down.Err.Error(), " | bye)")
	assert.False(t, down.Err.(*tunnel.Error).Permanent)
	events.Await(t, func(e tunnel.Event) bool { return e.State == tunnel.Online && e.URL.String() != before })
	assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
}

// While opening this is the end.
func TestOnceOnlineItNeverGivesUp(t *testing.T) {
	service := commandtest.Start(t)
	p := service.Provider()
	p.URLTimeout = 3 * time.Second
	tun, events := childtest.Open(t, p, tunnel.Options{})
	service.Print(func(string) []string { return []string{"not now"} })
	service.KillAll()
	down := events.Await(t, func(e tunnel.Event) bool {
		return e.Err != nil && strings.Contains(e.Err.Error(), "printed no URL")
	})
	assert.Equal(t, tunnel.Reconnecting, down.State)
	assert.False(t, down.Err.(*tunnel.Error).Permanent)
	assert.NoError(t, tun.Err())
}

func TestAFloodOfLinesHindersNothing(t *testing.T) {
	service := commandtest.Start(t)
	tun, events := childtest.Open(t, service.Provider(), tunnel.Options{})
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		service.Await(0).Flood("something is at odds", 200_000)
	}()
	for done := false; !done; {
		select {
		case <-flooded:
			done = true
		default:
		}
		assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
	}
	assert.Len(t, events.All(), 2)
}

func TestCloseEndsWhateverTheProgramDoes(t *testing.T) {
	for name, prepare := range map[string]func(*childtest.Puppet){
		"it ignores SIGTERM":       func(p *childtest.Puppet) { p.IgnoreTerm() },
		"it has a child":           func(p *childtest.Puppet) { p.Grandchild(false).IgnoreTerm() },
		"it has a child that left": func(p *childtest.Puppet) { p.Grandchild(true) },
	} {
		t.Run(name, func(t *testing.T) {
			service := commandtest.Start(t)
			service.Prepare(prepare)
			tun, _ := childtest.Open(t, service.Provider(), tunnel.Options{})
			start := time.Now()
			require.NoError(t, tun.Close())
			assert.Less(t, time.Since(start), tunnel.CloseTimeout)
			service.WaitIdle()
		})
	}
}

func TestNoShellRuns(t *testing.T) {
	service := commandtest.Start(t)
	mark := t.TempDir() + "/mark"
	p := service.Provider()
	p.Command += ` ; touch "` + mark + `" $(touch ` + mark + `)`
	childtest.Open(t, p, tunnel.Options{})
	assert.Len(t, service.Wrongs(), 1)
	assert.Equal(t, ";", service.Await(0).Args[4])
	_, err := os.Stat(mark)
	assert.ErrorIs(t, err, os.ErrNotExist)
}
