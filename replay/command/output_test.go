package command_test

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/command"
)

// lines collects what is told live.
type lines struct {
	sync.Mutex
	all []command.Line
}

func (l *lines) add(line command.Line) {
	l.Lock()
	defer l.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) texts() (texts []string) {
	l.Lock()
	defer l.Unlock()
	for _, line := range l.all {
		texts = append(texts, line.Text)
	}
	return texts
}

// printing is a target that prints texts, each at once.
func printing(t *testing.T, o command.Options, act string, texts ...string) *command.Target {
	t.Helper()
	words := []string{act}
	for _, text := range texts {
		words = append(words, strconv.QuoteToASCII(text))
	}
	return target(t, o, words...)
}

func TestLinesAsTheyCome(t *testing.T) {
	var got lines
	made := printing(t, command.Options{Output: got.add}, "out",
		"one\n", "\n", "tw", "o\r\n", "\x1b[1;32mgreen\x1b[0m\ta\x1b]0;title\x07b\u202ec\x00\xff\n", "last")
	a := made.Send(t.Context(), delivery(body))
	require.True(t, a.OK(), a.Error)
	assert.Equal(t, []string{"one", "", "two", `green    ab\u202ec\x00\xff`, "last"}, got.texts())
	assert.Equal(t, command.Line{Target: made.Name(), DeliveryID: 17, Stream: "stdout", Text: "one"}, got.all[0])
	assert.Equal(t, "one\n\ntwo\r\n\x1b[1;32mgreen\x1b[0m\ta\x1b]0;title\x07b\u202ec\x00\xff\nlast", string(a.Body), "kept as it is")
	assert.False(t, a.BodyCut)

	got.all = nil
	a = printing(t, command.Options{Output: got.add}, "err", "oops\n").Send(t.Context(), delivery(body))
	assert.Equal(t, "stderr", got.all[0].Stream)
	assert.Equal(t, "oops\n", string(a.Body))
}

func TestAProgressBarIsNoFlood(t *testing.T) {
	var got lines
	var texts []string
	for i := range 500 {
		texts = append(texts, fmt.Sprintf("%d%%\r", i/5))
	}
	a := printing(t, command.Options{Output: got.add}, "err", append(texts, "100%\n", "done\n")...).Send(t.Context(), delivery(body))
	require.True(t, a.OK(), a.Error)
	shown := got.texts()
	assert.Equal(t, []string{"100%", "done"}, shown[len(shown)-2:])
	assert.Less(t, len(shown), 400)
	assert.True(t, strings.Join(texts, "")+"100%\ndone\n" == string(a.Body), "all of it is kept")
}

func TestALongLine(t *testing.T) {
	var got lines
	part := strings.Repeat("ü", 10_000)
	text := strings.Repeat(part, 4)
	a := printing(t, command.Options{Output: got.add}, "out", part, part, part, part, "\nshort\n").Send(t.Context(), delivery(body))
	require.Len(t, got.all, 2)
	assert.Equal(t, strings.Repeat("ü", 4<<10)+"…", got.all[0].Text)
	assert.Equal(t, "short", got.all[1].Text)
	assert.Equal(t, text+"\nshort\n", string(a.Body))
}

// The beginning says what it was, the end what went wrong.
func TestOfMuchOutputBothEndsAreKept(t *testing.T) {
	for name, line := range map[string]string{"lines": "0123456789 ünïcödé\n", "no lines": "日本"} {
		text := "begin " + strings.Repeat(line, 10<<20/len(line)) + "the end"
		file := filepath.Join(t.TempDir(), "text")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		a := target(t, command.Options{Secret: rand.Text()}, "cat", file).Send(t.Context(), delivery(body))
		require.True(t, a.OK(), a.Error)
		assert.True(t, a.BodyCut, name)
		assert.LessOrEqual(t, len(a.Body), replay.MaxAnswer, name)
		assert.Greater(t, len(a.Body), replay.MaxAnswer-16<<10, name)
		assert.True(t, utf8.Valid(a.Body), name)
		got := string(a.Body)
		assert.True(t, strings.HasPrefix(got, "begin "), name)
		assert.True(t, strings.HasSuffix(got, "the end"), name)
		head, rest, ok := strings.Cut(got, "[... ")
		require.True(t, ok, name)
		note, tail, ok := strings.Cut(rest, " bytes left out ...]\n")
		require.True(t, ok, name)
		if name == "no lines" {
			head = strings.TrimSuffix(head, "\n")
		}
		assert.True(t, strings.HasPrefix(text, head), name)
		assert.True(t, strings.HasSuffix(text, tail), name)
		assert.Equal(t, len(text), len(head)+atoi(t, note)+len(tail), name)
	}
}

func TestNoSecretIsKeptOrShown(t *testing.T) {
	secret := "a/b+ \"" + rand.Text()
	token := rand.Text()
	var got lines
	o := command.Options{Secret: secret, Hide: []string{token, "short"}, Output: got.add}
	for _, words := range [][]string{
		{"it is ", secret[:9], secret[9:], " and ", token, "\n", secret},
		{strings.Repeat("x", 8<<10-5), secret, "\n"},
		{strings.Repeat("x", 64<<10-5), secret, strings.Repeat("y", 300_000), secret},
		{url.QueryEscape(secret), "\n", url.PathEscape(secret), "\n", strings.ReplaceAll(secret, `"`, `\"`), "\n"},
		{secret + token + secret + secret},
		{secret[:len(secret)-1]},
	} {
		// Not in the arguments, which are refused: in a file.
		file := filepath.Join(t.TempDir(), "text")
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(words, "")), 0o600))
		a := target(t, o, "cat", file).Send(t.Context(), delivery(body))
		require.True(t, a.OK(), a.Error)
		said := string(a.Body) + strings.Join(got.texts(), "\n")
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), secret[1:], token, rest(secret), rest(token)} {
			if form == secret[1:] && len(words) == 1 {
				continue
			}
			assert.NotContains(t, said, form)
		}
		if len(words) > 1 || words[0] != secret[:len(secret)-1] {
			assert.Contains(t, said, replay.Redacted)
		}
	}
}

// rest is the random half of a secret.
func rest(s string) string { return s[len(s)/2:] }

// What is written in pieces is one secret all the same.
func TestASecretInPieces(t *testing.T) {
	secret := rand.Text()
	var got lines
	made := target(t, command.Options{Output: got.add, Env: []string{"PIECES=" + secret}, Secret: secret}, "pieces")
	a := made.Send(t.Context(), delivery(body))
	require.True(t, a.OK(), a.Error)
	assert.Equal(t, "key: "+replay.Redacted+"\n", string(a.Body))
	assert.Equal(t, []string{"key: " + replay.Redacted}, got.texts())
}

func TestTheSecretIsInNoCommandLine(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // there is no /proc
	}
	secret := rand.Text()
	for _, file := range []string{"/proc/self/cmdline", "/proc/self/environ"} {
		a := target(t, command.Options{Secret: secret}, "cat", file).Send(t.Context(), delivery(body))
		require.True(t, a.OK(), a.Error)
		assert.NotContains(t, string(a.Body), secret)
		assert.Equal(t, file == "/proc/self/environ", strings.Contains(string(a.Body), replay.Redacted), file)
	}
}
