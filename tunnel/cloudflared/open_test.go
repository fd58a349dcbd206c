package cloudflared_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/cloudflared"
	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// said are the texts of the events in a state.
func said(events *tunneltest.Events, state tunnel.State) (all []string) {
	for _, e := range events.All() {
		if e.State == state && e.Err != nil {
			all = append(all, e.Err.Error())
		}
	}
	return all
}

func TestOpenWaitsForTheName(t *testing.T) {
	service := cloudflaredtest.Start(t)
	service.Absent(3)
	p := service.Provider()
	tun, events := childtest.Open(t, p, tunnel.Options{})
	host := tun.URL().Host
	assert.Regexp(t, `^[a-z0-9-]+\.trycloudflare\.com$`, host)
	assert.Equal(t, "https://"+host, tun.URL().String())
	assert.Equal(t, []string{"waiting for " + host + " to appear in DNS"}, said(events, tunnel.Opening))
	wait := events.Await(t, func(e tunnel.Event) bool { return e.Err != nil })
	assert.Equal(t, "dns", wait.Err.(*tunnel.Error).Code)
	assert.Equal(t, p.Settle, wait.Retry)
	assert.Equal(t, 4, service.Asks(host))
	assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
}

func TestOpenReadsLinesOfText(t *testing.T) {
	service := cloudflaredtest.Start(t)
	service.Text(true)
	tun, _ := childtest.Open(t, service.Provider(), tunnel.Options{})
	assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
}

func TestNoNameServerCanBeAsked(t *testing.T) {
	nowhere, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, nowhere.Close())
	for name, servers := range map[string]func(context.Context, string) ([]string, error){
		"not known":  func(context.Context, string) ([]string, error) { return nil, errors.New("no") },
		"none":       func(context.Context, string) ([]string, error) { return nil, nil },
		"no answers": func(context.Context, string) ([]string, error) { return []string{nowhere.LocalAddr().String()}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			service := cloudflaredtest.Start(t)
			p := service.Provider()
			p.NameServers = servers
			tun, events := childtest.Open(t, p, tunnel.Options{})
			assert.Zero(t, service.Asks(tun.URL().Host))
			var waits []time.Duration
			for _, e := range events.All() {
				if e.Err != nil {
					waits = append(waits, e.Retry)
				}
			}
			assert.Equal(t, []time.Duration{p.Settle, p.Unasked}, waits)
		})
	}
}

func TestASilentNameServerIsPassedOver(t *testing.T) {
	nowhere, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, nowhere.Close())
	service := cloudflaredtest.Start(t)
	p := service.Provider()
	p.NameServers = func(_ context.Context, zone string) ([]string, error) {
		assert.Equal(t, "trycloudflare.com", zone)
		return []string{nowhere.LocalAddr().String(), service.NameServer}, nil
	}
	tun, _ := childtest.Open(t, p, tunnel.Options{})
	assert.Equal(t, 1, service.Asks(tun.URL().Host))
}

// The system's resolver is asked for the servers of the zone, and for no name
// in it.
func TestNameServersOfTheZone(t *testing.T) {
	service := cloudflaredtest.Start(t)
	before := net.DefaultResolver
	defer func() { net.DefaultResolver = before }()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", service.NameServer)
	}}
	servers, err := cloudflared.NameServers(t.Context(), cloudflaredtest.Domain)
	require.NoError(t, err)
	assert.Equal(t, []string{"127.0.0.1:53"}, servers)
}

