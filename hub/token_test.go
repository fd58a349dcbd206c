package hub_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// put writes a file below home.
func put(t *testing.T, home, name, text string) string {
	t.Helper()
	file := filepath.Join(home, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

const usual = ".cache/huggingface/token"

func TestFindTokenInVariables(t *testing.T) {
	a, b := rand.Text(), rand.Text()
	for name, c := range map[string]struct {
		env          map[string]string
		want, source string // source "file": the token file
	}{
		"HF_TOKEN":                    {map[string]string{"HF_TOKEN": a}, a, "HF_TOKEN"},
		"the older name":              {map[string]string{"HUGGING_FACE_HUB_TOKEN": a}, a, "HUGGING_FACE_HUB_TOKEN"},
		"both":                        {map[string]string{"HF_TOKEN": a, "HUGGING_FACE_HUB_TOKEN": b}, a, "HF_TOKEN"},
		"blanks and line ends go":     {map[string]string{"HF_TOKEN": " \t" + a + "\r\n"}, a, "HF_TOKEN"},
		"line ends inside go":         {map[string]string{"HF_TOKEN": a[:5] + "\r\n" + a[5:]}, a, "HF_TOKEN"},
		"only blanks count as none":   {map[string]string{"HF_TOKEN": " \r\n"}, "in file", "file"},
		"which hides the older name":  {map[string]string{"HF_TOKEN": " ", "HUGGING_FACE_HUB_TOKEN": a}, "in file", "file"},
		"empty passes the older name": {map[string]string{"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": a}, a, "HUGGING_FACE_HUB_TOKEN"},
		"none":                        {nil, "in file", "file"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			file := put(t, home, usual, "in file")
			got, err := hub.FindToken(environment(c.env), home)
			require.NoError(t, err)
			if c.source == "file" {
				c.source = file
			}
			assert.Equal(t, c.want, string(got.Value))
			assert.Equal(t, c.source, got.Source)
		})
	}
}

func TestFindTokenFile(t *testing.T) {
	for name, c := range map[string]struct{ env, file string }{
		"usual":                  {"", usual},
		"XDG_CACHE_HOME":         {"XDG_CACHE_HOME=HOME/x", "x/huggingface/token"},
		"HF_HOME":                {"HF_HOME=HOME/h", "h/token"},
		"HF_HOME is first":       {"HF_HOME=HOME/h XDG_CACHE_HOME=HOME/x", "h/token"},
		"HF_TOKEN_PATH":          {"HF_TOKEN_PATH=HOME/t/mine", "t/mine"},
		"HF_TOKEN_PATH is first": {"HF_TOKEN_PATH=HOME/mine HF_HOME=HOME/h", "mine"},
		"~":                      {"HF_TOKEN_PATH=~/mine", "mine"},
		"~ in HF_HOME":           {"HF_HOME=~/h", "h/token"},
		"~ in XDG_CACHE_HOME":    {"XDG_CACHE_HOME=~/x", "x/huggingface/token"},
		"a variable":             {"HF_HOME=$BASE/h BASE=HOME", "h/token"},
		"one in braces":          {"HF_TOKEN_PATH=${BASE}/mine BASE=HOME", "mine"},
		"one that is not set":    {"HF_TOKEN_PATH=HOME/$NONE/mine", "$NONE/mine"},
		"empty is not set":       {"HF_HOME= XDG_CACHE_HOME= HF_TOKEN_PATH=", usual},
		"staging":                {"HUGGINGFACE_CO_STAGING=yes HF_HOME=HOME/h", ".cache/huggingface_staging/token"},
	} {
		t.Run(name, func(t *testing.T) {
			home, token := t.TempDir(), rand.Text()
			env := map[string]string{}
			for pair := range strings.FieldsSeq(c.env) {
				key, value, _ := strings.Cut(pair, "=")
				env[key] = strings.ReplaceAll(value, "HOME", home)
			}
			got, err := hub.FindToken(environment(env), home)
			require.NoError(t, err)
			assert.Empty(t, got, "before there is a file")

			file := put(t, home, c.file, token+"\n")
			got, err = hub.FindToken(environment(env), home)
			require.NoError(t, err)
			assert.Equal(t, token, string(got.Value))
			assert.Equal(t, file, filepath.Clean(got.Source))
		})
	}
}

func TestFindTokenInBadFiles(t *testing.T) {
	none := environment(nil)
	t.Run("empty", func(t *testing.T) {
		home := t.TempDir()
		put(t, home, usual, " \r\n\n")
		got, err := hub.FindToken(none, home)
		require.NoError(t, err)
		assert.Empty(t, got)
	})
	t.Run("a folder", func(t *testing.T) {
		home := t.TempDir()
		file := filepath.Dir(put(t, home, usual+"/x", ""))
		got, err := hub.FindToken(none, home)
		require.Error(t, err)
		assert.Contains(t, err.Error(), file)
		assert.Empty(t, got)
	})
	t.Run("only stored tokens", func(t *testing.T) {
		home := t.TempDir()
		put(t, home, ".cache/huggingface/stored_tokens", "[a]\nhf_token = "+rand.Text()+"\n")
		got, err := hub.FindToken(none, home)
		require.NoError(t, err)
		assert.Empty(t, got)
	})
}

func TestStoredTokens(t *testing.T) {
	now := time.Now()
	token, other := rand.Text(), rand.Text()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, c := range map[string]struct {
		ini         string
		called      string
		expires     time.Time
		refreshable bool
		expired     bool
	}{
		"a static token": {ini: "[work]\nhf_token = " + token + "\n", called: "work"},
		"among others": {ini: "[a]\nhf_token = " + other + "\nrefresh_token = r\n\n[my laptop]\nhf_token=" + token + "\n[z]\nhf_token = " + other + "\n",
			called: "my laptop"},
		"a login that lives": {ini: fmt.Sprintf("[login]\nhf_token = %s\nrefresh_token = r\nexpires_at = %d\n", token, at(time.Hour)),
			called: "login", expires: time.Unix(at(time.Hour), 0), refreshable: true},
		"a login that ended": {ini: fmt.Sprintf("[login]\nexpires_at: %d\nHF_TOKEN: %s\nrefresh_token: r\n", at(-time.Hour), token),
			called: "login", expires: time.Unix(at(-time.Hour), 0), refreshable: true, expired: true},
		"ended and not refreshable": {ini: fmt.Sprintf("[login]\nhf_token = %s\nexpires_at = %d\n", token, at(-time.Hour)),
			called: "login", expires: time.Unix(at(-time.Hour), 0), expired: true},
		"twice":           {ini: "[first]\nhf_token = " + token + "\n[second]\nhf_token = " + token + "\nrefresh_token = r\n", called: "first"},
		"comments and CR": {ini: "# mine\r\n; too\r\n[work]\r\nhf_token = " + token + "\r\n", called: "work"},
		"another token":   {ini: "[work]\nhf_token = " + other + "\n"},
		"no time":         {ini: "[work]\nhf_token = " + token + "\nexpires_at = soon\n", called: "work"},
		"no section":      {ini: "hf_token = " + token + "\n"},
		"not INI":         {ini: "{\"hf_token\": \x00[[\n=\n:\n["},
		"empty":           {},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			put(t, home, usual, token)
			put(t, home, ".cache/huggingface/stored_tokens", c.ini)
			got, err := hub.FindToken(environment(nil), home)
			require.NoError(t, err)
			assert.Equal(t, token, string(got.Value))
			assert.Equal(t, c.called, got.Name)
			assert.Equal(t, c.refreshable, got.Refreshable)
			assert.True(t, c.expires.Equal(got.Expires), "%s", got.Expires)
			assert.Equal(t, c.expired, got.Expired(now))
		})
	}
}

