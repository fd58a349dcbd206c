package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// harm is what a stranger writes to steer a terminal, to hide something or to
// make it look as if hfhook said it. In headers and paths only harmLine fits.
const (
	harmLine = "x\x9b31m\u009b31m\u0090q\u202egnp.exe\u2066\u200b\u2028\ufeff\xff\u00ad" // as in 8 bit, and in UTF-8
	harm     = "y\x1b[2J\x1b]52;c;ZXZpbA==\a\x1b]8;;http://evil\x1b\\\r\b\b\x7f\t\v\f\x00" + harmLine + "\nforged: #1 200 OK\nforged\r\nhfhook: forged\n"
)

// withHarm gives a body in which every string says harm, beside what it said.
func withHarm(t *testing.T, body []byte, but ...string) []byte {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(body, &v))
	var change func(path string, v any) any
	change = func(path string, v any) any {
		switch v := v.(type) {
		case map[string]any:
			out := map[string]any{}
			for key, item := range v {
				out[key] = change(path+"."+key, item)
			}
			if path != "" {
				out[harm+path] = harm
			}
			return out
		case []any:
			for i := range v {
				v[i] = change(path, v[i])
			}
		case string:
			if !slices.Contains(but, path) {
				return v + harm
			}
		}
		return v
	}
	text, err := json.Marshal(change("", v))
	require.NoError(t, err)
	// Bytes that are no UTF-8 do not come through an encoder.
	return bytes.ReplaceAll(text, []byte(`\ufffd31m`), []byte("\x9b31m"))
}

// assertHarmless finds what a terminal obeys, and lines that strangers made.
func assertHarmless(t *testing.T, name, text string) {
	t.Helper()
	text = strings.ReplaceAll(text, "\r\n", "\n") // of a terminal
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 || r != '\n' && unicode.Is(unicode.Cc, r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) ||
			r == '\u200b' || r == '\ufeff' || r == '\u00ad' {
			t.Errorf("%s: %U comes out: %q", name, r, text[max(0, i-60):min(len(text), i+20)])
			return
		}
	}
	assert.NotRegexp(t, `(?m)^\s*(hfhook: )?forged`, text, name)
}

// serveRaw answers each request with these bytes.
func serveRaw(t *testing.T, answer string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Read(make([]byte, 64<<10))
				_, _ = io.WriteString(c, answer)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func postRaw(t *testing.T, address, head string, body []byte) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = fmt.Fprintf(c, "%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", head, len(body), body)
	require.NoError(t, err)
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(answer)
}

