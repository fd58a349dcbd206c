package ngrok_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel/ngrok"
)

func TestFindToken(t *testing.T) {
	token := rand.Text()
	v2 := "version: \"2\"\nauthtoken: " + token + "\n"
	v3 := "version: 3\nagent:\n  authtoken: " + token + "\n  web_addr: false\nendpoints:\n  - name: x\n"
	for name, c := range map[string]struct {
		goos, file, text string
		want             bool
	}{
		"linux, version 3":   {goos: "linux", file: ".config/ngrok/ngrok.yml", text: v3, want: true},
		"linux, version 2":   {goos: "linux", file: ".config/ngrok/ngrok.yml", text: v2, want: true},
		"mac":                {goos: "darwin", file: "Library/Application Support/ngrok/ngrok.yml", text: v3, want: true},
		"windows":            {goos: "windows", file: "AppData/Local/ngrok/ngrok.yml", text: v3, want: true},
		"another system":     {goos: "darwin", file: ".config/ngrok/ngrok.yml", text: v3},
		"no token in it":     {goos: "linux", file: ".config/ngrok/ngrok.yml", text: "version: 3\n"},
		"empty":              {goos: "linux", file: ".config/ngrok/ngrok.yml"},
		"no YAML":            {goos: "linux", file: ".config/ngrok/ngrok.yml", text: "a: [\x00"},
		"something else":     {goos: "linux", file: ".config/ngrok/ngrok.yml", text: "- a\n- b\n"},
		"token of odd shape": {goos: "linux", file: ".config/ngrok/ngrok.yml", text: "authtoken: [a]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			file := filepath.Join(home, filepath.FromSlash(c.file))
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))

			got, source := ngrok.FindToken(func(string) string { return "" }, home, c.goos)
			if c.want {
				assert.Equal(t, token, got)
				assert.Equal(t, file, source)
			} else {
				assert.Empty(t, got)
				assert.Empty(t, source)
			}

			got, source = ngrok.FindToken(func(k string) string {
				return map[string]string{"NGROK_AUTHTOKEN": "from the environment"}[k]
			}, home, c.goos)
			assert.Equal(t, "from the environment", got)
			assert.Equal(t, "NGROK_AUTHTOKEN", source)
		})
	}

	t.Run("windows says where", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "ngrok", "ngrok.yml")
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(v3), 0o600))
		got, source := ngrok.FindToken(func(k string) string {
			return map[string]string{"LOCALAPPDATA": dir}[k]
		}, t.TempDir(), "windows")
		assert.Equal(t, token, got)
		assert.Equal(t, file, source)
	})

	t.Run("no file", func(t *testing.T) {
		got, source := ngrok.FindToken(func(string) string { return "" }, t.TempDir(), "linux")
		assert.Empty(t, got)
		assert.Empty(t, source)
	})
}
