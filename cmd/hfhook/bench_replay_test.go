//go:build linux

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkReplay100k is hfhook replay, the whole process, of 100,000 deliveries
// of 2 KB to a handler in a process of its own, 64 at a time; beside what wrk
// reaches with the same handler just before, with one of those deliveries. One
// handler only reads the body, the other one decodes it as handlers do.
func BenchmarkReplay100k(b *testing.B) {
	binary, full := releaseBinary(b), fill(b, 100_000)
	for name, flags := range map[string][]string{"reads": {"-quick"}, "decodes": {"-quick", "-decode"}} {
		b.Run(name, func(b *testing.B) { benchReplay(b, binary, full, flags) })
	}
}

func benchReplay(b *testing.B, binary, full string, handlerFlags []string) {
	handler, err := launch(b.Cleanup, os.Environ(), b.TempDir(), "testhandler", handlerFlags...)
	require.NoError(b, err)
	found, err := handler.await(&handler.err, `^listening on (\S+)`, 1)
	require.NoError(b, err)
	url := found[1] + "/hook"
	for b.Loop() {
		b.StopTimer()
		store := filepath.Join(b.TempDir(), "store.db")
		copyFile(b, full, store)
		floor := wrk(b, url)
		cmd := exec.Command(binary, "replay", "--store", store, "--to", url, "--concurrency", "64", "1..last")
		cmd.Env = append(os.Environ(), homeEnv(b.TempDir())...)
		var talk bytes.Buffer
		cmd.Stderr = &talk
		b.StartTimer()
		began := time.Now()
		require.NoError(b, cmd.Start())
		peak := watchMemory(cmd.Process.Pid)
		err := cmd.Wait()
		took := time.Since(began)
		require.NoError(b, err, talk.String())
		require.Contains(b, talk.String(), "100000 ok")

		rate := 100_000 / took.Seconds()
		b.ReportMetric(rate, "sent/s")
		b.ReportMetric(<-peak, "MB-peak")
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		b.ReportMetric(float64(cpu.Microseconds())/100_000, "µs-CPU/send")
		if floor > 0 {
			b.ReportMetric(floor, "wrk/s")
			b.ReportMetric(100*rate/floor, "%-of-wrk")
		}
	}
}

// wrk gives how many posts a second the program wrk reaches; 0 without it.
func wrk(b *testing.B, url string) float64 {
	b.Helper()
	if _, err := exec.LookPath("wrk"); err != nil {
		b.Log("no comparison: there is no wrk here (apt-get install wrk)")
		return 0
	}
	script := filepath.Join(b.TempDir(), "post.lua")
	text := "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.headers['Webhook-Id'] = 'bench-1'\n" +
		"wrk.headers['User-Agent'] = ''\nwrk.body = [==[" + string(benchBody(1)) + "]==]\n"
	require.NoError(b, os.WriteFile(script, []byte(text), 0o600))
	out, err := exec.Command("wrk", "-t2", "-c64", "-d5s", "-s", script, url).CombinedOutput()
	require.NoError(b, err, string(out))
	require.NotContains(b, string(out), "Non-2xx", string(out))
	rate := regexp.MustCompile(`Requests/sec:\s+(\S+)`).FindSubmatch(out)
	require.NotNil(b, rate, string(out))
	perSecond, err := strconv.ParseFloat(string(rate[1]), 64)
	require.NoError(b, err)
	return perSecond
}

// watchMemory gives the most resident memory of a process in MB, once it has
// ended.
func watchMemory(pid int) <-chan float64 {
	peak := make(chan float64, 1)
	go func() {
		high := 0.0
		for {
			status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
			_, rest, ok := strings.Cut(string(status), "VmHWM:")
			if err != nil || !ok { // a zombie has none
				peak <- high
				return
			}
			if kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64); err == nil {
				high = max(high, kb/1000)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return peak
}

func copyFile(b *testing.B, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	require.NoError(b, err)
	defer in.Close()
	out, err := os.Create(to)
	require.NoError(b, err)
	_, err = io.Copy(out, in)
	require.NoError(b, err)
	require.NoError(b, out.Close())
}
