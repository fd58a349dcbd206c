package cloudflared_test

import (
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func isState(s tunnel.State) func(tunnel.Event) bool {
	return func(e tunnel.Event) bool { return e.State == s }
}

// backOnline waits until the tunnel is online again, and looks whether it is.
func backOnline(t *testing.T, service *cloudflaredtest.Service, tun tunnel.Tunnel, events *tunneltest.Events) {
	t.Helper()
	n := 0
	online := events.Await(t, func(e tunnel.Event) bool {
		if e.State == tunnel.Online {
			n++
		}
		return n == 2
	})
	assert.Equal(t, online.URL, tun.URL())
	assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
}

func TestThreeBadLooksMakeANewTunnel(t *testing.T) {
	for name, c := range map[string]struct {
		brk, mend func(*cloudflaredtest.Service)
		detail    string
	}{
		"no connection": {
			func(s *cloudflaredtest.Service) { s.Disconnect(3) }, func(*cloudflaredtest.Service) {},
			"cloudflared has no connection to Cloudflare any more"},
		"no answer": {
			func(s *cloudflaredtest.Service) { s.Silence(true) }, func(s *cloudflaredtest.Service) { s.Silence(false) },
			"cloudflared does not answer any more"},
	} {
		t.Run(name, func(t *testing.T) {
			service := cloudflaredtest.Start(t)
			tun, events := childtest.Open(t, service.Provider(), tunnel.Options{})
			before := tun.URL().String()
			c.brk(service)
			down := events.Await(t, isState(tunnel.Reconnecting))
			assert.Equal(t, c.detail, down.Err.Error())
			assert.Equal(t, "lost", down.Err.(*tunnel.Error).Code)
			c.mend(service)
			backOnline(t, service, tun, events)
			assert.NotEqual(t, before, tun.URL().String(), "every start has its own name")
			assert.Len(t, service.Puppets(), 2)
		})
	}
}

func TestTwoBadLooksMeanNothing(t *testing.T) {
	service := cloudflaredtest.Start(t)
	childtest.Open(t, service.Provider(), tunnel.Options{})
	for range 3 {
		service.Disconnect(2)
		n := service.Looks()
		require.Eventually(t, func() bool { return service.Looks() > n+1 }, 20*time.Second, time.Millisecond)
	}
	assert.Len(t, service.Puppets(), 1)
}

func TestTheProgramEndsLater(t *testing.T) {
	service := cloudflaredtest.Start(t)
	tun, events := childtest.Open(t, service.Provider(), tunnel.Options{})
	puppet := service.Await(0)
	puppet.Print("status_code=\"429 Too Many Requests\" in somebody's log", `{"level":"error","message":"giving \u001b[1mup","error":"no edge"}`)
	puppet.Exit(2)
	down := events.Await(t, isState(tunnel.Reconnecting))
	assert.Equal(t, "cloudflared ended with exit code 2 (last line: giving up: no edge)", down.Err.Error())
	assert.Equal(t, "program", down.Err.(*tunnel.Error).Code)
	backOnline(t, service, tun, events)
}

// A connection that waits to be accepted must not keep a session from ending.
func TestTheProgramEndsWhileARequestWaits(t *testing.T) {
	service := cloudflaredtest.Start(t)
	events := new(tunneltest.Events)
	tun, err := service.Provider().Open(t.Context(), tunnel.Options{Notify: events.Notify})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := service.Client().Get(tun.URL().String()); err == nil {
			_ = resp.Body.Close()
		}
	}()
	c, err := tun.Accept() // the request has come, and nobody answers it
	require.NoError(t, err)
	defer c.Close()
	waiting, err := net.Dial("tcp", c.LocalAddr().String())
	require.NoError(t, err)
	defer waiting.Close()
	service.KillAll()
	<-done
	events.Await(t, func(e tunnel.Event) bool {
		return e.State == tunnel.Reconnecting && e.Err.(*tunnel.Error).Code == "program"
	})
	_, err = waiting.Read(make([]byte, 1))
	assert.Error(t, err, "it is closed")
	require.NoError(t, tun.Close())
}

// Before there was a URL the fourth failure is the last.
func TestOnceOnlineItNeverGivesUp(t *testing.T) {
	service := cloudflaredtest.Start(t)
	var tun tunnel.Tunnel
	opened := make(chan struct{})
	events := new(tunneltest.Events)
	tun, err := service.Provider().Open(t.Context(), tunnel.Options{Notify: func(e tunnel.Event) {
		events.Notify(e)
		if err, ok := e.Err.(*tunnel.Error); ok && e.State == tunnel.Reconnecting && err.Code == "rate" {
			<-opened
			tun.Kick() // do not wait
		}
	}})
	require.NoError(t, err)
	close(opened)
	service.Refuse(cloudflaredtest.RateLimited, 6)
	service.KillAll()
	online := 0
	events.Await(t, func(e tunnel.Event) bool {
		if e.State == tunnel.Online {
			online++
		}
		return online == 2
	})
	limited := 0
	for _, text := range said(events, tunnel.Reconnecting) {
		if text == "Cloudflare limits new quick tunnels from your address right now (429)" {
			limited++
		}
	}
	assert.Equal(t, 6, limited)
	require.NoError(t, tun.Close())
}

func TestAProgramThatIsReplacedComesBack(t *testing.T) {
	service := cloudflaredtest.Start(t)
	tun, events := childtest.Open(t, service.Provider(), tunnel.Options{})
	away := service.Path + ".away"
	require.NoError(t, os.Rename(service.Path, away))
	service.KillAll()
	down := events.Await(t, func(e tunnel.Event) bool {
		err, ok := e.Err.(*tunnel.Error)
		return ok && err.Code == "missing"
	})
	assert.Equal(t, tunnel.Reconnecting, down.State)
	assert.Regexp(t, `^cannot start .*cloudflared \(.+\)$`, down.Err.Error())
	require.NoError(t, os.Rename(away, service.Path))
	backOnline(t, service, tun, events)
}

func TestAFloodOfLinesHindersNothing(t *testing.T) {
	service := cloudflaredtest.Start(t)
	tun, events := childtest.Open(t, service.Provider(), tunnel.Options{})
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		service.Await(0).Flood(`{"level":"error","message":"no connection"}`, 200_000)
	}()
	for done := false; !done; {
		select {
		case <-flooded:
			done = true
		default:
		}
		assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
	}
	require.NoError(t, tun.Close())
	assert.Empty(t, said(events, tunnel.Reconnecting))
}

func TestCloseEndsWhateverTheProgramDoes(t *testing.T) {
	for name, prepare := range map[string]func(*childtest.Puppet){
		"it ignores SIGTERM":            func(p *childtest.Puppet) { p.IgnoreTerm() },
		"it has a child":                func(p *childtest.Puppet) { p.Grandchild(false) },
		"it has a child that left":      func(p *childtest.Puppet) { p.Grandchild(true) },
		"both, and neither is obedient": func(p *childtest.Puppet) { p.IgnoreTerm(); p.Grandchild(true) },
	} {
		t.Run(name, func(t *testing.T) {
			service := cloudflaredtest.Start(t)
			service.Prepare(prepare)
			tun, _ := childtest.Open(t, service.Provider(), tunnel.Options{})
			start := time.Now()
			require.NoError(t, tun.Close())
			assert.Less(t, time.Since(start), tunnel.CloseTimeout)
			service.WaitIdle()
		})
	}
}
