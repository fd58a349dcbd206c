package command_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/command"
)

// noRace keeps a program with the race detector from sleeping when it ends.
var noRace = []string{"GORACE=atexit_sleep_ms=0"}

const body = `{"event":{"action":"update","scope":"repo.content"},"repo":{"type":"dataset","name":"acme/tea"},"webhook":{"version":3}}`

func delivery(body string) *replay.Delivery {
	return &replay.Delivery{
		ID: 17, Method: "POST", Path: "/webhooks/dev", Body: []byte(body), BodySize: int64(len(body)),
		Header: http.Header{replay.HeaderWebhookID: {"one-17"}, replay.HeaderSecret: {replay.Redacted}},
	}
}

// target runs this test binary, which performs.
func target(t *testing.T, o command.Options, act ...string) *command.Target {
	t.Helper()
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	o.Env = append(slices.Clone(o.Env), noRace...)
	made, err := command.New(append([]string{os.Args[0], "perform"}, act...), o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, made.Close()) })
	return made
}

// told is what a program was given.
func told(t *testing.T, o command.Options, d *replay.Delivery, args ...string) seen {
	t.Helper()
	a := target(t, o, append([]string{"tell"}, args...)...).Send(t.Context(), d)
	require.True(t, a.OK(), "%s %s", a.Error, a.Body)
	var s seen
	require.NoError(t, json.Unmarshal(a.Body, &s), string(a.Body))
	return s
}

