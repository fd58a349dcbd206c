package ssh_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/pem"
	"fmt"
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
	gossh "golang.org/x/crypto/ssh"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func TestServicesLetEverybodyIn(t *testing.T) {
	for _, preset := range ssh.Presets() {
		for _, method := range []string{"none", "password", "keyboard-interactive"} {
			t.Run(preset.Name+" "+method, func(t *testing.T) {
				service := sshtest.StartService(t, preset)
				service.LetIn(method)
				p := service.Provider()
				p.Version = "1.2.3-4-gabc"
				tun, _ := open(t, p, nil)
				assert.Equal(t, []sshtest.Login{{User: preset.User, Method: method, ClientVersion: "SSH-2.0-hfhook_1.2.3_4_gabc"}}, service.Logins())
				assert.True(t, strings.HasSuffix(tun.URL().String(), "."+preset.Suffixes[0]), tun.URL())
				assert.Equal(t, "ssh:"+preset.Name, p.Name())
				assert.Contains(t, get(t, service.Client(), tun.URL()), "127.0.0.1:")
			})
		}
	}
}

func TestServiceWithARegisteredKey(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := gossh.NewSignerFromKey(private)
	require.NoError(t, err)
	block, err := gossh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))

	service.LetInKey(signer.PublicKey())
	p := service.Provider()
	e := openError(t, p, nil)
	assert.Equal(t, "auth", e.Code)
	assert.Equal(t, "localhost.run did not let nokey in (offered: no key)", e.Error())
	assert.Equal(t, "the service may want a registered key: name one with --ssh-key FILE, or use another tunnel", e.Hint)

	p.KeyFiles = []string{file}
	open(t, p, nil)
	require.Len(t, service.Logins(), 1)
	assert.NotEqual(t, "nokey", service.Logins()[0].User)
	assert.Equal(t, "publickey", service.Logins()[0].Method)
}

func TestAnnouncements(t *testing.T) {
	for name, announce := range map[string]func(string) string{
		"text":                    sshtest.Text,
		"JSON":                    sshtest.JSON,
		"CloudEvent":              sshtest.CloudEvent,
		"CloudEvent without host": func(host string) string { return strings.Replace(sshtest.CloudEvent(host), "localhost/"+host, "x", 1) },
		"older JSON with a code": func(host string) string {
			return `{"event":"tcpip-forward","address":"` + host + `","authz_code":"OK"}` + "\n"
		},
		"after a foreign host": func(host string) string {
			return sshtest.CloudEvent("evil.example.com") + sshtest.Text("evil.example.com") + sshtest.JSON("lhr.life.evil.example") +
				sshtest.Text("user@"+host) + sshtest.Text(host+":444") + sshtest.Text(host+"/path") + sshtest.Text("a b."+host) +
				sshtest.JSON("-."+host) + sshtest.JSON("lhr.life") + sshtest.JSON("..lhr.life") + sshtest.Text(host)
		},
		"after a long line": func(host string) string { return strings.Repeat("x", 200<<10) + "\n" + sshtest.Text(host) },
		"after garbage":     func(host string) string { return "{\x00\xff\x1b]0;x\x07}\n{\"data\":[1]}\n" + sshtest.Text(host) },
	} {
		for _, split := range []bool{false, true} {
			t.Run(fmt.Sprint(name, split), func(t *testing.T) {
				service := sshtest.StartService(t, ssh.LocalhostRun)
				var host string
				service.Announce(func(h string) string {
					host = h
					return announce(h)
				})
				service.Split(split)
				tun, events := open(t, service.Provider(), nil)
				assert.Equal(t, "https://"+host, tun.URL().String())
				assert.Len(t, events.All(), 2, "opening and online")
				get(t, service.Client(), tun.URL())
			})
		}
	}
}

func TestASecondAnnouncementIsANewURL(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	tun, events := open(t, service.Provider(), nil)
	before := tun.URL()
	service.AnnounceAgain() // the same: no news
	host := service.Rename()
	service.AnnounceAgain()
	e := online(t, events, 2)
	assert.Equal(t, "https://"+host, e.URL.String())
	assert.Equal(t, e.URL, tun.URL())
	assert.NotEqual(t, before, tun.URL())
	assert.Equal(t, 1, service.Sessions(), "the same session")
	get(t, service.Client(), tun.URL())
}

