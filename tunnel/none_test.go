package tunnel_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestNoneWithoutPublicURL(t *testing.T) {
	var events tunneltest.Events
	l := listen(t)
	tun, err := tunnel.None{Listener: l}.Open(t.Context(), tunnel.Options{Notify: events.Notify})
	require.NoError(t, err)
	assert.Nil(t, tun.URL())
	assert.Equal(t, l.Addr(), tun.Addr())
	require.Len(t, events.All(), 1)
	assert.Equal(t, tunnel.Online, events.All()[0].State)
	assert.Nil(t, events.All()[0].URL)
	require.NoError(t, tun.Close())
}

func TestNoneEndsWithItsListener(t *testing.T) {
	var events tunneltest.Events
	l := listen(t)
	tun, err := tunnel.None{Listener: l}.Open(t.Context(), tunnel.Options{Notify: events.Notify})
	require.NoError(t, err)
	require.NoError(t, l.Close(), "somebody else closes it")
	_, err = tun.Accept()
	var why *tunnel.Error
	require.ErrorAs(t, err, &why)
	assert.Equal(t, "lost", why.Code)
	assert.ErrorIs(t, err, net.ErrClosed)
	assert.Equal(t, err, tun.Err())
	last := events.All()[len(events.All())-1]
	assert.Equal(t, tunnel.Offline, last.State)
	assert.Equal(t, err, last.Err)
	require.NoError(t, tun.Close())
	assert.Len(t, events.All(), 2, "over only once")
}
