package command_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/command"
)

// Whatever a delivery says becomes the value of the variable that it is for, byte
// for byte, or is left out. No argument, no other variable, and no word of a
// shell comes of it.
func TestADeliveryBecomesNoVariableAndNoWord(t *testing.T) {
	plain := told(t, command.Options{}, delivery(body), "one", "two")
	want := slices.Sorted(maps.Keys(plain.env()))
	for _, text := range []string{
		"$(touch evil)", "`touch evil`", "; touch evil", "a\nLD_PRELOAD=evil.so", "a\x00LD_PRELOAD=evil.so", "=x", "LD_PRELOAD=evil.so", "-rf", "--", "%n%s", `"'\`,
		"() { :; }; touch evil", "\xff\xfe", "\u202e", strings.Repeat("x", 200<<10), "PATH=evil",
	} {
		d := delivery(body)
		repo, err := json.Marshal(text)
		require.NoError(t, err)
		d.Body = []byte(strings.Replace(body, `"acme/tea"`, string(repo), 1))
		require.NotEqual(t, body, string(d.Body))
		d.Header = map[string][]string{
			replay.HeaderWebhookID: {text}, "Path": {text}, "Ifs": {text}, "Ld_preload": {text}, "Bash_func_x%%": {text}, "Bash_env": {text}, "Webhook_secret": {text},
		}
		d.Path, d.Query, d.WebhookID = "/"+text, text, text
		s := told(t, command.Options{}, d, "one", "two")
		assert.Equal(t, plain.Args, s.Args)
		assert.Equal(t, sum(string(d.Body)), s.Stdin)
		assert.Equal(t, sum(string(d.Body)), s.File)
		env := s.env()
		for name, value := range env {
			assert.Contains(t, want, name, "%.40q", text)
			if name == "WEBHOOK_ID" {
				var came string // as JSON carries it
				require.NoError(t, json.Unmarshal(repo, &came))
				assert.Equal(t, came, value)
			}
		}
		_, has := env["WEBHOOK_ID"]
		assert.Equal(t, len(text) < 128<<10-20 && !strings.Contains(text, "\x00"), has, "%.40q", text)
		assert.Equal(t, plain.env()["PATH"], env["PATH"])
	}
}
