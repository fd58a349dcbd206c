package archive_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
	"github.com/hfhook/hfhook/replay/memory"
)

// assertImportable reads what may be a file. What is in it can be imported and
// exported in every format; what comes out is harmless, and imported elsewhere
// and exported again it is the same, byte for byte.
func assertImportable(t *testing.T, file []byte) {
	t.Helper()
	for d, err := range archive.Read(bytes.NewReader(file)) {
		if err != nil {
			_, ofFile := errors.AsType[*archive.FormatError](err)
			require.True(t, ofFile || errors.Is(err, archive.ErrUnknown), "%v", err)
			return
		}
		for _, text := range []string{d.Summary, d.Reason} {
			require.Equal(t, text, payload.Printable(text))
		}
		archive.SetTime(d, start)
		here := memory.New()
		importer, err := archive.NewImporter(t.Context(), here)
		require.NoError(t, err)
		id, err := importer.Add(t.Context(), d)
		require.NoError(t, err)
		kept, err := here.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, d.Body, kept.Body)
		require.Empty(t, kept.Queued)

		for _, format := range []archive.Format{archive.NDJSON, archive.HAR, archive.Curl} {
			there := memory.New()
			file := export(t, here, format)
			require.Equal(t, string(file), payload.PrintableLines(string(file)), format)
			require.Equal(t, 1, importAll(t, there, file), "%s", file)
			require.Equal(t, string(file), string(export(t, there, format)))
			sameBodies(t, here, there)
		}
		text := func(d *replay.Delivery) string {
			var file strings.Builder
			require.NoError(t, archive.WriteText(&file, d))
			return file.String()
		}
		written := text(kept)
		require.Equal(t, written, payload.PrintableLines(written))
		for again, err := range archive.Read(strings.NewReader(written)) {
			require.NoError(t, err, "%s", written)
			require.Equal(t, kept.Body, again.Body)
			require.Equal(t, written, text(again))
		}
	}
}

// eachDelivery calls do for what a store holds, of every kind.
func eachDelivery(f *testing.F, do func(*replay.Delivery)) {
	s := memory.New()
	fill(f, s, 24, 1)
	for d, err := range s.List(f.Context(), replay.Filter{}) {
		require.NoError(f, err)
		do(d)
	}
}

// one is a file of one delivery.
func one(f *testing.F, format archive.Format, d *replay.Delivery) string {
	var file strings.Builder
	_, err := archive.Write(&file, format, func(yield func(*replay.Delivery, error) bool) { yield(d, nil) })
	require.NoError(f, err)
	return file.String()
}

func FuzzNDJSON(f *testing.F) {
	eachDelivery(f, func(d *replay.Delivery) {
		f.Add([]byte(one(f, archive.NDJSON, d)))
		f.Add(d.Body)
	})
	f.Add([]byte(`[{"id":"1","payload":{"event":{"scope":"repo"},"repo":{}}},{"event":{},"repo":{}}]`))
	f.Add([]byte("\xef\xbb\xbf{\"v\":1,\"type\":\"ready\"}\n"))
	f.Fuzz(assertImportable)
}

// FuzzHAR is about one entry.
func FuzzHAR(f *testing.F) {
	const head, tail = `{"log":{"version":"1.2","entries":[`, `]}}`
	eachDelivery(f, func(d *replay.Delivery) {
		_, rest, _ := strings.Cut(one(f, archive.HAR, d), "[")
		f.Add([]byte(strings.TrimSuffix(strings.TrimSpace(rest), tail)))
	})
	f.Add([]byte(`{"startedDateTime":"2026-11-24T00:00:00.000Z","request":{"method":"POST","url":"https://x.example/a%20b?secret=s3","headers":[{"name":":method","value":"POST"},{"name":"x-webhook-secret","value":"s3"}],"postData":{"text":"{}"}}},{"request":{"method":"GET"}}`))
	f.Fuzz(func(t *testing.T, entry []byte) {
		assertImportable(t, []byte(head+string(entry)+tail))
	})
}

// FuzzCurl is about one command, and what a comment above says of it.
func FuzzCurl(f *testing.F) {
	const head = "#!/bin/sh\n"
	eachDelivery(f, func(d *replay.Delivery) {
		_, rest, _ := strings.Cut(one(f, archive.Curl, d), "\n\n")
		f.Add([]byte(rest))
	})
	f.Add([]byte("curl 'https://x.example/hook?a=1' \\\n  -H 'content-type: application/json' \\\n  --data-raw $'{\"a\":\"it\\'s \\u0021\"}' --compressed"))
	f.Add([]byte(`curl -sS -XPOST localhost:3000/hook -d "{\"a\": 1}" --json '[]'`))
	f.Add([]byte(`printf %s e30= | base64 -d | curl -X POST http://localhost:3000/webhooks/dev -H 'X-Webhook-Secret: '"$WEBHOOK_SECRET" --data-binary @-`))
	f.Fuzz(func(t *testing.T, script []byte) {
		assertImportable(t, []byte(head+string(script)))
	})
}

func FuzzText(f *testing.F) {
	const head = "Hfhook-Delivery: 1\n"
	eachDelivery(f, func(d *replay.Delivery) {
		var file strings.Builder
		require.NoError(f, archive.WriteText(&file, d))
		f.Add([]byte(strings.TrimPrefix(file.String(), head)))
	})
	f.Fuzz(func(t *testing.T, rest []byte) {
		assertImportable(t, []byte(head+string(rest)))
	})
}

// Quotes of a shell are undone by the reader of scripts as the shell does it.
func FuzzShellQuote(f *testing.F) {
	for _, s := range []string{"", "it's", "$(touch x) `touch y` \\", "\x1b[2J\xff%s", "a\n", "\n\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "\x00") {
			return // no argument has it
		}
		word := archive.ShellQuote(s)
		assert.Equal(t, word, payload.PrintableLines(word))
		for d, err := range archive.Read(strings.NewReader("curl http://localhost/ --data-raw " + word)) {
			require.NoError(t, err, "%s", word)
			assert.Equal(t, s, string(d.Body), "%s", word)
		}
	})
}
