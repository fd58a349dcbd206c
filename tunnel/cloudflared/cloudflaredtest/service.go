// Package cloudflaredtest is Cloudflare's quick tunnels on loopback, for tests:
// the test binary runs once more as a cloudflared that is strict about its
// arguments and its environment, gets a name, and forwards what arrives for it.
// Whatever the real program would not have understood fails the test, and so
// does asking for a name in DNS too early.
//
//	func TestMain(m *testing.M) {
//		cloudflaredtest.Main()
//		os.Exit(m.Run())
//	}
//
//	service := cloudflaredtest.Start(t)
//	tun, err := service.Provider().Open(ctx, tunnel.Options{})
//	go http.Serve(tun, handler)
//	resp, err := service.Client().Post(tun.URL().String(), ...)
//
// For a program in a process of its own, put Dir into its PATH, and pass on
// CAFile and ProxyURL.
package cloudflaredtest

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/hfhook/hfhook/tunnel/cloudflared"
	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
)

// Domain is the zone of all names.
const Domain = "trycloudflare.com"

// Main takes over when the test binary runs as cloudflared; then it does not
// return. It has to be the first thing in TestMain.
func Main() { childtest.Main() }

// Service is what runs. Its methods may be called at the same time; the
// fields, also those embedded, are set by Start. The embedded Stage has the
// path of the program, its folder, and its processes, and Public the side that
// everybody sees.
type Service struct {
	*childtest.Stage
	*childtest.Public

	// NameServer is the address of the zone's own name server.
	NameServer string

	metrics *http.Server
	addr    string // of metrics
	names   net.PacketConn
	wg      sync.WaitGroup

	mu      sync.Mutex
	runs    map[string]*run // by metrics address
	s       switches
	started int
}

// run is one process, as the service sees it.
type run struct {
	host string
	seen bool // /ready said yes
	asks int  // how often the name server was asked
}

// switches are what a test can turn.
type switches struct {
	refusal   Refusal
	refusals  int // how many more starts are refused; below 0: all
	host      func(n int) string
	text      bool
	say       []string
	apart     int // answers of /ready that are 503; below 0: all
	looks     int
	silent    bool
	absent    int
	prepare   func(*childtest.Puppet)
	hideNames bool
	watch     func(path string)
}

// Refusal is how the service that gives names fails.
type Refusal string

// What cloudflared says in these cases was seen with version 2026.8.2.
const (
	RateLimited Refusal = "rate" // 429, error code 1015
	BrokenAPI   Refusal = "api"  // an answer without a tunnel
	Crash       Refusal = "crash"
)

// Start runs a Service until the end of the test. What callers do wrong is an
// error of the test, unless it takes it with Wrongs.
func Start(t testing.TB) *Service {
	t.Helper()
	s := &Service{runs: map[string]*run{}, Public: childtest.StartPublic(t)}
	t.Cleanup(func() {
		if s.metrics != nil {
			_ = s.metrics.Close()
		}
		if s.names != nil {
			_ = s.names.Close()
		}
		s.wg.Wait()
	})
	s.Stage = childtest.Start(t, "cloudflared")
	if err := cmp.Or(s.startMetrics(), s.startNames()); err != nil {
		t.Fatal(err)
	}
	s.Perform(s.perform)
	return s
}

// Provider is ready to open tunnels, in a hurry.
func (s *Service) Provider() cloudflared.Provider {
	return cloudflared.Provider{
		Path:          s.Path,
		NameServers:   func(context.Context, string) ([]string, error) { return []string{s.NameServer}, nil },
		Poll:          5 * time.Millisecond,
		Settle:        10 * time.Millisecond,
		Unasked:       20 * time.Millisecond,
		RetryPause:    time.Millisecond,
		ReadyInterval: 20 * time.Millisecond,
	}
}

// Refuse makes the next n starts fail; below 0: all that follow.
func (s *Service) Refuse(how Refusal, n int) {
	s.set(func(s *switches) { s.refusal, s.refusals = how, n })
}

// Names makes start n, counted from 0, get the host name that f returns.
// Default: another one for each.
func (s *Service) Names(f func(n int) string) { s.set(func(s *switches) { s.host = f }) }

// Text makes the program log lines of text instead of JSON, as old ones do.
func (s *Service) Text(text bool) { s.set(func(s *switches) { s.text = text }) }

// Say makes the program log these lines when it starts.
func (s *Service) Say(lines ...string) { s.set(func(s *switches) { s.say = lines }) }

// Disconnect makes the next n answers of /ready 503; below 0: all that follow.
func (s *Service) Disconnect(n int) { s.set(func(s *switches) { s.apart = n }) }

// Looks is how often /ready said yes.
func (s *Service) Looks() int { return s.switches().looks }

// Silence makes the metrics server answer nothing good from now on, or not any
// more.
func (s *Service) Silence(silent bool) { s.set(func(s *switches) { s.silent = silent }) }

// Absent makes the name server deny each new name n times before it knows it.
func (s *Service) Absent(n int) { s.set(func(s *switches) { s.absent = n }) }

// Unannounced leaves /quicktunnel without a name.
func (s *Service) Unannounced(hide bool) { s.set(func(s *switches) { s.hideNames = hide }) }

// Watch runs f with the path of each request to the metrics server.
func (s *Service) Watch(f func(path string)) { s.set(func(s *switches) { s.watch = f }) }

// Prepare runs f with each process before it does anything else.
func (s *Service) Prepare(f func(*childtest.Puppet)) { s.set(func(s *switches) { s.prepare = f }) }

// Asks is how often the name server was asked for a host name.
func (s *Service) Asks(host string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.runs {
		if r.host == host {
			return r.asks
		}
	}
	return 0
}

func (s *Service) set(f func(*switches)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.s)
}

func (s *Service) switches() switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s
}