// Deliveries in which everything is out to harm go through every command.
func TestStrangersTextIsHarmlessEverywhere(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	handler := serveRaw(t, "HTTP/1.1 500 "+harmLine+"\r\nX-"+"Harm: "+harmLine+"\r\nLocation: /"+harmLine+"\r\nContent-Length: "+fmt.Sprint(len(harm))+"\r\n\r\n"+harm)
	broken := serveRaw(t, "HTTP/1.1 "+harm+"\r\n\r\n")
	require.NoError(t, os.WriteFile(filepath.Join(home, "out"), []byte(harm), 0o600))
	env := slices.Concat(os.Environ(), homeEnv(home), []string{"NO_COLOR=1", "TERM=xterm"})
	begin := func(t *testing.T, args ...string) *process {
		t.Helper()
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "\x00", "") // which no argument can have
		}
		p, err := launch(t.Cleanup, env, home, "hfhook", args...)
		require.NoError(t, err)
		return p
	}
	run := func(t *testing.T, args ...string) {
		t.Helper()
		p := begin(t, args...)
		_, err := p.end(nil)
		require.NoError(t, err)
		assertHarmless(t, fmt.Sprintf("%q", args), p.out.String()+p.err.String())
	}

	bodies := [][]byte{[]byte("{" + harm), []byte(harm), withHarm(t, samples(t)["discussion.create.model.composed.json"])}
	for name, sample := range samples(t) {
		if strings.Contains(name, "composed") {
			bodies = append(bodies, withHarm(t, sample, ".event.scope", ".event.action", ".repo.type", ".discussion.status", ".updatedFiles.action"))
		}
	}
	dev := begin(t, "dev", "--no-secret", "--verbose", "--tunnel", "none", "--listen", "127.0.0.1:0", "--forward", handler, "--forward", broken, "--exec", "cat out")
	found, err := dev.await(&dev.err, `^URL +http://([^/]+)/`, 1)
	require.NoError(t, err)
	local := found[1]
	for i, body := range bodies {
		head := fmt.Sprintf("POST /webhooks/%s?q=%s&n=%d HTTP/1.1\r\nHost: x\r\nWebhook-Id: %d%s\r\nUser-Agent: %s\r\n", harmLine, harmLine, i, i, harmLine, harmLine)
		if answer := postRaw(t, local, head, body); i > 2 {
			assert.Contains(t, answer, " 200 OK")
		}
	}
	_ = postRaw(t, local, "POST /webhooks/dev HTTP/1.1\r\nHost: "+harmLine+"\r\n", []byte("{}"))
	_ = postRaw(t, local, harmLine+" / HTTP/1.1\r\nHost: x\r\n", nil)
	_, err = dev.await(&dev.out, `(?:→|✗) #\d+`, 3*(len(bodies)-2))
	require.NoError(t, err)
	assertHarmless(t, "hfhook dev", dev.out.String()+dev.err.String())

	var courses [][][]string // each is one command after the other
	for i := range bodies {
		id := fmt.Sprint(i + 1)
		courses = append(courses, [][]string{
			{"inspect", id}, {"inspect", "--json", id}, {"inspect", "--curl", "--to", handler, id},
			{"replay", "--to", handler, "--verdict", "accepted", "--set", "a=" + harm, id},
		})
	}
	courses = append(courses, [][]string{
		{"replay", "--golden", "g.json", "--update-golden", "--to", handler, "4..6"}, {"replay", "--golden", "g.json", "--to", handler, "4..6"},
	}, [][]string{
		{"export", "--output", "texts/"}, {"import", "--store", "other.db", "texts"},
		{"import", "--store", "other.db", "f" + harmLine + "\nforged.ndjson"}, {"inspect", "--store", "other.db", "1"},
	})
	require.NoError(t, os.WriteFile(filepath.Join(home, "f"+harmLine+"\nforged.ndjson"), []byte(harm), 0o600))
	for _, args := range [][]string{
		{"inspect"}, {"inspect", "--json"}, {"inspect", "--filter", "repo=" + harm}, {"inspect", "--filter", harm}, {"inspect", "--store", "no" + harm}, {"inspect", harm},
		{"replay", "--dry-run", "3..last"}, {"replay", "--json", "--to", handler, "3..last"}, {"replay", "--compare", "--to", handler, "4"}, {"replay", "--to", broken, "4"},
		{"replay", "--compare-to", handler, "--to", broken, "5"}, {"replay", "--exec", "cat out", "6"}, {"replay", "--edit", "4"},
		{"replay", "--to", "http://" + harm, "4"},
		{"trigger", "--to", handler, "trap.*"}, {"trigger", "--print", "trap.*"}, {"trigger", harm}, {"trigger", "--list"}, {"check", "--only", "types", handler}, {"check", "--json", "--only", "types", handler},
		{"export"}, {"export", "--format", "har"}, {"export", "--format", "curl"}, {"export", "--format", "text", "4"}, {"export", "--output", harmLine + ".x"}, {"nothing" + harm}, {"dev", "--" + harm},
		{"dev", "--forward", "http://localhost if " + harm}, {"dev", "--forward", harm, "x"}, {"webhooks", "show", harm}, {"doctor", "--tunnel", "none"},
	} {
		courses = append(courses, [][]string{args})
	}
	t.Run("commands", func(t *testing.T) { // few at once, as -parallel says
		for i, course := range courses {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for _, args := range course {
					run(t, args...)
				}
			})
		}
	})
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		for _, word := range []string{"", "1", "last"} {
			words := []string{"replay", word}
			if shell == "bash" {
				words = []string{"hfhook replay " + word}
			}
			cmd := typingIn(shell, words...)
			cmd.Env, cmd.Dir = env, home
			out, err := cmd.Output()
			require.NoError(t, err)
			require.Contains(t, string(out), `\x1b[2J`, "what a delivery is about, for %s", shell)
			assertHarmless(t, shell, strings.ReplaceAll(string(out), "\t", " "))
		}
	}
	for path, text := range filesBelow(t, filepath.Join(home, "texts")) {
		assertHarmless(t, path, text)
	}
	require.NoError(t, os.WriteFile(filepath.Join(home, settingsName), []byte(fmt.Sprintf("%q: 1\n", "k"+harm)), 0o600))
	run(t, "inspect")
	require.NoError(t, os.Remove(filepath.Join(home, settingsName)))
	code, err := dev.end(os.Interrupt)
	require.NoError(t, err)
	assert.Zero(t, code)

	// The same on a terminal, with the page of the last one, and its filter.
	p, keyboard := onTerminal(t, []string{"BROWSER=true", "TERM=dumb"}, "dev", "--no-secret", "--tunnel", "none", "--listen", "127.0.0.1:0", "--forward", handler)
	found, err = p.await(&p.err, `^URL +http://([^/]+)/`, 1)
	require.NoError(t, err)
	for i, body := range bodies[3:] {
		require.Contains(t, postRaw(t, found[1], fmt.Sprintf("POST /webhooks/dev HTTP/1.1\r\nHost: x\r\nWebhook-Id: %d\r\n", i), body), " 200 OK")
	}
	_, err = p.await(&p.out, `(?:→|✗) #\d+`, len(bodies)-3)
	require.NoError(t, err)
	_, err = keyboard.WriteString("oyrq")
	require.NoError(t, err)
	_, err = p.end(nil)
	require.NoError(t, err)
	assertHarmless(t, "hfhook dev, deliveries", p.out.String())
	assertHarmless(t, "hfhook dev, on a terminal", p.err.String())
}
