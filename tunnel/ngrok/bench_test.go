package ngrok_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// BenchmarkDelivery posts 8 KiB through a tunnel. The floor is a listener
// without one: what is above it are the edge's TLS and proxy, and the
// library's streams.
func BenchmarkDelivery(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		client := &http.Client{Transport: new(http.Transport)}
		defer client.CloseIdleConnections()
		benchmarkDelivery(b, tunnel.None{Listener: l}, client, &url.URL{Scheme: "http", Host: l.Addr().String()})
	})
	b.Run("ngrok", func(b *testing.B) {
		edge := ngroktest.Start(b)
		benchmarkDelivery(b, edge.Provider(), edge.Client(), nil)
	})
}

// BenchmarkReconnect is how long nothing is served after the session of a
// tunnel that was fine was cut.
func BenchmarkReconnect(b *testing.B) {
	edge := ngroktest.Start(b)
	tun, err := edge.Provider().Open(b.Context(), tunnel.Options{})
	require.NoError(b, err)
	defer tun.Close()
	go http.Serve(tun, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		require.Equal(b, 1, edge.KillSessions())
		for again := false; !again; {
			resp, err := edge.Client().Get(tun.URL().String())
			require.NoError(b, err)
			again = resp.StatusCode == http.StatusOK
			_ = resp.Body.Close()
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "median-ms")
	b.ReportMetric(took[len(took)-1].Seconds()*1e3, "max-ms")
}

func benchmarkDelivery(b *testing.B, p tunnel.Provider, client *http.Client, public *url.URL) {
	tun, err := p.Open(b.Context(), tunnel.Options{URL: public})
	require.NoError(b, err)
	defer tun.Close()
	go http.Serve(tun, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	body := make([]byte, 8<<10)
	for b.Loop() {
		resp, err := client.Post(tun.URL().String(), "application/json", bytes.NewReader(body))
		require.NoError(b, err)
		_ = resp.Body.Close()
	}
}
