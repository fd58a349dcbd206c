package archive_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
)

// standIn is a curl that writes down its words, each with a NUL behind it, and
// for --data-binary @- what comes in.
const standIn = `#!/bin/sh
n=$(ls "$CALLS" | wc -l)
printf '%s\0' "$@" >"$CALLS/$n.words"
for last; do :; done
case $last in @-) cat >"$CALLS/$n.body" ;; esac
`

// A script that is made of what strangers sent runs curl, and nothing else, with
// the words and the bytes that they sent.
func TestAScriptOfHostileDeliveries(t *testing.T) {
	bodies := slices.Clone(hostile)
	bodies = append(bodies, "@/etc/passwd", "-T/etc/passwd", "EOF\ntouch evil\n", "EOF", "a\x00b", "\x00", "\r\n", "a\n\n", "\n# hfhook {}\ntouch evil\n", "\xc3(", strings.Repeat("'", 70_000), `{"a":"$(touch evil)"}`)
	var deliveries []*replay.Delivery
	for i, body := range bodies {
		word := strings.Map(func(r rune) rune { // as no header and no path has
			if r < ' ' || r == 0x7f {
				return '_'
			}
			return r
		}, hostile[i%len(hostile)])
		value := strings.ToValidUTF8(word, "\xff")
		deliveries = append(deliveries, &replay.Delivery{
			Method: http.MethodPost, Path: "/" + value, Query: "q=" + value, Host: value,
			Header: http.Header{"X-Any": {value, "", "@evil", "-H", strings.TrimSpace(value)}, "X-" + "Own": {"\xff" + value}, replay.HeaderSecret: {replay.Redacted}, "Content-Type": {value}},
			Body:   []byte(body), BodySize: int64(len(body)), Verdict: replay.Accepted, Summary: body + value, Endpoint: value, WebhookID: fmt.Sprint(i),
			Arrivals: []replay.Arrival{{Time: time.Now()}},
		})
	}
	for _, path := range []string{"@evil.test/", "a:@evil.test/", ".evil.test/", "81/", "", "?a@evil.test/"} { // of a store that a stranger made
		deliveries = append(deliveries, &replay.Delivery{
			Method: http.MethodPost, Path: path, Query: "q", Header: http.Header{replay.HeaderSecret: {replay.Redacted}}, Verdict: replay.Rejected, Arrivals: []replay.Arrival{{Time: time.Now()}},
		})
	}
	// The secret goes where it stood, and nowhere else.
	for _, query := range []string{"secret=" + replay.Redacted, "a=" + replay.Redacted + "&b;s%65cret=" + replay.Redacted + "&c=1", "a=" + replay.Redacted} {
		deliveries = append(deliveries, &replay.Delivery{
			Method: http.MethodPost, Path: "/webhooks/dev/" + replay.Redacted, Query: query, Verdict: replay.Accepted, Arrivals: []replay.Arrival{{Time: time.Now()}},
			Header: http.Header{replay.HeaderSecret: {replay.Redacted}, "X-Any": {replay.Redacted}},
		})
	}
	var script bytes.Buffer
	_, err := archive.Write(&script, archive.Curl, func(yield func(*replay.Delivery, error) bool) {
		for _, d := range deliveries {
			if !yield(d, nil) {
				return
			}
		}
	})
	require.NoError(t, err)

	for _, shell := range []string{"sh", "bash", "dash", "busybox", "ksh", "zsh"} {
		program, err := exec.LookPath(shell)
		if err != nil && shell != "sh" {
			continue // the others are
		}
		require.NoError(t, err)
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			folder, bin, calls := t.TempDir(), t.TempDir(), t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(bin, "curl"), []byte(standIn), 0o700))
			file := filepath.Join(bin, "script")
			require.NoError(t, os.WriteFile(file, script.Bytes(), 0o600))
			const secret = "se'cr\"et $(touch evil) a+b&c=%41;#?"
			words := []string{file, "http://to"}
			if shell == "busybox" {
				words = append([]string{"sh"}, words...)
			}
			cmd := exec.Command(program, words...)
			cmd.Dir = folder
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "CALLS=" + calls, "HOME=" + folder, "WEBHOOK_SECRET=" + secret}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Empty(t, string(out))

			found, err := os.ReadDir(folder)
			require.NoError(t, err)
			assert.Empty(t, found, "something was run")
			for i, d := range deliveries {
				sent, n := sentBy(t, calls, i), i
				assert.Equal(t, string(d.Body), sent.body, "%d: the body", n)
				encoded := fmt.Sprintf("% x", secret)
				query := strings.ReplaceAll(d.Query, "secret="+replay.Redacted, "secret=%"+strings.ReplaceAll(encoded, " ", "%"))
				query = strings.ReplaceAll(query, "s%65cret="+replay.Redacted, "s%65cret=%"+strings.ReplaceAll(encoded, " ", "%"))
				assert.Equal(t, "http://to/"+strings.TrimPrefix(d.Path, "/")+"?"+query, sent.address, "%d: the address", n)
				want := d.EndToEnd()
				want[replay.HeaderSecret] = []string{secret}
				assert.Equal(t, http.MethodPost, sent.method)
				for _, name := range slices.Sorted(maps.Keys(want)) {
					assert.Equal(t, want[name], sent.header[name], "%d: %s", n, name)
				}
				assert.Len(t, sent.header, len(want), "%d", n)
			}
			ran, err := filepath.Glob(filepath.Join(calls, "*.words"))
			require.NoError(t, err)
			assert.Len(t, ran, len(deliveries))
		})
	}
}

// sent is what curl would have sent.
type sent struct {
	method, address, body string
	header                http.Header
}

// sentBy reads what the n-th curl was called with, as curl does.
func sentBy(t *testing.T, calls string, n int) (s sent) {
	t.Helper()
	s.header = http.Header{}
	// The number counts files, of which some calls leave two.
	files, err := os.ReadDir(calls)
	require.NoError(t, err)
	var numbers []int
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".words"); ok {
			var number int
			_, err := fmt.Sscan(name, &number)
			require.NoError(t, err)
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	require.Less(t, n, len(numbers))
	file := filepath.Join(calls, fmt.Sprint(numbers[n]))
	text, err := os.ReadFile(file + ".words")
	require.NoError(t, err)
	words := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		next := func() string {
			require.NotEmpty(t, words, "nothing behind %s", word)
			w := words[0]
			words = words[1:]
			return w
		}
		switch word {
		case "--globoff", "--path-as-is":
		case "-X":
			s.method = next()
		case "-H":
			field := next()
			require.False(t, strings.HasPrefix(field, "@"), "a file of headers: %q", field)
			name, value, ok := strings.Cut(field, ":")
			switch {
			case !ok:
				name, empty := strings.CutSuffix(field, ";")
				require.True(t, empty, "%q", field)
				s.header[name] = append(s.header[name], "")
			case value != "": // else it is one that curl does not send
				s.header[name] = append(s.header[name], strings.TrimPrefix(value, " "))
			}
		case "--data-raw":
			s.body = next()
		case "--data-binary":
			require.Equal(t, "@-", next())
			body, err := os.ReadFile(file + ".body")
			require.NoError(t, err)
			s.body = string(body)
		default:
			require.False(t, strings.HasPrefix(word, "-"), "an option: %q", word)
			require.Empty(t, s.address, "two addresses")
			s.address = word
		}
	}
	return s
}
