package tunnel_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
)

type shy string

func (shy) String() string { return "HIDDEN" }

func TestRedactedLogHoldsNoSecret(t *testing.T) {
	token, cookie := rand.Text(), rand.Text()
	var b bytes.Buffer
	l := tunnel.NewRedactor(token, "", cookie).
		Logger(slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	l = l.With("with", token).WithGroup("group").With("err", fmt.Errorf("bad %s", cookie))
	l.Debug("message "+token,
		"text", "x"+cookie+"y",
		"struct", struct {
			Token shy
			Map   map[string]string
		}{shy(token), map[string]string{"a": cookie}},
		"bytes", []byte("<"+token+">"),
		slog.Group("inner", "deep", token, slog.Group("er", "deeper", cookie)),
		"valuer", valuer(token),
		"number", 7, "pause", time.Second)

	assert.NotContains(t, b.String(), token)
	assert.NotContains(t, b.String(), cookie)
	assert.Contains(t, b.String(), `"with":"[redacted]"`)
	assert.Contains(t, b.String(), `"text":"x[redacted]y"`)
	assert.Contains(t, b.String(), `"number":7`, "what is no text stays as it is")
	assert.Contains(t, b.String(), `"struct":"{Token:HIDDEN Map:map[a:[redacted]]}"`)
	assert.Contains(t, b.String(), `"bytes":"<[redacted]>"`)

	assert.NotPanics(t, func() { tunnel.NewRedactor(token).Logger(nil).Error("x") })
}

type valuer string

func (v valuer) LogValue() slog.Value { return slog.StringValue(string(v)) }

func TestRedactedErrorDoesNotLeadBack(t *testing.T) {
	token := rand.Text()
	r := tunnel.NewRedactor(token)
	err := r.Error(fmt.Errorf("refused %s: %w", token, io.EOF))
	require.EqualError(t, err, "refused [redacted]: EOF")
	assert.NotContains(t, fmt.Sprintf("%#v", err), token)
	assert.NoError(t, errors.Unwrap(err))

	harmless := fmt.Errorf("broken: %w", io.EOF)
	assert.Equal(t, harmless, r.Error(harmless), "no secret, no change")
	assert.NoError(t, r.Error(nil))
}

func TestBackoff(t *testing.T) {
	top := 500 * time.Millisecond
	for n := range 100 {
		highest := time.Duration(0)
		for range 500 {
			d := tunnel.Backoff(n)
			require.GreaterOrEqual(t, d, time.Duration(0))
			require.Less(t, d, top)
			highest = max(highest, d)
		}
		assert.Greater(t, highest, top/2, "the whole range is used")
		top = min(2*top, 30*time.Second)
	}
}
