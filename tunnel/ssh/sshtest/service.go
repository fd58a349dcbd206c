// Package sshtest has both kinds of SSH servers that a tunnel can go through,
// on loopback, for tests: a look-alike of the hosted services, and the sshd of
// this machine.
//
//	service := sshtest.StartService(t, ssh.LocalhostRun)
//	tun, err := service.Provider().Open(ctx, tunnel.Options{})
//	go http.Serve(tun, handler)
//	resp, err := service.Client().Post(tun.URL().String(), ...)
//
// For a program in a process of its own, pass on ProxyURL, CAFile and
// HostKey.
package sshtest

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// Service looks like one of ssh.Presets. All methods may be called at the same
// time; the fields are set by StartService.
type Service struct {
	// Preset is what it looks like.
	Preset ssh.Server

	// Token is that of an account, made up by StartService. Any other is
	// taken for none, as pinggy does.
	Token string

	// Addr is where it listens for SSH.
	Addr string

	// Public is the public side.
	*tunneltest.Public

	// ProxyURL is a CONNECT proxy that leads to Addr whoever asks for the
	// service, and to PublicAddr everybody else. A program under test takes
	// it as HTTPS_PROXY, and CAFile as SSL_CERT_FILE.
	ProxyURL *url.URL

	wg sync.WaitGroup

	mu       sync.Mutex // guards what follows
	listener net.Listener
	key      gossh.Signer
	host     string
	sessions map[*session]bool
	count    int
	logins   []Login
	wrongs   []string
	thaw     chan struct{} // closed when nothing is frozen
	alive    chan struct{} // one for each keepalive that is answered while somebody waits
	s        switches
}

// Login is one client that got in.
type Login struct {
	User, Method, ClientVersion string
}

// Forwarded is what a service says of a connection: RFC 4254, 7.2.
type Forwarded struct {
	Addr       string
	Port       uint32
	OriginAddr string
	OriginPort uint32
}

// switches are what a test can turn.
type switches struct {
	method    string
	publicKey gossh.PublicKey
	announce  func(host string) string
	split     bool
	forward   func(*Forwarded)
	refuse    func(addr string, port uint32) bool
	silent    []string
}

// StartService runs a look-alike of preset until the end of the test. What
// clients do wrong is an error of the test, unless it takes it with Wrongs.
func StartService(t testing.TB, preset ssh.Server) *Service {
	t.Helper()
	s := &Service{
		Preset:   preset,
		Token:    "test" + rand.Text(),
		host:     newHost(preset),
		sessions: map[*session]bool{},
		thaw:     make(chan struct{}),
		alive:    make(chan struct{}),
	}
	close(s.thaw)
	s.Public = s.startPublic(t)
	for _, start := range []func() error{s.ChangeHostKey, s.StartListening} {
		if err := start(); err != nil {
			t.Fatalf("sshtest: %v", err)
		}
	}
	s.ProxyURL = tunneltest.ConnectProxy(t, nil, func(addr string) string {
		if addr == preset.Addr || addr == preset.TokenAddr {
			return s.Addr
		}
		return s.PublicAddr
	}).URL
	t.Cleanup(func() {
		s.Freeze(false)
		s.StopListening()
		s.wg.Wait()
		for _, w := range s.Wrongs() {
			t.Errorf("sshtest: %s", w)
		}
	})
	return s
}

func newHost(preset ssh.Server) string {
	return strings.ToLower(rand.Text()[:14]) + "." + preset.Suffixes[0]
}

// Provider is ready to open tunnels at the service.
func (s *Service) Provider() ssh.Provider {
	return ssh.Provider{
		Server:   s.Preset,
		HostKeys: []string{s.HostKey()},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Addr)
		},
	}
}

// Case is a case of tunneltest.Run. Each needs a Service of its own.
func (s *Service) Case() tunneltest.Case {
	return tunneltest.Case{
		Provider: s.Provider(),
		Client:   s.Client(),
		Drop:     func() { s.KillSessions() },
		Released: s.WaitIdle,
		Closes:   200,
		Secrets:  []string{s.Token},
	}
}

// HostKey is the fingerprint of the key of the service.
func (s *Service) HostKey() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return gossh.FingerprintSHA256(s.key.PublicKey())
}

