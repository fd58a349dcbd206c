package cloudflared

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
)

// Whatever the metrics server answers, what is taken from it is a name in the
// zone of quick tunnels, and a URL that can be shown.
func FuzzHostname(f *testing.F) {
	for _, s := range []string{
		`{"hostname":"demo-a.trycloudflare.com"}`, `{"Hostname":"DEMO.trycloudflare.com","hostname":"evil.example.com"}`,
		`{"hostname":"evil.example.com#.trycloudflare.com"}`, `{"hostname":"a@b.trycloudflare.com"}`, `{"hostname":"a.b.trycloudflare.com"}`,
		`{"hostname":"\u001b[2J.trycloudflare.com"}`, `{"hostname":".trycloudflare.com"}`, `{"hostname":1}`, `[`, `{"hostname":"K.trycloudflare.com"}`,
	} {
		f.Add([]byte(s))
	}
	p := Provider{Domain: "trycloudflare.com"}
	f.Fuzz(func(t *testing.T, answer []byte) {
		host := hostname(answer)
		if !p.gives(host) {
			return
		}
		u, err := tunnel.ParsePublicURL("https://"+host, false)
		require.NoError(t, err)
		assert.Equal(t, "https://"+host, u.String())
		assert.Regexp(t, `^[a-z0-9-]+\.trycloudflare\.com$`, host)
	})
}

// Whatever cloudflared logs, it is asked on this machine, and where its first
// line said.
func FuzzMetricsLine(f *testing.F) {
	for _, s := range []string{
		`{"message":"Starting metrics server on 127.0.0.1:20241/metrics"}`, "INF Starting metrics server on 127.0.0.1:1",
		"Starting metrics server on 127.0.0.1:80@evil.example.com", "Starting metrics server on 127.0.0.1:999999", "Starting metrics server on 127.0.0.1.evil:80",
	} {
		f.Add([]byte(s), []byte("Starting metrics server on 127.0.0.1:6666"))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		found := make(chan string, 2)
		look := firstMatch(found)
		look(first)
		look(second)
		close(found)
		assert.LessOrEqual(t, len(found), 1)
		for addr := range found {
			assert.Regexp(t, `^127\.0\.0\.1:[0-9]{1,5}$`, addr)
		}
	})
}
