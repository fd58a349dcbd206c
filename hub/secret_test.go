package hub_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

func TestSecretsDoNotShow(t *testing.T) {
	text := rand.Text()
	client, err := hub.New(hub.Options{Token: hub.Token{Value: hub.Secret(text)}})
	require.NoError(t, err)
	token := hub.Token{Value: hub.Secret(text), Source: "HF_TOKEN"}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{token, &token, token.Value, &token.Value, hub.Options{Token: token}, client, *client} {
			fmt.Fprintf(&shown, verb, v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil)} {
		slog.New(h).Info("a", "token", token, "value", token.Value, "pointer", &token, "client", client)
	}
	b, err := json.Marshal(map[string]any{"token": token})
	require.NoError(t, err)
	shown.Write(b)
	assert.NotContains(t, shown.String(), text)
	assert.NotContains(t, shown.String(), fmt.Sprintf("%x", text))
	assert.Contains(t, shown.String(), "[redacted]")
	assert.Empty(t, fmt.Sprint(hub.Secret("")), "no secret is shown as none")
}
