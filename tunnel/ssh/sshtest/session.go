package sshtest

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// session is one connected client.
type session struct {
	s    *Service
	tcp  net.Conn
	conn *gossh.ServerConn
	gone chan struct{} // closed when the service forgot the session

	mu       sync.Mutex
	bind     *Forwarded // as asked for
	host     string     // that leads to it; guarded by the service's mutex
	terminal gossh.Channel
}

// gate is a connection whose reads wait while the service is frozen.
type gate struct {
	net.Conn
	s *Service
}

func (g gate) Read(p []byte) (int, error) {
	g.s.mu.Lock()
	thaw := g.s.thaw
	g.s.mu.Unlock()
	<-thaw
	n, err := g.Conn.Read(p)
	g.s.mu.Lock()
	thaw = g.s.thaw
	g.s.mu.Unlock()
	<-thaw
	return n, err
}

func (s *Service) serve(tcp net.Conn) {
	c := &session{s: s, tcp: tcp, gone: make(chan struct{})}
	s.set(func() {
		s.sessions[c] = true
		s.count++
	})
	defer func() {
		_ = tcp.Close()
		s.set(func() { delete(s.sessions, c) })
		close(c.gone)
	}()
	conn, channels, requests, err := gossh.NewServerConn(gate{tcp, s}, s.config())
	if err != nil {
		return
	}
	c.conn = conn
	s.set(func() {
		s.logins = append(s.logins, Login{conn.User(), conn.Permissions.Extensions["method"], string(conn.ClientVersion())})
	})
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { c.global(requests) })
	for offered := range channels {
		if offered.ChannelType() != "session" {
			s.wrong("a channel of type %s", offered.ChannelType())
			_ = offered.Reject(gossh.UnknownChannelType, "no")
			continue
		}
		if c.bound() == nil {
			s.wrong("a session before the forward: what it says may be missed")
		}
		if slices.Contains(s.switches().silent, "session") {
			continue
		}
		ch, asked, err := offered.Accept()
		if err != nil {
			continue
		}
		wg.Go(func() { c.session(ch, asked) })
	}
}

// config lets everybody in who takes the one way that is open.
func (s *Service) config() *gossh.ServerConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	sw := s.s
	in := func(method string) *gossh.Permissions {
		return &gossh.Permissions{Extensions: map[string]string{"method": method}}
	}
	c := &gossh.ServerConfig{}
	c.AddHostKey(s.key)
	switch sw.method {
	case "password":
		c.PasswordCallback = func(_ gossh.ConnMetadata, password []byte) (*gossh.Permissions, error) {
			if len(password) > 0 {
				return nil, errors.New("not empty")
			}
			return in("password"), nil
		}
	case "keyboard-interactive":
		c.KeyboardInteractiveCallback = func(_ gossh.ConnMetadata, ask gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
			answers, err := ask("", "", []string{"Press return: "}, []bool{true})
			if err != nil || len(answers) != 1 {
				return nil, errors.New("no answer")
			}
			return in("keyboard-interactive"), nil
		}
	case "publickey":
		c.PublicKeyCallback = func(_ gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
			if !slices.Equal(key.Marshal(), sw.publicKey.Marshal()) {
				return nil, errors.New("unknown key")
			}
			return in("publickey"), nil
		}
	default:
		c.NoClientAuth = true
		c.NoClientAuthCallback = func(gossh.ConnMetadata) (*gossh.Permissions, error) { return in("none"), nil }
	}
	return c
}

// global answers requests that belong to no channel.
func (c *session) global(requests <-chan *gossh.Request) {
	for r := range requests {
		sw := c.s.switches()
		if slices.Contains(sw.silent, r.Type) {
			continue
		}
		if r.Type != "tcpip-forward" {
			_ = r.Reply(false, nil) // as OpenSSH answers a keepalive
			select {
			case c.s.alive <- struct{}{}:
			default:
			}
			continue
		}
		var asked struct {
			Addr string
			Port uint32
		}
		if err := gossh.Unmarshal(r.Payload, &asked); err != nil {
			c.s.wrong("tcpip-forward: %v", err)
			_ = r.Reply(false, nil)
			continue
		}
		if p := c.s.Preset; asked.Addr != p.BindHost || asked.Port != uint32(p.BindPort) || c.bound() != nil {
			c.s.wrong("tcpip-forward of %q:%d", asked.Addr, asked.Port)
		}
		if sw.refuse != nil && sw.refuse(asked.Addr, asked.Port) {
			_ = r.Reply(false, nil)
			continue
		}
		f := &Forwarded{Addr: asked.Addr, Port: asked.Port}
		var answer []byte
		if asked.Port == 0 {
			f.Port = 40000
			answer = gossh.Marshal(struct{ Port uint32 }{f.Port})
		}
		c.mu.Lock()
		c.bind = f
		c.mu.Unlock()
		_ = r.Reply(true, answer)
	}
}

