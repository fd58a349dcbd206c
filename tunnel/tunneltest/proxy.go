package tunneltest

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// Proxy is a small proxy on loopback, HTTP CONNECT or SOCKS5.
type Proxy struct {
	// URL is what a user would put into HTTPS_PROXY, with user and password.
	URL *url.URL

	handshake func(net.Conn) (addr string, rest io.Reader, err error)
	route     func(addr string) string

	mu    sync.Mutex
	asked []string
	conns []net.Conn
	wg    sync.WaitGroup
}

// ConnectProxy runs an HTTP CONNECT proxy until the end of the test. It wants
// the given login unless that is nil. route names the address that it connects
// to instead of the one it is asked for; nil: the same.
func ConnectProxy(t testing.TB, login *url.Userinfo, route func(addr string) string) *Proxy {
	t.Helper()
	return startProxy(t, &Proxy{
		URL:   &url.URL{Scheme: "http", User: login},
		route: route,
		handshake: func(c net.Conn) (string, io.Reader, error) {
			br := bufio.NewReader(c)
			req, err := http.ReadRequest(br)
			if err != nil {
				return "", nil, err
			}
			answer := "200 OK"
			if login != nil {
				password, _ := login.Password()
				want := base64.StdEncoding.EncodeToString([]byte(login.Username() + ":" + password))
				if req.Header.Get("Proxy-Authorization") != "Basic "+want {
					answer, err = "407 Proxy Authentication Required", errors.New("wrong login")
				}
			}
			if req.Method != http.MethodConnect {
				answer, err = "405 Method Not Allowed", errors.New(req.Method)
			}
			fmt.Fprintf(c, "HTTP/1.1 %s\r\n\r\n", answer)
			return req.Host, br, err
		},
	})
}

// SOCKSProxy is the same with SOCKS5 (RFC 1928, 1929).
func SOCKSProxy(t testing.TB, login *url.Userinfo, route func(addr string) string) *Proxy {
	t.Helper()
	return startProxy(t, &Proxy{
		URL:       &url.URL{Scheme: "socks5", User: login},
		route:     route,
		handshake: func(c net.Conn) (string, io.Reader, error) { return socksHandshake(c, login) },
	})
}

func socksHandshake(c net.Conn, login *url.Userinfo) (string, io.Reader, error) {
	br := bufio.NewReader(c)
	block := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(br, b)
		return b
	}
	text := func() string { return string(block(int(block(1)[0]))) }

	block(1) // version
	methods := []byte(text())
	method := byte(0)
	if login != nil {
		method = 2
	}
	if !slices.Contains(methods, method) {
		_, _ = c.Write([]byte{5, 0xff})
		return "", nil, errors.New("no method in common")
	}
	_, _ = c.Write([]byte{5, method})
	if login != nil {
		block(1)
		user, password := text(), text()
		want, _ := login.Password()
		if user != login.Username() || password != want {
			_, _ = c.Write([]byte{1, 1})
			return "", nil, errors.New("wrong login")
		}
		_, _ = c.Write([]byte{1, 0})
	}
	var host string
	switch block(4)[3] {
	case 1:
		host = net.IP(block(4)).String()
	case 3:
		host = text()
	default:
		return "", nil, errors.New("address type")
	}
	port := binary.BigEndian.Uint16(block(2))
	_, err := c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return net.JoinHostPort(host, strconv.Itoa(int(port))), br, err
}

// Asked are the addresses that the proxy was asked for.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func startProxy(t testing.TB, p *Proxy) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.URL.Host = l.Addr().String()
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.conns = nil
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *Proxy) serve(from net.Conn) {
	defer from.Close()
	p.mu.Lock()
	p.conns = append(p.conns, from)
	p.mu.Unlock()
	addr, rest, err := p.handshake(from)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, addr)
	p.mu.Unlock()
	if p.route != nil {
		addr = p.route(addr)
	}
	to, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer to.Close()
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(to, rest)
		_ = to.(*net.TCPConn).CloseWrite()
	})
	_, _ = io.Copy(from, to)
	_ = from.Close()
	up.Wait()
}
