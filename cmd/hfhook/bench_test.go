//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// releaseBinary builds the program as it is released.
func releaseBinary(b *testing.B) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "hfhook")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(b, err, string(out))
	return file
}

// fill puts n deliveries of 2 KB into a new store.
func fill(b *testing.B, n int) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "store.db")
	store, err := sqlite.Open(b.Context(), file, sqlite.Options{})
	require.NoError(b, err)
	defer store.Close()
	next := make(chan int)
	var writers sync.WaitGroup
	for range 256 {
		writers.Go(func() {
			for i := range next {
				body := benchBody(i)
				d := replay.Delivery{
					WebhookID: fmt.Sprintf("bench-%d", i), Method: "POST", Path: "/webhooks/dev", Endpoint: "dev",
					Header: http.Header{"Content-Type": {"application/json"}, "X-Webhook-Secret": {replay.Redacted}},
					Body:   body, BodySize: int64(len(body)), Verdict: replay.Accepted,
				}
				p, err := payload.Decode(body)
				if err != nil {
					panic(err)
				}
				d.Describe(p)
				if _, err := store.Append(b.Context(), replay.Incoming{Delivery: d, Arrival: replay.Arrival{Time: time.Now()}}); err != nil {
					panic(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	writers.Wait()
	return file
}

// benchBody is a payload of 2 KB about one of 500 repos.
func benchBody(i int) []byte {
	body := fmt.Appendf(nil, `{"event":{"action":"update","scope":%q},"repo":{"type":"model","name":"org/repo-%d","id":"6366c000a2abcdf2fd69a080","private":false,"url":{"web":"https://huggingface.co/org/repo","api":"https://huggingface.co/api/models/org/repo"},"headSha":"575db8b7a51b6f85eb06eee540738584589f131c","owner":{"id":"61d2000c3c2083e1c08af22d"}},"updatedRefs":[{"ref":"refs/heads/main","oldSha":"ce9a4674fa833a68d5a73ec355f0ea95eedd60b7","newSha":"575db8b7a51b6f85eb06eee540738584589f131c"}],"webhook":{"id":"6390e855e30d9209411de93b","version":3},"note":"`,
		[]string{"repo.content", "repo.config", "discussion.comment"}[i%3], i%500)
	body = append(body, bytes.Repeat([]byte("x"), 2048-len(body)-2)...)
	return append(body, `"}`...)
}

// BenchmarkReady is from the start of the process to the line that says that
// hfhook dev is ready, on a store of 100,000 deliveries; its floor is a process
// that only prints its version.
func BenchmarkReady(b *testing.B) {
	binary, store, home := releaseBinary(b), fill(b, 100_000), b.TempDir()
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, exec.Command(binary, "--version").Run())
		}
	})
	b.Run("dev", func(b *testing.B) {
		for b.Loop() {
			p := startBinary(b, binary, home, store)
			b.StopTimer()
			p.stop()
			b.StartTimer()
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/ready")
	})
}

// running is hfhook dev as released.
type running struct {
	b    *testing.B
	cmd  *exec.Cmd
	addr string
	done chan error
}

func startBinary(b *testing.B, binary, home, store string) *running {
	b.Helper()
	cmd := exec.Command(binary, "dev", "--json", "--tunnel", "none", "--no-secret", "--listen", "127.0.0.1:0", "--store", store, "--keep", "2000000,16GiB")
	cmd.Env = append(os.Environ(), homeEnv(home)...)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	lines := bufio.NewReader(out)
	var ready readyRecord
	for ready.Type != "ready" {
		line, err := lines.ReadBytes('\n')
		require.NoError(b, err)
		require.NoError(b, json.Unmarshal(line, &ready))
	}
	r := &running{b: b, cmd: cmd, addr: strings.Split(ready.Local, "/")[2], done: make(chan error, 1)}
	go func() {
		_, err := io.Copy(io.Discard, lines)
		r.done <- err
	}()
	return r
}

func (r *running) stop() {
	require.NoError(r.b, r.cmd.Process.Signal(os.Interrupt))
	<-r.done
	require.NoError(r.b, r.cmd.Wait())
}

// memory is the resident memory in MB.
func (r *running) memory() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	require.NoError(r.b, err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			require.NoError(r.b, err)
			return kb / 1000
		}
	}
	r.b.Fatal("no VmRSS")
	return 0
}

// BenchmarkMemory posts 100,000 deliveries to hfhook dev over 64 connections.
func BenchmarkMemory(b *testing.B) {
	const n, connections = 100_000, 64
	binary := releaseBinary(b)
	for b.Loop() {
		r := startBinary(b, binary, b.TempDir(), filepath.Join(b.TempDir(), "store.db"))
		idle := r.memory()
		var posters sync.WaitGroup
		for c := range connections {
			posters.Go(func() { post(b, r.addr, c, n/connections) })
		}
		posters.Wait()
		b.ReportMetric(idle, "MB-idle")
		b.ReportMetric(r.memory(), "MB-after-100k")
		r.stop()
	}
}

// post sends count deliveries over one connection and reads the answers.
func post(b *testing.B, addr string, c, count int) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for i := range count {
		body := benchBody(c*count + i)
		fmt.Fprintf(conn, "POST /webhooks/dev HTTP/1.1\r\nHost: hook\r\nContent-Type: application/json\r\nWebhook-Id: c%d-%d\r\nContent-Length: %d\r\n\r\n%s", c, i, len(body), body)
		answer, err := http.ReadResponse(answers, nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			panic(fmt.Sprint(err, answer))
		}
		_, _ = io.Copy(io.Discard, answer.Body)
	}
}

// BenchmarkInspect runs the command inside this process, opening of the store
// included, on 1,000,000 deliveries.
func BenchmarkInspect(b *testing.B) {
	store := fill(b, 1_000_000)
	for _, env := range homeEnv(b.TempDir()) {
		key, value, _ := strings.Cut(env, "=")
		b.Setenv(key, value)
	}
	for name, args := range map[string][]string{
		"newest-50":      {},
		"one-by-id":      {"567890"},
		"repo-and-scope": {"--repo", "org/repo-77", "--scope", "repo.config"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				err := run(context.Background(), append([]string{"hfhook", "inspect", "--store", store}, args...), io.Discard, io.Discard)
				require.NoError(b, err)
			}
		})
	}
}

// BenchmarkBinary is the size of the stripped program.
func BenchmarkBinary(b *testing.B) {
	for b.Loop() {
		info, err := os.Stat(releaseBinary(b))
		require.NoError(b, err)
		b.ReportMetric(float64(info.Size())/1e6, "MB")
	}
}
