package compare_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/compare"
)

func TestGoldenThereAndBack(t *testing.T) {
	cookie := rand.Text()
	deliveries := []*replay.Delivery{
		{ID: 1, WebhookID: "w-1", Summary: `PR #19 "x" opened`},
		{ID: 2},
		{ID: 3, WebhookID: "w-3"},
		{ID: 4, WebhookID: "w-4"},
		{ID: 5, WebhookID: "w-5"},
	}
	answers := []*replay.Attempt{
		{Status: 200, Duration: time.Second, Body: []byte(`{"b":1e2,"a":[12345678901234567890]}`), Header: http.Header{
			"Content-Type": {"application/json"}, "X-Many": {"1", "2"}, "X-Bad": {"\xff"}, "Date": {"now"}, "Set-Cookie": {"session=" + cookie},
		}},
		{Status: 422, Body: []byte("line <one>\r\nline two\n")},
		{Status: 200, Body: []byte("\xff\x00")},
		{Exit: new(0), Body: []byte("5")},
		{Status: 204},
	}
	var g compare.Golden
	for i, d := range deliveries {
		require.NoError(t, g.Expect(d, answers[i]))
	}
	var file bytes.Buffer
	_, err := g.WriteTo(&file)
	require.NoError(t, err)
	assert.NotContains(t, file.String(), cookie)
	assert.Contains(t, file.String(), `"w-1": {
      "delivery": "PR #19 \"x\" opened",
      "status": 200,
      "headers": {
        "Content-Type": "application/json",
        "X-Bad": "\\xff",
        "X-Many": [
          "1",
          "2"
        ]
      },
      "json": {
        "b": 1e2,
        "a": [
          12345678901234567890
        ]
      }
    }`)
	assert.Contains(t, file.String(), `"#2": {
      "status": 422,
      "text": [
        "line <one>\r",
        "line two",
        ""
      ]
    }`)

	text := file.String()
	read, err := compare.ReadGolden(strings.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, len(deliveries), read.Len())
	for i, d := range deliveries {
		difference, ok := read.Compare(d, answers[i], compare.Options{})
		require.True(t, ok)
		assert.Empty(t, differences(difference), d.ID)
	}
	var again bytes.Buffer
	_, err = read.WriteTo(&again)
	require.NoError(t, err)
	assert.Equal(t, text, again.String())

	difference, ok := read.Compare(deliveries[0], answers[1], compare.Options{})
	require.True(t, ok)
	assert.Contains(t, differences(difference), "~ status 200 422\n")
	_, ok = read.Compare(&replay.Delivery{ID: 99}, answers[0], compare.Options{})
	assert.False(t, ok)
}

func TestGoldenExpectsAnswersOnly(t *testing.T) {
	var g compare.Golden
	d := &replay.Delivery{ID: 7}
	for _, a := range []*replay.Attempt{{Failure: replay.FailRefused}, {Status: 200, Failure: replay.FailBroken}, {}} {
		require.EqualError(t, g.Expect(d, a), "delivery 7 got no complete answer, so none is expected")
	}
	assert.Zero(t, g.Len())
	var file bytes.Buffer
	_, err := g.WriteTo(&file)
	require.NoError(t, err)
	assert.JSONEq(t, `{"v":1,"answers":{}}`, file.String())
}

func TestGoldenFilesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "EOF",
		"{":                           "unexpected EOF",
		`{"v":2,"answers":{}}`:        "its version is 2, this one knows 1",
		`{"answers":{}}`:              "its version is 0, this one knows 1",
		`{"v":1} x`:                   "it goes on after its JSON object",
		`{"v":1,"answer":{}}`:         `unknown field "answer"`,
		`{"v":1,"answers":{"a":[1]}}`: "cannot unmarshal array",
		`{"v":1,"answers":{"a":{"headers":{"X":1}}}}`: "cannot unmarshal number",
	} {
		_, err := compare.ReadGolden(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

// FuzzGolden looks for files that panic, and at those that are taken: what is
// written then reads the same.
func FuzzGolden(f *testing.F) {
	f.Add([]byte(`{"v":1,"answers":{"a":{"status":200,"headers":{"X":["1","2"],"y":"z"},"json":null},"b":{"exit":0,"text":["a"]}}}`))
	f.Add([]byte(`{"v":1,"answers":{"":{"base64":"/w==","cut":true}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		g, err := compare.ReadGolden(bytes.NewReader(text))
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		_, err = g.WriteTo(&once)
		require.NoError(t, err)
		again, err := compare.ReadGolden(bytes.NewReader(once.Bytes()))
		require.NoError(t, err)
		_, err = again.WriteTo(&twice)
		require.NoError(t, err)
		assert.Equal(t, once.String(), twice.String())
		for _, id := range []string{"a", "b"} {
			d := &replay.Delivery{WebhookID: id}
			if difference, ok := g.Compare(d, &replay.Attempt{Status: 1}, compare.Options{}); ok {
				other, _ := again.Compare(d, &replay.Attempt{Status: 1}, compare.Options{})
				assert.Equal(t, differences(difference), differences(other))
			}
		}
	})
}
