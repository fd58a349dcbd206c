// Package ngroktest is an ngrok service on loopback, for tests: the real
// library connects to it, binds a domain, and gets the requests that arrive
// for it. It is strict: what the real service would not have understood is
// refused and fails the test.
//
//	edge := ngroktest.Start(t)
//	tun, err := edge.Provider().Open(ctx, tunnel.Options{})
//	go http.Serve(tun, handler)
//	resp, err := edge.Client().Post(tun.URL().String(), ...)
//
// For a program in a process of its own, pass on ConnectURL, CAFile and
// ProxyURL.
package ngroktest

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hfhook/hfhook/tunnel/ngrok"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// DevDomain is the host that an endpoint gets when it asks for none.
const DevDomain = "dev-domain.ngrok-free.test"

// Edge is a running service. All methods may be called at the same time; the
// fields are set by Start.
type Edge struct {
	// Token is the one that agents must have, made up by Start.
	Token string

	// ConnectURL is where agents connect: a host and port.
	ConnectURL string

	// Public is the public side; its certificates are the agents' side's too.
	*tunneltest.Public

	// ProxyURL is a CONNECT proxy that leads every host to PublicAddr. A
	// program under test takes it as HTTPS_PROXY, and CAFile as
	// SSL_CERT_FILE, and reaches the public URL like anybody else.
	ProxyURL *url.URL

	beats chan struct{} // one for each heartbeat answered while somebody waits
	wg    sync.WaitGroup

	mu       sync.Mutex // guards what follows
	agents   net.Listener
	sessions map[*session]bool
	clients  map[string][]string // client id to cookies, as handed out: the newest may not have arrived
	bound    map[string]bound    // bind id to what was handed out with it
	auths    []Auth
	binds    []Bind
	requests int
	wrongs   []string
	s        switches
}

// switches are what a test can turn.
type switches struct {
	refuseAuth func(Auth) string
	refuseBind func(host string, again bool) string
	assign     func(host string, again bool) string
	sessions   int
	mute       bool
	answer     string
}

// Start runs an Edge until the end of the test. What agents do wrong is an
// error of the test, unless it takes it with Wrongs.
func Start(t testing.TB) *Edge {
	t.Helper()
	e := &Edge{
		Token:    "test_" + rand.Text(),
		sessions: map[*session]bool{},
		clients:  map[string][]string{},
		bound:    map[string]bound{},
		beats:    make(chan struct{}),
	}
	e.Public = e.startPublic(t)
	if err := e.StartAgents(); err != nil {
		t.Fatalf("ngroktest: %v", err)
	}
	e.ProxyURL = tunneltest.ConnectProxy(t, nil, func(string) string { return e.PublicAddr }).URL
	t.Cleanup(func() {
		e.close()
		for _, w := range e.Wrongs() {
			t.Errorf("ngroktest: %s", w)
		}
	})
	return e
}

func (e *Edge) close() {
	e.StopAgents()
	e.wg.Wait()
}

// Provider is ready to open tunnels at the edge. Its heartbeats are an hour
// apart: when one stays away for which the library waits before it has seen
// any, it races with itself, and go test -race tells. A test that mutes
// heartbeats sets its own interval and calls AwaitHeartbeats first.
func (e *Edge) Provider() ngrok.Provider {
	return ngrok.Provider{
		Authtoken:         e.Token,
		ConnectURL:        e.ConnectURL,
		ConnectCAs:        e.CAs(),
		HeartbeatInterval: time.Hour,
	}
}

// RefuseAuth makes the edge ask f before it accepts a session: a number, as
// "107", refuses it. Nil: only wrong tokens are refused.
func (e *Edge) RefuseAuth(f func(Auth) (code string)) { e.set(func(s *switches) { s.refuseAuth = f }) }

// RefuseBind makes the edge ask f before it gives a host to an endpoint: a
// number, as "334", refuses it. again tells a bind after a reconnect from a
// first one. Nil: only hosts that are taken are refused.
func (e *Edge) RefuseBind(f func(host string, again bool) (code string)) {
	e.set(func(s *switches) { s.refuseBind = f })
}

// Assign makes the edge give endpoints the host that f returns, whatever they
// ask for. Nil: the host they ask for, else DevDomain.
func (e *Edge) Assign(f func(host string, again bool) string) {
	e.set(func(s *switches) { s.assign = f })
}

// LimitSessions allows n agents at the same time, the next is refused with
// 108; 0: any number.
func (e *Edge) LimitSessions(n int) { e.set(func(s *switches) { s.sessions = n }) }

// MuteHeartbeats leaves heartbeats without an answer.
func (e *Edge) MuteHeartbeats(mute bool) { e.set(func(s *switches) { s.mute = mute }) }

// AwaitHeartbeats waits until n more heartbeats have been answered.
func (e *Edge) AwaitHeartbeats(n int) {
	for range n {
		<-e.beats
	}
}

// AnswerRequests makes the public side answer every request itself, with 429
// and the given number in Ngrok-Error-Code, as "727"; "": not any more.
func (e *Edge) AnswerRequests(code string) { e.set(func(s *switches) { s.answer = code }) }

func (e *Edge) set(f func(*switches)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(&e.s)
}

func (e *Edge) switches() switches {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.s
}

// StartAgents listens for agents again, on the same address as before.
func (e *Edge) StartAgents() error {
	l, err := net.Listen("tcp", cmp.Or(e.ConnectURL, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	l = tls.NewListener(l, e.TLS())
	e.mu.Lock()
	e.agents = l
	if e.ConnectURL == "" {
		e.ConnectURL = l.Addr().String()
	}
	e.mu.Unlock()
	e.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			e.serveAgent(l, c)
		}
	})
	return nil
}

// StopAgents goes away for agents: it stops to listen and ends all sessions.
func (e *Edge) StopAgents() {
	e.mu.Lock()
	l := e.agents
	e.agents = nil
	e.mu.Unlock()
	if l != nil {
		_ = l.Close()
	}
	e.KillSessions()
}

// KillSessions breaks the connections of all agents and returns how many.
func (e *Edge) KillSessions() int {
	all := e.connected()
	for _, s := range all {
		_ = s.conn.Close()
		<-s.gone
	}
	return len(all)
}

// WaitIdle waits until all agents that are connected now are gone and their
// hosts free.
func (e *Edge) WaitIdle() {
	for _, s := range e.connected() {
		<-s.gone
	}
}

func (e *Edge) connected() []*session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.sessions))
}

// Sessions is how many agents are connected and authenticated.
func (e *Edge) Sessions() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for s := range e.sessions {
		if s.client != "" {
			n++
		}
	}
	return n
}

// Auths are the Auth messages so far, refused ones too.
func (e *Edge) Auths() []Auth {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.auths)
}

// Binds are the Bind messages so far, refused ones too.
func (e *Edge) Binds() []Bind {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.binds)
}

// Requests is how many requests came to the public side.
func (e *Edge) Requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

// Wrongs takes the list of what agents did wrong.
func (e *Edge) Wrongs() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.wrongs
	e.wrongs = nil
	return w
}

func (e *Edge) wrong(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wrongs = append(e.wrongs, fmt.Sprintf(format, args...))
}
