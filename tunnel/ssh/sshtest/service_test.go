package sshtest_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	gossh "golang.org/x/crypto/ssh"

	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect speaks to the service by hand, to say what hfhook never would.
func connect(t *testing.T, s *sshtest.Service) *gossh.Client {
	t.Helper()
	c, err := gossh.Dial("tcp", s.Addr, &gossh.ClientConfig{
		User: "me",
		HostKeyCallback: func(_ string, _ net.Addr, key gossh.PublicKey) error {
			assert.Equal(t, s.HostKey(), gossh.FingerprintSHA256(key))
			return nil
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func forward(t *testing.T, c *gossh.Client, host string, port uint32) bool {
	t.Helper()
	ok, _, err := c.SendRequest("tcpip-forward", true, gossh.Marshal(struct {
		Host string
		Port uint32
	}{host, port}))
	require.NoError(t, err)
	return ok
}

func TestWhatClientsDoWrongIsRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*gossh.Client)
		want string
	}{
		"session first": {func(c *gossh.Client) {
			_, err := c.NewSession()
			require.NoError(t, err)
		}, "a session before the forward: what it says may be missed"},
		"other port": {func(c *gossh.Client) { forward(t, c, "localhost", 8080) }, `tcpip-forward of "localhost":8080`},
		"other host": {func(c *gossh.Client) { forward(t, c, "", 80) }, `tcpip-forward of "":80`},
		"terminal": {func(c *gossh.Client) {
			forward(t, c, "localhost", 80)
			s, err := c.NewSession()
			require.NoError(t, err)
			assert.Error(t, s.RequestPty("xterm", 24, 80, nil))
		}, "pty-req: with a terminal, services draw or hang"},
		"shell": {func(c *gossh.Client) {
			forward(t, c, "localhost", 80)
			s, err := c.NewSession()
			require.NoError(t, err)
			assert.NoError(t, s.Shell())
		}, `shell ""`},
		"channel": {func(c *gossh.Client) {
			_, _, err := c.OpenChannel("direct-tcpip", nil)
			assert.Error(t, err)
		}, "a channel of type direct-tcpip"},
	} {
		t.Run(name, func(t *testing.T) {
			service := sshtest.StartService(t, ssh.LocalhostRun)
			c.do(connect(t, service))
			assert.Equal(t, []string{c.want}, service.Wrongs())
		})
	}
}

func TestNobodyIsThere(t *testing.T) {
	service := sshtest.StartService(t, ssh.Serveo)
	resp, err := service.Client().Get("https://nobody.serveo.net/")
	require.NoError(t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	assert.Error(t, service.Dial("nobody.serveo.net"))
}