func TestOpenFailsBeforeAnythingIsStarted(t *testing.T) {
	service := cloudflaredtest.Start(t)
	notOne := filepath.Join(t.TempDir(), "cloudflared.exe")
	require.NoError(t, os.WriteFile(notOne, []byte("no program"), 0o700))
	t.Setenv("PATH", t.TempDir())
	for name, c := range map[string]struct {
		p                    cloudflared.Provider
		url                  *url.URL
		code, detail, inHint string
	}{
		"not in PATH": {cloudflared.Provider{}, nil,
			"missing", `^cloudflared was not found in PATH$`, "--tunnel=ssh:localhost.run"},
		"not where it should be": {cloudflared.Provider{Path: filepath.Join(t.TempDir(), "it")}, nil,
			"missing", `^cannot start .*it \(.+\)$`, "install it"},
		"no program": {cloudflared.Provider{Path: notOne}, nil,
			"missing", `^cannot start .*cloudflared.exe \(.+\)$`, "install it"},
		"a URL is wanted": {service.Provider(), &url.URL{Scheme: "https", Host: "x.example.test"},
			"url", `^quick tunnels of cloudflared choose their name themselves$`, "--tunnel=command"},
	} {
		t.Run(name, func(t *testing.T) {
			e := childtest.OpenError(t, c.p, tunnel.Options{URL: c.url})
			assert.Equal(t, c.code, e.Code)
			assert.Regexp(t, c.detail, e.Error())
			assert.Contains(t, e.Hint, c.inHint)
			assert.True(t, e.Permanent)
		})
	}
	assert.Empty(t, service.Puppets())
}

func TestTheProgramIsFoundInPATH(t *testing.T) {
	service := cloudflaredtest.Start(t)
	t.Setenv("PATH", service.Dir)
	p := service.Provider()
	p.Path = ""
	tun, _ := childtest.Open(t, p, tunnel.Options{})
	assert.Equal(t, http.StatusOK, service.Status(t, tun.URL()))
}

func TestAStartThatFailsIsTriedFourTimes(t *testing.T) {
	for how, c := range map[cloudflaredtest.Refusal]struct{ code, detail string }{
		cloudflaredtest.RateLimited: {"rate", "Cloudflare limits new quick tunnels from your address right now (429)"},
		cloudflaredtest.BrokenAPI: {"refused",
			"Cloudflare could not create a quick tunnel (last line: failed to parse quick Tunnel ID: invalid UUID length: 0)"},
		cloudflaredtest.Crash: {"program", "cloudflared ended with exit code 3 (last line: no luck today: red)"},
	} {
		t.Run(string(how), func(t *testing.T) {
			service := cloudflaredtest.Start(t)
			p := service.Provider()
			p.RetryPause = 10 * time.Millisecond

			service.Refuse(how, -1)
			events := new(tunneltest.Events)
			e := childtest.OpenError(t, p, tunnel.Options{Notify: events.Notify})
			assert.Equal(t, c.code, e.Code)
			assert.Equal(t, c.detail, e.Error())
			assert.True(t, e.Permanent, "others may be tried")
			assert.Len(t, service.Puppets(), 4)
			assert.Equal(t, []string{c.detail, c.detail, c.detail}, said(events, tunnel.Opening))
			for _, e := range events.All()[1:] {
				assert.GreaterOrEqual(t, e.Retry, p.RetryPause)
			}
		})
	}
}

func TestTheFourthStartIsGoodEnough(t *testing.T) {
	service := cloudflaredtest.Start(t)
	service.Refuse(cloudflaredtest.BrokenAPI, 3)
	childtest.Open(t, service.Provider(), tunnel.Options{})
	assert.Len(t, service.Puppets(), 4)
}

