package hub_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

// once answers every request the same way.
type once func(http.ResponseWriter)

func (f once) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	f(w)
	return w.Result(), nil
}

// Whatever answers, its words are one line, short and printable, and do not
// repeat the token.
func FuzzAnswer(f *testing.F) {
	const token = "hf_0123456789abcdefghijklmnopqrstuvwx"
	f.Add(200, "application/json", "", `{"webhook":{"id":"x","disabled":true,"job":{"secrets":["A"]}}}`)
	f.Add(400, "application/json", "no\x1b[31m", `{"error":["one","two"],"errors":[{"message":"`+token+`"}]}`)
	f.Add(404, "text/html", token, `<html>`)
	f.Add(307, "text/plain", "hf_0123456789\u200babcdefghijklmnopqrstuvwx", "\xff\n\u202e")
	f.Fuzz(func(t *testing.T, status int, media, header, body string) {
		if status < 200 || status > 999 || status == http.StatusTooManyRequests {
			return
		}
		c, err := hub.New(hub.Options{Token: hub.Token{Value: token}, Transport: once(func(w http.ResponseWriter) {
			for _, name := range []string{"X-Error-Message", "X-Error-Code", "X-Request-Id", "Location", "Retry-After", "RateLimit"} {
				w.Header().Set(name, header)
			}
			w.Header().Set("Content-Type", media)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})})
		require.NoError(t, err)
		w, err := c.Disable(t.Context(), id) // not made again
		if err == nil {
			require.NotEmpty(t, w.ID)
			return
		}
		e := asError(t, err)
		for _, text := range []string{e.Error(), e.Hint, e.Message, e.Code, e.RequestID} {
			require.True(t, utf8.ValidString(text))
			require.False(t, strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", text)
			require.NotContains(t, text, token)
			require.Less(t, utf8.RuneCountInString(text), 2000)
		}
	})
}