func (s seen) env() map[string]string {
	env := map[string]string{}
	for _, entry := range s.Env {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}

func sum(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func TestTheEnvironmentIsThatOfAJobAndNothingElse(t *testing.T) {
	for _, name := range []string{
		"HF_TOKEN", "WEBHOOK_SECRET", "WEBHOOK_PAYLOAD", "WEBHOOK_PAYLOAD_FILE", "NGROK_AUTHTOKEN", "HFHOOK_SECRET",
		"LD_LIBRARY_PATH", "PYTHONPATH", "SOMETHING_ELSE",
	} {
		t.Setenv(name, rand.Text())
	}
	t.Setenv("NAMED", "a=b c")
	t.Setenv("LC_MESSAGES", "C")
	t.Setenv("TZ", "UTC")
	secret := rand.Text()
	s := told(t, command.Options{
		Secret: secret,
		Env:    []string{"NAMED", "NOT_SET_HERE", "SET=x=y", "EMPTY=", "TZ=Asia/Tokyo"},
	}, delivery(body))
	assert.Equal(t, sum(body), s.Stdin)
	assert.Equal(t, sum(body), s.File)
	assert.Equal(t, sum(body), s.Payload)
	assert.Equal(t, sum(secret), s.Secret)
	env := s.env()
	for name, want := range map[string]string{
		"WEBHOOK_REPO_ID": "acme/tea", "WEBHOOK_REPO_TYPE": "dataset", "WEBHOOK_ID": "one-17", "WEBHOOK_SECRET": replay.Redacted,
		"NAMED": "a=b c", "SET": "x=y", "EMPTY": "", "TZ": "Asia/Tokyo", "PATH": os.Getenv("PATH"),
	} {
		got, ok := env[name]
		assert.True(t, ok, name)
		assert.Equal(t, want, got, name)
	}
	if runtime.GOOS == "windows" {
		for _, name := range []string{"HF_TOKEN", "NGROK_AUTHTOKEN", "HFHOOK_SECRET", "SOMETHING_ELSE", "PYTHONPATH"} {
			assert.NotContains(t, env, name)
		}
		return
	}
	assert.Equal(t, fs.FileMode(0o600), s.Mode)
	assert.Equal(t, "C", env["LC_MESSAGES"])
	for name := range env {
		known := []string{
			"WEBHOOK_PAYLOAD_FILE", "WEBHOOK_REPO_ID", "WEBHOOK_REPO_TYPE", "WEBHOOK_SECRET", "WEBHOOK_ID",
			"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
			"NAMED", "SET", "EMPTY", "GORACE",
		}
		assert.True(t, strings.HasPrefix(name, "LC_") || slices.Contains(known, name), name)
	}
}

func TestWhatIsNotKnownIsNotSet(t *testing.T) {
	for _, text := range []string{"", "no JSON", "[]", `{"repo":{"name":"a\u0000b","type":""}}`} {
		d := delivery(text)
		d.Header = nil
		env := told(t, command.Options{}, d).env()
		for _, name := range []string{"WEBHOOK_REPO_ID", "WEBHOOK_REPO_TYPE", "WEBHOOK_SECRET", "WEBHOOK_ID"} {
			assert.NotContains(t, env, name, text)
		}
	}
}

// What is sent counts, and not what was kept.
func TestAnEditedDelivery(t *testing.T) {
	edited := strings.ReplaceAll(body, "acme/tea", "acme/coffee")
	store, d := kept(t, body)
	a, err := replay.ResendEdited(t.Context(), store, target(t, command.Options{}, "tell"), d,
		replay.Sent{Header: http.Header{replay.HeaderWebhookID: {"other"}}, Body: []byte(edited)})
	require.NoError(t, err)
	var s seen
	require.NoError(t, json.Unmarshal(a.Body, &s))
	assert.Equal(t, sum(edited), s.Payload)
	assert.Equal(t, "acme/coffee", s.env()["WEBHOOK_REPO_ID"])
	assert.Equal(t, "other", s.env()["WEBHOOK_ID"])
}

func TestPayloadsThatAreNoVariable(t *testing.T) {
	o := command.Options{Folder: t.TempDir()}
	const longest = 128<<10 - len("WEBHOOK_PAYLOAD=") - 1
	for name, tt := range map[string]struct {
		body string
		set  bool
	}{
		"empty":      {"", true},
		"any bytes":  {"\xff\xfe \r\n\x1b[2J ' \" \\ $(id)", runtime.GOOS != "windows"},
		"NUL":        {"{\"a\":\"\x00\"}", false},
		"as long":    {strings.Repeat("x", longest), runtime.GOOS != "windows"},
		"one more":   {strings.Repeat("x", longest+1), false},
		"a megabyte": {strings.Repeat("y", 1<<20), false},
		"20 MB":      {strings.Repeat("z", 20<<20), false},
	} {
		s := told(t, o, delivery(tt.body))
		assert.Equal(t, sum(tt.body), s.Stdin, name)
		assert.Equal(t, sum(tt.body), s.File, name)
		if tt.set {
			assert.Equal(t, sum(tt.body), s.Payload, name)
		} else {
			assert.Empty(t, s.Payload, name)
		}
		left, err := filepath.Glob(filepath.Join(o.Folder, "*", "payload*"))
		require.NoError(t, err)
		assert.Empty(t, left, name)
	}
}

// Nobody reads what the payload says as a command.
func TestStrangersTextRunsNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	var words []string
	for _, text := range []string{"$(touch x)", "`touch x`", "; touch x", "\ntouch x\n", "' ; touch x '", `" ; touch x "`, "() { :; }; touch x", "| touch x", "%PATH% & copy a x"} {
		encoded, err := json.Marshal(map[string]any{"repo": map[string]string{"name": text, "type": text}, "discussion": map[string]string{"title": text}})
		require.NoError(t, err)
		d := delivery(string(encoded))
		s := told(t, command.Options{}, d, "$(touch x)", "; touch x", "*")
		assert.Equal(t, text, s.env()["WEBHOOK_REPO_ID"])
		words = s.Args
	}
	assert.Equal(t, []string{"$(touch x)", "; touch x", "*"}, words)
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestHowItEnded(t *testing.T) {
	a := target(t, command.Options{}, "exit", "0").Send(t.Context(), delivery(body))
	assert.True(t, a.OK())
	assert.Equal(t, new(0), a.Exit)
	assert.Zero(t, a.Status)
	assert.Empty(t, a.Body)

	a = target(t, command.Options{}, "exit", "3").Send(t.Context(), delivery(body))
	assert.False(t, a.OK())
	assert.Equal(t, new(3), a.Exit)
	assert.Empty(t, a.Failure)

	if runtime.GOOS != "windows" { // which has no signals
		a = target(t, command.Options{}, "die").Send(t.Context(), delivery(body))
		assert.False(t, a.OK())
		assert.Nil(t, a.Exit)
		assert.Equal(t, replay.FailOther, a.Failure)
		assert.Equal(t, "the command was ended by a signal: killed", a.Error)
	}
}

func TestWhatNewRefuses(t *testing.T) {
	secret := rand.Text()
	for name, tt := range map[string]struct {
		argv []string
		o    command.Options
		want string
	}{
		"nothing":          {nil, command.Options{}, "there is no command"},
		"an empty word":    {[]string{""}, command.Options{}, "there is no command"},
		"a NUL":            {[]string{os.Args[0], "a\x00"}, command.Options{}, "a word of the command has a NUL in it"},
		"no variable":      {[]string{os.Args[0]}, command.Options{Env: []string{"=x"}}, `"" is no variable`},
		"a pattern":        {[]string{os.Args[0]}, command.Options{Env: []string{"A*"}}, `"A*" is no variable`},
		"one of ours":      {[]string{os.Args[0]}, command.Options{Env: []string{"WEBHOOK_SECRET=x"}}, "the variable WEBHOOK_SECRET is set for each delivery"},
		"one of ours, too": {[]string{os.Args[0]}, command.Options{Env: []string{"WEBHOOK_PAYLOAD"}}, "the variable WEBHOOK_PAYLOAD is set for each delivery"},
		"the secret":       {[]string{os.Args[0], "--key=" + secret}, command.Options{Secret: secret}, command.ErrSecretShown.Error()},
		"a short secret":   {[]string{os.Args[0], "-k", "x"}, command.Options{Secret: "x"}, command.ErrSecretShown.Error()},
		"a token":          {[]string{os.Args[0], "Bearer " + secret}, command.Options{Hide: []string{secret}}, command.ErrSecretShown.Error()},
	} {
		_, err := command.New(tt.argv, tt.o)
		assert.EqualError(t, err, tt.want, name)
	}
	_, err := command.New([]string{os.Args[0], "testing"}, command.Options{Secret: "test"})
	assert.NoError(t, err, "a word that has a short secret in it by chance")
}

func TestThePrograms(t *testing.T) {
	_, err := command.New([]string{"no-such-program-" + rand.Text()}, command.Options{})
	assert.ErrorIs(t, err, exec.ErrNotFound)

	dir := t.TempDir()
	t.Chdir(dir)
	name := "here" + filepath.Ext(os.Args[0])
	require.NoError(t, os.WriteFile(name, []byte("no program"), 0o700))
	_, err = command.New([]string{name}, command.Options{})
	require.Error(t, err, "the current folder is not looked into")
	t.Setenv("PATH", "."+string(filepath.ListSeparator)+os.Getenv("PATH"))
	_, err = command.New([]string{name}, command.Options{})
	assert.ErrorIs(t, err, exec.ErrDot)

	// It is found, but cannot run; and then it is gone.
	made, err := command.New([]string{"." + string(filepath.Separator) + name}, command.Options{Folder: dir})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, made.Close()) })
	t.Chdir(t.TempDir())
	a := made.Send(t.Context(), delivery(body))
	assert.Equal(t, replay.FailOther, a.Failure)
	assert.Regexp(t, `^cannot start \S+here\S*: [^/\\]+$`, a.Error)
	require.NoError(t, os.Remove(filepath.Join(dir, name)))
	a = made.Send(t.Context(), delivery(body))
	assert.Equal(t, replay.FailOther, a.Failure)
	assert.Nil(t, a.Exit)
}

func TestTheName(t *testing.T) {
	for want, words := range map[string][]string{
		"":                           nil,
		" train.py --lr 0.1":         {"train.py", "--lr", "0.1"},
		` 'two words' '' 'it'\''s'`:  {"two words", "", "it's"},
		" '$(touch x)' '*' 'a\nb' ü": nil,
	} {
		if want != "" && words == nil {
			words = []string{"$(touch x)", "*", "a\nb"}
			want = " '$(touch x)' '*' 'a\nb'"
		}
		made, err := command.New(append([]string{os.Args[0]}, words...), command.Options{})
		require.NoError(t, err)
		assert.True(t, strings.HasSuffix(made.Name(), want), made.Name())
		assert.True(t, strings.HasPrefix(made.Name(), command.Prefix))
	}
}
