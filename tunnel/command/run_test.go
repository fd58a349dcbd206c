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

func TestANewURLInTheSameRun(t *testing.T) {
	service := commandtest.Start(t)
	tun, events := childtest.Open(t, service.Provider(), tunnel.Options{})
	before := tun.URL().String()
	puppet := service.Await(0)
	puppet.PrintOut("is at "+before, "is at https://soon.example.test", "is at ftp://x.example.test", "is at https://next.example.test")
	events.Await(t, func(e tunnel.Event) bool { return e.URL != nil && e.URL.Host == "next.example.test" })
	assert.Equal(t, "https://next.example.test", tun.URL().String())
	assert.Len(t, service.Puppets(), 1)
	for _, e := range events.All() {
		assert.NotEqual(t, tunnel.Reconnecting, e.State)
	}
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
