package ssh_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// hostile is a server that is the right one, and up to no good: after the
// tunnel is up it does what act says.
func hostile(t *testing.T, change func(*gossh.ServerConfig), act func(*gossh.ServerConn)) ssh.Provider {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := gossh.NewSignerFromKey(key)
	require.NoError(t, err)
	config := &gossh.ServerConfig{NoClientAuth: true}
	if change != nil {
		change(config)
	}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			tcp, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer tcp.Close()
				conn, channels, requests, err := gossh.NewServerConn(tcp, config)
				if err != nil {
					return
				}
				wg.Go(func() {
					for r := range requests {
						_ = r.Reply(true, nil)
					}
				})
				for offered := range channels {
					ch, asked, err := offered.Accept()
					if err != nil {
						return
					}
					wg.Go(func() { gossh.DiscardRequests(asked) })
					_, _ = io.WriteString(ch, "x.lhr.life tunneled with tls termination, https://x.lhr.life\n")
					if act != nil {
						wg.Go(func() { act(conn) })
					}
				}
			})
		}
	})
	return ssh.Provider{
		Server: ssh.LocalhostRun, HostKeys: []string{gossh.FingerprintSHA256(signer.PublicKey())},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
		},
	}
}

// A server may open what it was asked to forward, and nothing else: no way to
// this machine's ports, agent or screen.
func TestAServerGetsNothingButWhatItForwards(t *testing.T) {
	here, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer here.Close()
	_, port, err := net.SplitHostPort(here.Addr().String())
	require.NoError(t, err)
	n, err := net.LookupPort("tcp", port)
	require.NoError(t, err)
	to := gossh.Marshal(struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}{"127.0.0.1", uint32(n), "127.0.0.1", 1})

	kinds := []string{"direct-tcpip", "session", "auth-agent@openssh.com", "x11", "forwarded-streamlocal@openssh.com", "tun@openssh.com", ""}
	answers := make(chan error, len(kinds)+1)
	p := hostile(t, nil, func(c *gossh.ServerConn) {
		for _, kind := range kinds {
			_, _, err := c.OpenChannel(kind, to)
			answers <- err
		}
		for range 20_000 { // and asks for all kinds of things
			if _, _, err := c.SendRequest("tcpip-forward", false, to); err != nil {
				break
			}
		}
		_, _, err := c.SendRequest("still-there", true, nil)
		answers <- err
	})
	tun, events := open(t, p, nil)
	for _, kind := range kinds {
		var refused *gossh.OpenChannelError
		require.ErrorAs(t, <-answers, &refused, kind)
		assert.Equal(t, gossh.UnknownChannelType, refused.Reason, kind)
	}
	require.NoError(t, <-answers)
	assert.Equal(t, "https://x.lhr.life", tun.URL().String())
	assert.Len(t, events.All(), 2, "it is up all the time")
	require.NoError(t, here.(*net.TCPListener).SetDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = here.Accept()
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "nobody came")
}

// A login that never ends is given up in its time, and what the server says
// meanwhile steers no terminal.
func TestALoginWithoutEnd(t *testing.T) {
	p := hostile(t, func(c *gossh.ServerConfig) {
		c.NoClientAuth = false
		c.BannerCallback = func(gossh.ConnMetadata) string {
			return "\x1b]0;owned\x07\x1b[2Jhello\u202e\r\n" + strings.Repeat("x", 100_000)
		}
		c.KeyboardInteractiveCallback = func(_ gossh.ConnMetadata, ask gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
			for {
				if _, err := ask("\x1b[2J", "\x07", []string{"password: "}, []bool{false}); err != nil {
					return nil, errors.New("no")
				}
			}
		}
	}, nil)
	p.HandshakeTimeout = 500 * time.Millisecond
	var log tunneltest.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := p.Open(ctx, tunnel.Options{
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Notify: func(e tunnel.Event) {
			if e.Err != nil {
				cancel()
			}
		},
	})
	var e *tunnel.Error
	require.ErrorAs(t, err, &e)
	assert.Contains(t, []string{"auth", "lost"}, e.Code, "the library counts questions, and time runs out")
	assert.Contains(t, log.String(), "hello")
	assert.NotContains(t, log.String(), "owned", "a title is none of its words")
	assert.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x7f]|\\x1b|\x{202e}|x{300}`, log.String()+e.Error())
}
