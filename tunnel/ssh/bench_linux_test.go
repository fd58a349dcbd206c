package ssh_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// BenchmarkDelivery posts through a tunnel, 32 at a time, and through the ssh
// program to the same sshd with the same cipher, in turns. The ratio is ours to
// that of ssh. The library's ChaCha20 has no assembly on amd64; hfhook asks for
// AES first.
func BenchmarkDelivery(b *testing.B) {
	const aes, chacha = "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"
	for _, c := range []struct {
		size   int
		cipher string
	}{{2 << 10, aes}, {2 << 10, chacha}, {1 << 20, aes}, {1 << 20, chacha}} {
		b.Run(fmt.Sprintf("%dKiB/%s", c.size>>10, c.cipher[:6]), func(b *testing.B) { benchmarkDelivery(b, c.size, c.cipher) })
	}
}

func benchmarkDelivery(b *testing.B, size int, cipher string) {
	server := sshtest.StartServer(b, "Ciphers "+cipher)
	ours, err := server.Provider().Open(b.Context(), tunnel.Options{URL: server.URL()})
	require.NoError(b, err)
	defer ours.Close()
	go http.Serve(ours, http.HandlerFunc(swallow))

	local, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer local.Close()
	go http.Serve(local, http.HandlerFunc(swallow))
	theirs := startSSH(b, server, local.Addr().String())

	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	defer client.CloseIdleConnections()
	body := make([]byte, size)
	requests := 512
	if size < 1<<20 {
		requests = 16 << 10
	}
	var spent [2]time.Duration
	urls := [2]string{ours.URL().String(), theirs}
	for i := range urls { // connections are there, windows have grown
		post(b, client, urls[i], body, 4*inFlight)
	}
	done := 0
	for b.Loop() {
		for i := range urls {
			i = (i + done) % 2
			start := time.Now()
			post(b, client, urls[i], body, requests)
			spent[i] += time.Since(start)
		}
		done++
	}
	rate := func(i int) float64 { return float64(done*requests) / spent[i].Seconds() }
	b.ReportMetric(rate(0), "req/s")
	b.ReportMetric(rate(0)*float64(size)/1e6, "MB/s")
	b.ReportMetric(rate(1), "ssh-req/s")
	b.ReportMetric(rate(1)*float64(size)/1e6, "ssh-MB/s")
	b.ReportMetric(rate(0)/rate(1), "ratio")
}

const inFlight = 32

func swallow(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }

func post(b *testing.B, client *http.Client, url string, body []byte, n int) {
	turns := make(chan struct{}, n)
	for range n {
		turns <- struct{}{}
	}
	close(turns)
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for range turns {
				resp, err := client.Post(url, "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
}

// startSSH runs ssh -R to the server, and returns the URL that leads to addr.
func startSSH(b *testing.B, server *sshtest.Server, addr string) string {
	listen := server.FreeAddr()
	host, port, err := net.SplitHostPort(server.Addr)
	require.NoError(b, err)
	child := exec.Command("ssh", "-N", "-F", "none", "-p", port, "-i", server.KeyFile,
		"-o", "UserKnownHostsFile="+server.KnownHosts, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "ExitOnForwardFailure=yes", "-R", listen+":"+addr, server.User+"@"+host)
	var said tunneltest.Buffer
	child.Stderr = &said
	require.NoError(b, child.Start())
	b.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	require.Eventually(b, func() bool {
		c, err := net.Dial("tcp", listen)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "ssh does not listen: %s", &said)
	return "http://" + listen
}

// BenchmarkReconnect is how long nothing is served after the session of a
// tunnel that was fine was cut.
func BenchmarkReconnect(b *testing.B) {
	server := sshtest.StartServer(b)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var took []time.Duration
	for b.Loop() {
		tun, err := server.Provider().Open(b.Context(), tunnel.Options{URL: server.URL()})
		require.NoError(b, err)
		go http.Serve(tun, http.HandlerFunc(swallow))
		start := time.Now()
		require.Positive(b, server.KillSessions())
		for again := false; !again; {
			resp, err := client.Get(tun.URL().String())
			if again = err == nil; again {
				_ = resp.Body.Close()
			}
		}
		took = append(took, time.Since(start))
		require.NoError(b, tun.Close())
		server.WaitIdle()
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "median-ms")
	b.ReportMetric(took[len(took)-1].Seconds()*1e3, "max-ms")
}