func (c *session) bound() *Forwarded {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bind
}

// session is what OpenSSH calls the terminal of a client.
func (c *session) session(ch gossh.Channel, asked <-chan *gossh.Request) {
	defer ch.Close()
	for r := range asked {
		silent := slices.Contains(c.s.switches().silent, r.Type)
		switch r.Type {
		case "shell", "exec":
			var run struct{ Command string }
			_ = gossh.Unmarshal(r.Payload, &run)
			if run.Command != c.s.Preset.Command {
				c.s.wrong("%s %q", r.Type, run.Command)
			}
			if !silent {
				_ = r.Reply(true, nil)
			}
			c.mu.Lock()
			c.terminal = ch
			c.mu.Unlock()
			c.announce()
		default:
			c.s.wrong("%s: with a terminal, services draw or hang", r.Type)
			if !silent {
				_ = r.Reply(false, nil)
			}
		}
	}
}

// announce takes the current host for the session, and says so.
func (c *session) announce() {
	c.mu.Lock()
	ch := c.terminal
	c.mu.Unlock()
	if ch == nil {
		return
	}
	var host string
	c.s.set(func() {
		c.host = c.s.host
		host = c.host
	})
	sw := c.s.switches()
	text := ""
	switch {
	case sw.announce != nil:
		text = sw.announce(host)
	default:
		text = c.s.says(host, c.conn.User() == c.s.Token)
	}
	piece := len(text)
	if sw.split {
		piece = 7
	}
	for rest := text; rest != ""; {
		n := min(piece, len(rest))
		if _, err := io.WriteString(ch, rest[:n]); err != nil {
			return
		}
		rest = rest[n:]
	}
}

// find is the session that serves a public host.
func (s *Service) find(host string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		if c.host == host {
			return c
		}
	}
	return nil
}

// dial opens a channel for a connection of the public side.
func (c *session) dial(origin string) (net.Conn, error) {
	f := *c.bound()
	if from, err := netip.ParseAddrPort(origin); err == nil {
		f.OriginAddr, f.OriginPort = from.Addr().String(), uint32(from.Port())
	}
	if change := c.s.switches().forward; change != nil {
		change(&f)
	}
	ch, requests, err := c.conn.OpenChannel("forwarded-tcpip", gossh.Marshal(f))
	if err != nil {
		return nil, err
	}
	c.s.wg.Go(func() { gossh.DiscardRequests(requests) })
	return channelConn{ch, c.tcp}, nil
}

// channelConn is enough of a net.Conn for an http.Transport.
type channelConn struct {
	gossh.Channel
	tcp net.Conn
}

func (c channelConn) LocalAddr() net.Addr              { return c.tcp.LocalAddr() }
func (c channelConn) RemoteAddr() net.Addr             { return c.tcp.RemoteAddr() }
func (c channelConn) SetDeadline(time.Time) error      { return nil }
func (c channelConn) SetReadDeadline(time.Time) error  { return nil }
func (c channelConn) SetWriteDeadline(time.Time) error { return nil }

// says is what the service says after a login, its advertising first.
func (s *Service) says(host string, account bool) string {
	var lines []string
	switch s.Preset.Name {
	case "localhost.run":
		return CloudEvent(host)
	case "serveo":
		lines = []string{
			"\x1b[1mSee https://serveo.net/ and https://console.serveo.net/settings for more.\x1b[0m",
			"\x1b[32mForwarding HTTP traffic from https://" + host + "\x1b[0m",
			"Tip: an account at https://console.serveo.net keeps the name.",
		}
	case "pinggy":
		name, _, _ := strings.Cut(host, ".")
		if !account {
			lines = append(lines, "You are not authenticated.",
				"Your tunnel will expire in 60 minutes. Upgrade to get unrestricted tunnels: https://dashboard.pinggy.io")
		}
		lines = append(lines, "", "http://"+host, "https://"+host, "http://"+name+".free.pinggy.net", "https://"+name+".free.pinggy.net")
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}