func TestFindEndpoint(t *testing.T) {
	for _, c := range []struct {
		env              map[string]string
		endpoint, source string
	}{
		{nil, "https://huggingface.co", ""},
		{map[string]string{"HF_ENDPOINT": "https://hub.example.com"}, "https://hub.example.com", "HF_ENDPOINT"},
		{map[string]string{"HF_ENDPOINT": " http://127.0.0.1:5564/base// "}, "http://127.0.0.1:5564/base", "HF_ENDPOINT"},
		{map[string]string{"HF_ENDPOINT": " / "}, "https://huggingface.co", ""},
		{map[string]string{"HUGGINGFACE_CO_STAGING": "1"}, "https://hub-ci.huggingface.co", "HUGGINGFACE_CO_STAGING"},
		{map[string]string{"HUGGINGFACE_CO_STAGING": "true", "HF_ENDPOINT": "https://hub.example.com"}, "https://hub-ci.huggingface.co", "HUGGINGFACE_CO_STAGING"},
		{map[string]string{"HUGGINGFACE_CO_STAGING": "0", "HF_ENDPOINT": "https://hub.example.com"}, "https://hub.example.com", "HF_ENDPOINT"},
	} {
		endpoint, source := hub.FindEndpoint(environment(c.env))
		assert.Equal(t, c.endpoint, endpoint, "%v", c.env)
		assert.Equal(t, c.source, source, "%v", c.env)
	}
}

func TestFindOffline(t *testing.T) {
	for value, want := range map[string]bool{"1": true, "ON": true, "yes": true, "True": true, "0": false, "": false, "off": false, "2": false} {
		got := hub.FindOffline(environment(map[string]string{"HF_HUB_OFFLINE": value}))
		assert.Equal(t, want, got == "HF_HUB_OFFLINE", "%q gave %q", value, got)
	}
	assert.Equal(t, "TRANSFORMERS_OFFLINE", hub.FindOffline(environment(map[string]string{"TRANSFORMERS_OFFLINE": "1"})))
	assert.Empty(t, hub.FindOffline(environment(map[string]string{"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"})))
}

func TestPercentIsForWindows(t *testing.T) {
	env := environment(map[string]string{"BASE": "base"})
	assert.Equal(t, filepath.Join("base", "x", "$NONE%NONE%"), filepath.FromSlash(hub.ExpandPath("%BASE%/x/$NONE%NONE%", env, "home", "windows")))
	assert.Equal(t, "%BASE%/base", hub.ExpandPath("%BASE%/$BASE", env, "home", "linux"))
	assert.Equal(t, "~other/x", hub.ExpandPath("~other/x", env, "home", runtime.GOOS))
	assert.Equal(t, "home", hub.ExpandPath("~", env, "home", runtime.GOOS))
}
