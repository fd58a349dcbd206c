package ssh_test

import (
	"crypto/rand"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func TestOpenGoesThroughAProxy(t *testing.T) {
	login := url.UserPassword("me", rand.Text())
	for name, start := range map[string]func(testing.TB, *url.Userinfo, func(string) string) *tunneltest.Proxy{
		"CONNECT": tunneltest.ConnectProxy,
		"SOCKS5":  tunneltest.SOCKSProxy,
	} {
		t.Run(name, func(t *testing.T) {
			service := sshtest.StartService(t, ssh.LocalhostRun)
			proxy := start(t, login, func(string) string { return service.Addr })
			p := service.Provider()
			p.DialContext = tunnel.Dialer{Proxy: func(*url.URL) (*url.URL, error) { return proxy.URL, nil }}.DialContext
			tun, _ := open(t, p, nil)
			assert.Regexp(t, `^127\.0\.0\.1:`, get(t, service.Client(), tun.URL()))
			assert.Equal(t, []string{"localhost.run:22"}, proxy.Asked(), "the name is the proxy's to look up")
		})
	}
}
