// Package commandtest is a tunnel program for tests: the test binary runs once
// more as one that forwards public requests to a port, and prints where the
// public side is.
//
//	func TestMain(m *testing.M) {
//		commandtest.Main()
//		os.Exit(m.Run())
//	}
//
//	service := commandtest.Start(t)
//	tun, err := service.Provider().Open(ctx, tunnel.Options{})
//	go http.Serve(tun, handler)
//	resp, err := service.Client().Post(tun.URL().String(), ...)
//
// For hfhook in a process of its own, pass on Command, Pattern, CAFile and
// ProxyURL.
package commandtest

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hfhook/hfhook/tunnel/command"
	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
)

const (
	// Domain is the zone of all names.
	Domain = "example.test"

	// Pattern finds the URL in what the program prints.
	Pattern = `is at (\S+)`
)

// Main takes over when the test binary runs as the program; then it does not
// return. It has to be the first thing in TestMain.
func Main() { childtest.Main() }

// Service is what runs. Its methods may be called at the same time; the
// fields, also those embedded, are set by Start. The embedded Stage has the
// processes, and Public the side that everybody sees.
type Service struct {
	*childtest.Stage
	*childtest.Public

	// Command is what a user would write: it forwards to {port}.
	Command string

	mu      sync.Mutex
	s       switches
	started int
	routed  map[int]chan struct{} // by start, closed when it forwards
}

// switches are what a test can turn.
type switches struct {
	host     func(n int) string
	stdout   bool
	print    func(url string) []string
	exit     int
	failures int // how many more starts fail; below 0: all
	prepare  func(*childtest.Puppet)
}

// Start runs a Service until the end of the test.
func Start(t testing.TB) *Service {
	t.Helper()
	s := &Service{Public: childtest.StartPublic(t), routed: map[int]chan struct{}{}}
	s.Stage = childtest.Start(t, "forwarder")
	s.Perform(s.perform)
	s.Command = `"` + s.Path + `" --to {host} --port={port} 'two words'`
	return s
}

// Provider is ready to open tunnels, in a hurry.
func (s *Service) Provider() command.Provider {
	return command.Provider{Command: s.Command, URLPattern: Pattern, Steady: time.Millisecond}
}

// URL is that of a host in Domain.
func URL(name string) *url.URL { return &url.URL{Scheme: "https", Host: name + "." + Domain} }

// Names makes start n, counted from 0, get the host name that f returns.
// Default: another one for each.
func (s *Service) Names(f func(n int) string) { s.set(func(s *switches) { s.host = f }) }

// Stdout makes the program print to stdout. Default: stderr.
func (s *Service) Stdout(out bool) { s.set(func(s *switches) { s.stdout = out }) }

// Print makes the program print the lines that f returns. Default: one that
// Pattern matches.
func (s *Service) Print(f func(url string) []string) { s.set(func(s *switches) { s.print = f }) }

// Fail makes the next n starts print what they would, and end with an exit
// code; below 0: all that follow.
func (s *Service) Fail(code, n int) { s.set(func(s *switches) { s.exit, s.failures = code, n }) }

// Prepare runs f with each process before it does anything else.
func (s *Service) Prepare(f func(*childtest.Puppet)) { s.set(func(s *switches) { s.prepare = f }) }

func (s *Service) set(f func(*switches)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.s)
}

// perform is the program from its start until it forwards.
func (s *Service) perform(p *childtest.Puppet) {
	s.mu.Lock()
	n := s.started
	s.started++
	fails := s.s.failures != 0
	if s.s.failures > 0 {
		s.s.failures--
	}
	sw := s.s
	s.mu.Unlock()
	if sw.prepare != nil {
		sw.prepare(p)
	}

	host := strings.ToLower(rand.Text()[:8]) + "." + Domain
	if sw.host != nil {
		host = sw.host(n)
	}
	public := ""
	if to, ok := s.check(p); ok && !fails {
		public = p.Forward(to)
		s.Route(host, public)
		close(s.forwards(n))
	}
	lines := []string{"hello", fmt.Sprintf("your tunnel is at https://%s/", host)}
	if sw.print != nil {
		lines = sw.print("https://" + host)
	}
	if sw.stdout {
		p.PrintOut(lines...)
	} else {
		p.Print(lines...)
	}
	if fails {
		p.Exit(sw.exit)
	}
	<-p.Gone()
	s.Unroute(host, public)
}

// forwards is closed when start n forwards.
func (s *Service) forwards(n int) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.routed[n] == nil {
		s.routed[n] = make(chan struct{})
	}
	return s.routed[n]
}

// check wants the arguments of Command, filled in.
func (s *Service) check(p *childtest.Puppet) (to string, ok bool) {
	for _, name := range []string{"WEBHOOK_SECRET", "HFHOOK_SECRET", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HFHOOK_TUNNEL_TOKEN"} {
		if slices.Contains(p.Env, name) {
			s.Wrong("%s is in the environment", name)
		}
	}
	a := p.Args
	if len(a) != 4 || a[0] != "--to" || !strings.HasPrefix(a[2], "--port=") || a[3] != "two words" {
		s.Wrong("arguments %q", a)
		return "", false
	}
	return a[1] + ":" + strings.TrimPrefix(a[2], "--port="), true
}