// These say their name once, and then show requests: whatever a visitor makes
// them print, who has a tunnel of his own there, the URL stays.
func TestAVisitorCannotAnnounce(t *testing.T) {
	for _, preset := range []ssh.Server{ssh.Serveo, ssh.Pinggy} {
		t.Run(preset.Name, func(t *testing.T) {
			service := sshtest.StartService(t, preset)
			service.Announce(func(host string) string {
				return "Forwarding HTTP traffic from https://" + host + "\nhttps://" + host + "\nit was " + host + "\n"
			})
			var log tunneltest.Buffer
			events := new(tunneltest.Events)
			tun, err := service.Provider().Open(t.Context(), tunnel.Options{Notify: events.Notify,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			require.NoError(t, err)
			defer tun.Close()
			for n := range 2 {
				before := tun.URL().String()
				host := service.Rename()
				service.AnnounceAgain() // as if it were the service's own
				require.Eventually(t, func() bool { return strings.Contains(log.String(), "it was "+host) }, 20*time.Second, time.Millisecond)
				assert.Equal(t, before, tun.URL().String())
				service.KillSessions()
				e := online(t, events, 2+n)
				assert.Equal(t, "https://"+host, e.URL.String(), "another session may have another name")
			}
		})
	}
}

func TestNoAnnouncement(t *testing.T) {
	service := sshtest.StartService(t, ssh.Serveo)
	p := service.Provider()
	p.AnnounceTimeout = 2 * time.Second
	for name, c := range map[string]struct{ says, last string }{
		"silent": {"", ""},
		"talks": {
			"1\n2\n\x1b[2J3\x07\r\n\n4\n5\nsee https://serveo.net/docs\nForwarding HTTP traffic from https://evil.example.com\n",
			" (last lines: 3 / 4 / 5 / see https://serveo.net/docs / Forwarding HTTP traffic from https://evil.example.com)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			service.Announce(func(string) string { return c.says })
			e := openError(t, p, nil)
			assert.Equal(t, "nourl", e.Code)
			assert.Equal(t, "serveo.net accepted the connection but announced no URL"+c.last, e.Error())
			assert.Equal(t, "try again later, or use another tunnel", e.Hint)
			assert.False(t, e.Permanent)
		})
	}
}

func TestRejection(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	p := service.Provider()
	for name, says := range map[string]string{
		"CloudEvent": sshtest.Rejected("no capacity\x1b[31m"),
		"JSON":       `{"event":"tcpip-forward","address":"x.lhr.life","authz_code":"DENIED","message":"no capacity\nmore"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			service.Announce(func(string) string { return says })
			e := openError(t, p, nil)
			assert.Equal(t, "refused", e.Code)
			assert.Equal(t, "localhost.run refused the tunnel (no capacity)", e.Error())
		})
	}
	service.Announce(nil)
	service.Refuse(func(string, uint32) bool { return true })
	e := openError(t, p, nil)
	assert.Equal(t, "refused", e.Code)
	assert.Equal(t, "localhost.run refused to forward", e.Error())
	assert.NotEmpty(t, service.Logins())
}

func TestPinggyWithAToken(t *testing.T) {
	service := sshtest.StartService(t, ssh.Pinggy)
	var log tunneltest.Buffer
	dial := func(p *ssh.Provider) *[]string {
		var asked []string
		inner := p.DialContext
		p.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			asked = append(asked, addr)
			return inner(ctx, network, addr)
		}
		return &asked
	}
	good := service.Provider()
	good.Token = service.Token
	asked := dial(&good)
	tun, _ := open(t, good, nil)
	get(t, service.Client(), tun.URL())
	assert.Equal(t, service.Token, service.Logins()[0].User)
	assert.Equal(t, []string{"pro.pinggy.io:443"}, *asked)

	bad := service.Provider()
	bad.Token = "wrong" + rand.Text()
	_, err := bad.Open(t.Context(), tunnel.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	var e *tunnel.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "anonymous", e.Code)
	assert.Equal(t, "pinggy did not accept the token and offered an anonymous 60-minute tunnel", e.Error())
	assert.True(t, e.Permanent)

	bad.AnnounceTimeout = 2 * time.Second
	service.Announce(func(string) string { // it could hide in what a terminal does not show
		return "hello " + bad.Token[:7] + "\x1b[0m\x00" + bad.Token[7:] + "\n"
	})
	e = openError(t, bad, nil)
	assert.Equal(t, "pro.pinggy.io accepted the connection but announced no URL (last lines: hello [redacted])", e.Error())
	service.LetIn("publickey")
	service.LetInKey(nil)
	e = openError(t, bad, nil)
	assert.Equal(t, "pro.pinggy.io did not let [redacted] in (offered: no key)", e.Error())
	assert.NotContains(t, log.String()+fmt.Sprintf("%#v %v", e, e.Err), bad.Token)
}

// Services fill the fields of RFC 4254, 7.2, with what they like.
func TestWhatServicesSayOfConnections(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sshtest.Forwarded)
		want   string // RemoteAddr; empty: that of the service
	}{
		"another address": {func(f *sshtest.Forwarded) { f.Addr, f.Port = "0.0.0.0", 1 }, "127.0.0.1:"},
		"a client":        {func(f *sshtest.Forwarded) { f.OriginAddr, f.OriginPort = "192.0.2.1", 1234 }, "192.0.2.1:1234"},
		"IPv6":            {func(f *sshtest.Forwarded) { f.OriginAddr, f.OriginPort = "2001:db8::1", 1234 }, "[2001:db8::1]:1234"},
		"mapped":          {func(f *sshtest.Forwarded) { f.OriginAddr, f.OriginPort = "::ffff:192.0.2.1", 1 }, "192.0.2.1:1"},
		"port 0":          {func(f *sshtest.Forwarded) { f.OriginAddr, f.OriginPort = "192.0.2.1", 0 }, "192.0.2.1:0"},
		"large port":      {func(f *sshtest.Forwarded) { f.OriginAddr, f.OriginPort = "192.0.2.1", 1<<31 }, "192.0.2.1:0"},
		"a name":          {func(f *sshtest.Forwarded) { f.OriginAddr = "client.example.com" }, ""},
		"nothing":         {func(f *sshtest.Forwarded) { *f = sshtest.Forwarded{} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			service := sshtest.StartService(t, ssh.LocalhostRun)
			service.Forward(c.change)
			tun, _ := open(t, service.Provider(), nil)
			if c.want == "" {
				c.want = service.Addr
			}
			assert.Contains(t, get(t, service.Client(), tun.URL()), c.want)
		})
	}
}

func TestAnotherHostKey(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	p := service.Provider()
	p.HostKeys = nil // the one that is built in
	e := openError(t, p, nil)
	assert.Equal(t, "hostkey", e.Code)
	assert.Equal(t, fmt.Sprintf("the SSH key of localhost.run is not the one built into hfhook (%s)", service.HostKey()), e.Error())
	assert.Contains(t, e.Hint, "--ssh-host-key")
	assert.True(t, e.Permanent)
	assert.Empty(t, service.Logins(), "nothing was said to it")

	t.Run("of another kind", func(t *testing.T) {
		require.NoError(t, service.UseEd25519())
		e := openError(t, p, nil)
		assert.Equal(t, "hostkey", e.Code)
		assert.Equal(t, "localhost.run has no SSH key of the kind that is known of it", e.Error())
		assert.True(t, e.Permanent)
		p.HostKeys = []string{"SHA256:" + strings.Repeat("A", 43), service.HostKey()}
		open(t, p, nil)
	})
	t.Run("while it runs", func(t *testing.T) {
		service := sshtest.StartService(t, ssh.Serveo)
		tun, events := open(t, service.Provider(), nil)
		require.NoError(t, service.ChangeHostKey())
		service.KillSessions()
		over := events.Await(t, func(e tunnel.Event) bool { return e.State == tunnel.Offline })
		want := fmt.Sprintf("the SSH key of serveo.net is not the one given with --ssh-host-key (%s)", service.HostKey())
		assert.EqualError(t, over.Err, want)
		assert.EqualError(t, tun.Err(), want)
		_, err := tun.Accept()
		assert.EqualError(t, err, want)
	})
}

func TestUnreachable(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	service.StopListening()
	p := service.Provider()
	e := openError(t, p, nil)
	assert.Equal(t, "unreachable", e.Code)
	assert.Equal(t, "cannot reach localhost.run:22 (connection refused)", e.Error())
	assert.Equal(t, "port 22 is often blocked: try --tunnel=ngrok or --tunnel=cloudflared", e.Hint)
	assert.False(t, e.Permanent)

	p.Server = ssh.Pinggy
	e = openError(t, p, nil)
	assert.Equal(t, "cannot reach free.pinggy.io:443 (connection refused)", e.Error())
	assert.NotContains(t, e.Hint, "22")

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	p = service.Provider()
	p.HandshakeTimeout = 50 * time.Millisecond
	p.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, silent.Addr().String())
	}
	assert.Equal(t, "cannot reach localhost.run:22 (timed out)", openError(t, p, nil).Error())
}

func TestUnansweredRequests(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	p := service.Provider()
	p.RequestTimeout = 300 * time.Millisecond
	for _, request := range []string{"tcpip-forward", "session"} {
		service.Silence(request)
		e := openError(t, p, nil)
		assert.Equal(t, "lost", e.Code)
		assert.Equal(t, "the connection to localhost.run broke (no answer for 300ms)", e.Error())
	}
	service.Silence("exec")
	p.RequestTimeout = 0
	tun, _ := open(t, p, nil)
	get(t, service.Client(), tun.URL())
}

func TestAFrozenServiceIsNoticed(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	p := service.Provider()
	p.KeepaliveInterval, p.KeepaliveTimeout = 50*time.Millisecond, time.Second
	tun, events := open(t, p, nil)
	service.Freeze(true)
	e := failed(t, events)
	assert.Equal(t, "lost", e.Code)
	assert.Equal(t, "the connection to localhost.run broke (no answer for 1s)", e.Error())
	service.Freeze(false)
	online(t, events, 2)
	get(t, service.Client(), tun.URL())
}

func TestAnyAnswerIsASignOfLife(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	p := service.Provider()
	p.KeepaliveInterval, p.KeepaliveTimeout = time.Millisecond, 10*time.Second
	_, events := open(t, p, nil)
	service.AwaitKeepalives(20)
	assert.Len(t, events.All(), 2)
}

func TestTooManyWaitForNobody(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	tun, err := service.Provider().Open(t.Context(), tunnel.Options{})
	require.NoError(t, err)
	defer tun.Close()
	for range 128 {
		require.NoError(t, service.Dial(tun.URL().Host))
	}
	err = service.Dial(tun.URL().Host)
	var refused *gossh.OpenChannelError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, gossh.ResourceShortage, refused.Reason)
	c, err := tun.Accept()
	require.NoError(t, err)
	defer c.Close()
	require.Eventually(t, func() bool { return service.Dial(tun.URL().Host) == nil }, 20*time.Second, time.Millisecond)
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	pinggy, serveo := ssh.Provider{Server: ssh.Pinggy}, ssh.Provider{Server: ssh.Serveo}
	own, err := ssh.Parse("ssh://me@example.com?listen=:9000")
	require.NoError(t, err)
	pinggy.Token = "odd token"
	for name, c := range map[string]struct {
		p            ssh.Provider
		url          *url.URL
		code, detail string
	}{
		"no server":     {ssh.Provider{}, nil, "missing", "there is no SSH server to connect to"},
		"a wish":        {serveo, public("x.serveo.net"), "url", "serveo chooses the public URL itself"},
		"no URL":        {ssh.Provider{Server: own}, nil, "url", "an own SSH server does not say its public URL"},
		"token":         {ssh.Provider{Server: ssh.Serveo, Token: "x"}, nil, "auth", "serveo takes no token"},
		"own and token": {ssh.Provider{Server: own, Token: "x"}, public("x"), "auth", "an own SSH server takes no token"},
		"odd token":     {pinggy, nil, "auth", "the token of pinggy has odd characters in it"},
		"fingerprint": {ssh.Provider{Server: ssh.Serveo, HostKeys: []string{"MD5:00"}}, nil, "hostkey",
			"the SSH host key to expect is not a fingerprint like SHA256:..."},
	} {
		t.Run(name, func(t *testing.T) {
			c.p.DialContext = func(context.Context, string, string) (net.Conn, error) { panic("dials") }
			e := openError(t, c.p, c.url)
			assert.Equal(t, c.code, e.Code)
			assert.Equal(t, c.detail, e.Error())
			assert.NotEmpty(t, e.Hint)
			assert.True(t, e.Permanent)
		})
	}
}

// As a program in another process would: by proxy and CA file only.
func TestServiceThroughAProxy(t *testing.T) {
	for _, preset := range ssh.Presets() {
		t.Run(preset.Name, func(t *testing.T) {
			service := sshtest.StartService(t, preset)
			p := service.Provider()
			p.DialContext = tunnel.Dialer{Proxy: func(*url.URL) (*url.URL, error) { return service.ProxyURL, nil }}.DialContext
			tun, _ := open(t, p, nil)
			client := &http.Client{Transport: &http.Transport{
				Proxy:             http.ProxyURL(service.ProxyURL),
				TLSClientConfig:   &tls.Config{RootCAs: service.CAs()},
				DisableKeepAlives: true,
			}}
			assert.Contains(t, get(t, client, tun.URL()), "127.0.0.1:")
			pem, err := os.ReadFile(service.CAFile(t))
			require.NoError(t, err)
			assert.True(t, service.CAs().AppendCertsFromPEM(pem))
		})
	}
}

// A session that is lost takes with it what nobody has accepted.
func TestLostWhileAConnectionWaits(t *testing.T) {
	service := sshtest.StartService(t, ssh.LocalhostRun)
	events := new(tunneltest.Events)
	tun, err := service.Provider().Open(t.Context(), tunnel.Options{Notify: events.Notify})
	require.NoError(t, err)
	defer tun.Close()
	require.NoError(t, service.Dial(tun.URL().Host))
	service.KillSessions()
	online(t, events, 2)
}