func TestOpenSaysWhatItWaitedFor(t *testing.T) {
	type arm = func(s *cloudflaredtest.Service, enough func())
	when := func(path string, s *cloudflaredtest.Service, enough func()) {
		s.Watch(func(asked string) {
			if asked == path {
				enough()
			}
		})
	}
	for name, c := range map[string]struct {
		arm
		code, detail string
	}{
		"nothing is said": {func(s *cloudflaredtest.Service, enough func()) {
			s.Prepare(func(p *childtest.Puppet) { enough(); <-p.Gone() })
		}, "timeout", `^cloudflared did not start in time$`},
		"no name": {func(s *cloudflaredtest.Service, enough func()) {
			s.Unannounced(true)
			when("/quicktunnel", s, enough)
		}, "nourl", `^cloudflared announced no host name \(last line: [^{}]+\)$`},
		"no connection": {func(s *cloudflaredtest.Service, enough func()) {
			s.Disconnect(-1)
			when("/ready", s, enough)
		}, "unreachable", `^cloudflared cannot connect to Cloudflare \(last line: [^{}]+\)$`},
	} {
		t.Run(name, func(t *testing.T) {
			service := cloudflaredtest.Start(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			enough := errors.New("enough")
			c.arm(service, func() { cancel(enough) })
			_, err := service.Provider().Open(ctx, tunnel.Options{})
			require.ErrorIs(t, err, enough)
			e := err.(*tunnel.Error)
			assert.Equal(t, c.code, e.Code)
			assert.Regexp(t, c.detail, e.Error())
			assert.False(t, e.Permanent)
		})
	}
}

func TestOpenEndsInTime(t *testing.T) {
	service := cloudflaredtest.Start(t)
	service.Absent(1 << 30)
	p := service.Provider()
	p.OpenTimeout = 2 * time.Second
	e := childtest.OpenError(t, p, tunnel.Options{})
	assert.Equal(t, "dns", e.Code)
	assert.Regexp(t, `^demo-[a-z0-9]+-words.trycloudflare.com did not appear in DNS$`, e.Error())
	assert.ErrorIs(t, e, context.DeadlineExceeded)
}

func TestASessionEndsInTime(t *testing.T) {
	service := cloudflaredtest.Start(t)
	service.Absent(1 << 30)
	p := service.Provider()
	p.StartTimeout = 500 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var again tunnel.Event
	_, err := p.Open(ctx, tunnel.Options{Notify: func(e tunnel.Event) {
		if e.Err != nil && !strings.HasPrefix(e.Err.Error(), "waiting for ") {
			again = e
			cancel()
		}
	}})
	require.Error(t, err)
	assert.Equal(t, tunnel.Opening, again.State)
	assert.Positive(t, again.Retry, "another one follows")
}

func TestForeignNamesAreRefused(t *testing.T) {
	for _, name := range []string{"x.trycloudflare.com.example.test", "a/b.trycloudflare.com", "trycloudflare.com", "a.b.trycloudflare.com", "-a.trycloudflare.com"} {
		service := cloudflaredtest.Start(t)
		service.Names(func(int) string { return name })
		ctx, cancel := context.WithCancel(t.Context())
		_, err := service.Provider().Open(ctx, tunnel.Options{Notify: func(e tunnel.Event) {
			if e.Err != nil {
				cancel()
			}
		}})
		var e *tunnel.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "nourl", e.Code)
		assert.Equal(t, "cloudflared announced a host name that is not in trycloudflare.com", e.Error())
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	service := cloudflaredtest.Start(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	service.Prepare(func(p *childtest.Puppet) {
		cancel(enough)
		<-p.Gone()
	})
	_, err := service.Provider().Open(ctx, tunnel.Options{})
	require.ErrorIs(t, err, enough)
	service.WaitIdle()
}

func TestTheLogHasWhatTheProgramSays(t *testing.T) {
	service := cloudflaredtest.Start(t)
	service.Say("\x1b[2Jclean")
	var log tunneltest.Buffer
	childtest.Open(t, service.Provider(), tunnel.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	assert.Contains(t, log.String(), "Requesting new quick Tunnel")
	assert.NotContains(t, log.String(), "\x1b")
	assert.Equal(t, strings.Count(log.String(), "\n"), strings.Count(log.String(), "level=DEBUG"))
}

func TestWhatTheProgramGets(t *testing.T) {
	for _, name := range []string{"TUNNEL_NAME", "TUNNEL_HOSTNAME", "TUNNEL_LOGLEVEL", "TUNNEL_TOKEN", "HF_TOKEN", "TUNNEL_TRANSPORT_PROTOCOL"} {
		t.Setenv(name, "x")
	}
	service := cloudflaredtest.Start(t)
	tun, _ := childtest.Open(t, service.Provider(), tunnel.Options{})
	puppet := service.Await(0)
	assert.Contains(t, puppet.Env, "TUNNEL_TRANSPORT_PROTOCOL", "the way through a firewall")
	config := puppet.Args[3]
	assert.FileExists(t, config)
	require.NoError(t, tun.Close())
	assert.NoFileExists(t, config)
	// What else it must not get, the service knows.
}