// ChangeHostKey makes up another key, RSA as the services have it, for the
// sessions that follow.
func (s *Service) ChangeHostKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	signer, err := gossh.NewSignerFromKey(key)
	s.set(func() { s.key = signer })
	return err
}

// UseEd25519 does the same with a key of another kind.
func (s *Service) UseEd25519() error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := gossh.NewSignerFromKey(key)
	s.set(func() { s.key = signer })
	return err
}

// LetIn makes the service ask for one way to log in: "password", which must be
// empty, or "keyboard-interactive", with one question. Default: "none".
func (s *Service) LetIn(method string) { s.set(func() { s.s.method = method }) }

// LetInKey makes the service ask for a key.
func (s *Service) LetInKey(key gossh.PublicKey) {
	s.set(func() { s.s.method, s.s.publicKey = "publickey", key })
}

// Announce makes the service say what f returns when a session has its host.
// Nil: what the preset says, see Text, JSON and CloudEvent too.
func (s *Service) Announce(f func(host string) string) { s.set(func() { s.s.announce = f }) }

// Split makes announcements come in pieces of a few bytes.
func (s *Service) Split(split bool) { s.set(func() { s.s.split = split }) }

// Forward lets f change what the service says of every connection.
func (s *Service) Forward(f func(*Forwarded)) { s.set(func() { s.s.forward = f }) }

// Refuse makes the service ask f before it forwards. Nil: nothing is refused.
func (s *Service) Refuse(f func(addr string, port uint32) bool) { s.set(func() { s.s.refuse = f }) }

// Silence leaves requests of the given types without an answer. "session" is
// the request to open one.
func (s *Service) Silence(types ...string) { s.set(func() { s.s.silent = types }) }

// Rename gives another host to the sessions that follow, and returns it.
func (s *Service) Rename() string {
	host := newHost(s.Preset)
	s.set(func() { s.host = host })
	return host
}

// AnnounceAgain gives the current host to the living sessions and says so.
func (s *Service) AnnounceAgain() {
	for _, session := range s.connected() {
		session.announce()
	}
}

// Freeze makes the service read nothing more, as when its computer sleeps.
func (s *Service) Freeze(frozen bool) {
	s.set(func() {
		select {
		case <-s.thaw:
			if frozen {
				s.thaw = make(chan struct{})
			}
		default:
			if !frozen {
				close(s.thaw)
			}
		}
	})
}

// AwaitKeepalives waits until n more keepalives have been answered.
func (s *Service) AwaitKeepalives(n int) {
	for range n {
		<-s.alive
	}
}

// Dial opens a connection to a public host until the end of the session.
func (s *Service) Dial(host string) error {
	c := s.find(host)
	if c == nil {
		return fmt.Errorf("sshtest: no tunnel has %s", host)
	}
	_, err := c.dial("")
	return err
}

func (s *Service) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *Service) switches() switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s
}

// StartListening listens again, on the same address as before.
func (s *Service) StartListening() error {
	l, err := net.Listen("tcp", cmp.Or(s.Addr, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	s.set(func() {
		s.listener = l
		if s.Addr == "" {
			s.Addr = l.Addr().String()
		}
	})
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(c) })
		}
	})
	return nil
}

// StopListening goes away: it stops to listen and ends all sessions.
func (s *Service) StopListening() {
	s.mu.Lock()
	l := s.listener
	s.mu.Unlock()
	_ = l.Close()
	s.KillSessions()
}

// KillSessions breaks the connections of all clients and returns how many.
func (s *Service) KillSessions() int {
	all := s.connected()
	for _, session := range all {
		_ = session.tcp.Close()
		<-session.gone
	}
	return len(all)
}

// WaitIdle waits until all clients that are connected now are gone.
func (s *Service) WaitIdle() {
	for _, session := range s.connected() {
		<-session.gone
	}
}

func (s *Service) connected() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.sessions))
}

// Sessions is how many clients have connected so far.
func (s *Service) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Logins are the clients that got in so far.
func (s *Service) Logins() []Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logins)
}

// Wrongs takes the list of what clients did wrong.
func (s *Service) Wrongs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.wrongs
	s.wrongs = nil
	return w
}

func (s *Service) wrong(format string, args ...any) {
	s.set(func() { s.wrongs = append(s.wrongs, fmt.Sprintf(format, args...)) })
}
