package archive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
	"github.com/hfhook/hfhook/replay/memory"
	"github.com/hfhook/hfhook/replay/sqlite"
)

var start = time.Date(2026, 11, 24, 9, 30, 0, 123456000, time.UTC)

// bodies are what the Hub sends, and what it never would.
func bodies(t testing.TB) [][]byte {
	files, err := filepath.Glob(filepath.Join("..", "..", "payload", "testdata", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := [][]byte{
		{}, []byte("\n"), []byte("plain\n\n"), []byte("no JSON ' \" $(touch x) `touch y` \\"), []byte("\x00\xff\xfe"), []byte("\u202ebidi"),
		[]byte(" {\"event\":{},  \"repo\":{}}\r\n"), []byte(`{"a":1,"a":2}`), []byte(`{"event":{"action":"x","scope":"y\u001b[2J"}}`),
		[]byte(`{"text":"` + strings.Repeat("long ", 20_000) + `"}`), []byte("{\"text\":\"\u009b\u2028\"}"), []byte("EOF\nEOF\n"),
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, body)
		var compact bytes.Buffer
		if json.Compact(&compact, body) == nil {
			all = append(all, compact.Bytes())
		}
	}
	return all
}

// fill puts n deliveries of every kind into a store.
func fill(t testing.TB, s replay.Store, n int, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	all := bodies(t)
	for i := range n {
		body := all[i%len(all)]
		d := replay.Delivery{
			WebhookID: fmt.Sprint("id-", i), Method: "POST", Path: "/webhooks/dev", Endpoint: "dev", Host: "hook.example",
			Query: []string{"", "secret=[redacted]&x=1"}[i%2], Body: body, BodySize: int64(len(body)), Verdict: replay.Accepted,
			Header: http.Header{
				"Webhook-Id": {fmt.Sprint("id-", i)}, "Content-Type": {"application/json"}, "X-Webhook-Secret": {replay.Redacted},
				"X-Two": {"a, b", ""}, "X-Odd": {"\xff\xe2\x80\xae'"},
			},
		}
		if i%7 == 0 {
			d.WebhookID = ""
			delete(d.Header, "Webhook-Id")
		}
		if i%5 == 0 {
			d.Path, d.Endpoint = "/some%2Fother/'path", "/some%2Fother/'path"
		}
		p, err := payload.Decode(body)
		if err == nil {
			d.Describe(p)
		} else {
			d.Verdict, d.Reason = replay.Undecodable, payload.Printable(err.Error())
		}
		if i%11 == 0 {
			d.Verdict, d.Reason = replay.Rejected, "wrong secret"
			d.Scope, d.Action, d.RepoType, d.Repo, d.Summary = "", "", "", "", ""
			d.BodySize += 5
		}
		var kept replay.Receipt
		for j := range 1 + random.IntN(3)*random.IntN(2) {
			at := start.Add(time.Duration(i)*time.Second + time.Duration(j)*time.Hour)
			kept, err = s.Append(t.Context(), replay.Incoming{Delivery: d, Arrival: replay.Arrival{Time: at, RemoteAddr: "192.0.2.1:4711"}})
			require.NoError(t, err)
			if answer := []int{0, 200, 503}[random.IntN(3)]; answer != 0 {
				require.NoError(t, s.Answered(t.Context(), kept.Arrival.ID, answer))
			}
		}
		for range random.IntN(3) {
			a := &replay.Attempt{
				DeliveryID: kept.DeliveryID, ArrivalID: kept.Arrival.ID, Target: "http://localhost:3000", Kind: replay.Live,
				Started: start.Add(time.Duration(i) * time.Second), Duration: time.Duration(random.Int64N(int64(time.Minute))),
				Status: 200 + random.IntN(400), Header: http.Header{"Date": {"today"}}, Body: all[random.IntN(6)],
			}
			switch random.IntN(4) {
			case 0:
				a.Kind, a.ArrivalID, a.Sent = replay.Replayed, 0, &replay.Sent{Header: http.Header{"X-New": {"1"}}, Body: []byte("{}")}
			case 1:
				a.Status, a.Header, a.Exit = 0, nil, new(random.IntN(2))
			case 2:
				a.Status, a.Header, a.Body, a.Failure, a.Error = 0, nil, nil, replay.FailRefused, "nobody there"
			}
			require.NoError(t, s.Finish(t.Context(), a))
		}
	}
}

func open(t testing.TB) *sqlite.Store {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func export(t testing.TB, s replay.Store, f archive.Format) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := archive.Write(&out, f, s.List(t.Context(), replay.Filter{}))
	require.NoError(t, err)
	assert.Positive(t, n)
	return out.Bytes()
}

func importAll(t testing.TB, s replay.Store, file []byte) (added int) {
	t.Helper()
	importer, err := archive.NewImporter(t.Context(), s)
	require.NoError(t, err)
	for d, err := range archive.Read(bytes.NewReader(file)) {
		require.NoError(t, err)
		id, err := importer.Add(t.Context(), d)
		require.NoError(t, err)
		if id != 0 {
			added++
		}
	}
	return added
}

// What is exported, imported elsewhere and exported again is the same, byte for
// byte, and so is every body.
func TestRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	here := memory.New()
	fill(t, here, 1000, seed)
	n := 0
	for range here.List(t.Context(), replay.Filter{}) {
		n++
	}
	for _, f := range []archive.Format{archive.NDJSON, archive.HAR, archive.Curl} {
		t.Run(string(f), func(t *testing.T) {
			file := export(t, here, f)
			there := replay.Store(memory.New())
			if f == archive.NDJSON {
				there = open(t)
			}
			assert.Equal(t, n, importAll(t, there, file))
			require.Equal(t, string(file), string(export(t, there, f)))
			sameBodies(t, here, there)
			assert.Zero(t, importAll(t, there, file), "imported twice")
			assert.Equal(t, string(file), string(export(t, there, f)))
		})
	}
	t.Run("text", func(t *testing.T) {
		there := memory.New()
		importer, err := archive.NewImporter(t.Context(), there)
		require.NoError(t, err)
		var files [][]byte
		for d, err := range here.List(t.Context(), replay.Filter{}) {
			require.NoError(t, err)
			var file bytes.Buffer
			require.NoError(t, archive.WriteText(&file, d))
			files = append(files, file.Bytes())
			for d, err := range archive.Read(&file) {
				require.NoError(t, err)
				_, err = importer.Add(t.Context(), d)
				require.NoError(t, err)
			}
		}
		sameBodies(t, here, there)
		i := 0
		for d, err := range there.List(t.Context(), replay.Filter{}) {
			require.NoError(t, err)
			var file bytes.Buffer
			require.NoError(t, archive.WriteText(&file, d))
			require.Equal(t, string(files[i]), file.String())
			i++
		}
	})
}

func sameBodies(t *testing.T, here, there replay.Store) {
	t.Helper()
	next, stop := iter.Pull2(there.List(t.Context(), replay.Filter{}))
	defer stop()
	for want, err := range here.List(t.Context(), replay.Filter{}) {
		require.NoError(t, err)
		got, err, ok := next()
		require.True(t, ok, "some are missing")
		require.NoError(t, err)
		require.Equal(t, string(want.Body), string(got.Body), "delivery %d", want.ID)
		require.Equal(t, want.Header, got.Header)
		require.Equal(t, want.Summary, got.Summary)
		require.Equal(t, want.Verdict, got.Verdict)
		require.Equal(t, want.BodySize, got.BodySize)
		require.Empty(t, got.Queued)
		require.Len(t, got.Arrivals, len(want.Arrivals))
		for i := range want.Arrivals {
			require.Equal(t, want.Arrivals[i].Repeat, got.Arrivals[i].Repeat)
		}
	}
	_, _, more := next()
	assert.False(t, more)
}

// A file cannot say where something is sent: attempts of elsewhere are none.
func TestImportedAttemptsNameNoTarget(t *testing.T) {
	s := memory.New()
	line := `{"v":1,"type":"delivery","time":"2026-11-24T00:00:00Z","verdict":"accepted","endpoint":"dev","method":"POST","path":"/webhooks/dev",` +
		`"arrivals":[],"size":2,"text":"{}","attempts":[{"time":"2026-11-24T00:00:01Z","target":"http://stranger.example","kind":"live","ok":true,"status":200,"durationMs":1}]}`
	require.Equal(t, 1, importAll(t, s, []byte(line)))
	d, err := s.Get(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, d.Attempts, 1)
	assert.Equal(t, replay.ImportedLive, d.Attempts[0].Kind)
}

func TestReadWhatOthersWrite(t *testing.T) {
	sample := bodies(t)[20]
	for name, c := range map[string]struct {
		file string
		want []string // path and body of each
	}{
		"a payload":              {string(sample), []string{"/webhooks/dev " + strings.TrimSpace(string(sample))}},
		"payloads in a list":     {`[{"event":{},"repo":{}}, {"event":{}, "repo":{}}]`, []string{`/webhooks/dev {"event":{},"repo":{}}`, `/webhooks/dev {"event":{}, "repo":{}}`}},
		"with something around":  {`{"id":"1","payload":{"event":{"scope":"repo"},"repo":{}}}`, []string{`/webhooks/dev {"event":{"scope":"repo"},"repo":{}}`}},
		"with a byte order mark": {"\xef\xbb\xbf{\"event\":{},\"repo\":{}}", []string{`/webhooks/dev {"event":{},"repo":{}}`}},
		"records": {`{"v":1,"type":"ready"}` + "\n" + `{"v":1,"type":"delivery","time":"2026-11-24T00:00:00Z","verdict":"accepted","endpoint":"dev","method":"POST","path":"/webhooks/dev","size":14,"payload":{"event":{} }}` + "\n" + `{"v":1,"type":"attempt"}`,
			[]string{`/webhooks/dev {"event":{} }`}},
		"a HAR file": {`{"log":{"version":"1.2","pages":[],"entries":[{"startedDateTime":"2026-11-24T00:00:00.000Z","request":{"method":"GET","url":"http://x/"}},` +
			`{"startedDateTime":"2026-11-24T00:00:00.000Z","request":{"method":"POST","url":"https://x.example/hook?secret=s3","headers":[{"name":":method","value":"POST"},{"name":"X-Webhook-Secret","value":"s3"}],"postData":{"mimeType":"","text":"{}"}}}]}}`,
			[]string{"/hook {}"}},
		"a browser's curl": {"curl 'https://x.example/hook?a=1' \\\n  -H 'content-type: application/json' \\\n  --data-raw $'{\"a\":\"it\\'s \\u0021\"}' --compressed", []string{`/hook {"a":"it's !"}`}},
		"curl, short":      {`curl -sS -XPOST localhost:3000/hook -d "{\"a\": 1}"`, []string{`/hook {"a": 1}`}},
		"of inspect":       {`printf %s e30= | base64 -d | curl -X POST http://localhost:3000/webhooks/dev -H 'X-Webhook-Secret: '"$WEBHOOK_SECRET" --data-binary @-`, []string{`/webhooks/dev {}`}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for d, err := range archive.Read(strings.NewReader(c.file)) {
				require.NoError(t, err)
				got = append(got, d.Path+" "+string(d.Body))
				for _, value := range append(d.Header["X-Webhook-Secret"], d.Query) {
					assert.NotContains(t, value, "s3")
				}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestReadRefuses(t *testing.T) {
	delivery := func(more string) string {
		return `{"v":1,"type":"delivery","time":"2026-11-24T00:00:00Z","verdict":"accepted","endpoint":"dev","method":"POST","path":"/","size":2,"text":"{}"` + more + "}"
	}
	for name, c := range map[string]struct{ file, want string }{
		"nothing":             {"", "neither"},
		"a text":              {"Dear reader,", "neither"},
		"half a record":       {`{"v":1,"type":"deliv`, "entry 1: no JSON"},
		"the second":          {delivery("") + "\n{", "entry 2: no JSON"},
		"another object":      {`{"a":1}`, "entry 1: neither a delivery nor a payload"},
		"a year far away":     {delivery(`,"time":"292277026596-12-31T23:59:59Z"`), "not what a delivery looks like"},
		"a negative year":     {delivery(`,"arrivals":[{"time":"-001-01-01T00:00:00Z"}]`), "not what a delivery looks like"},
		"no base64":           {delivery(`,"body":"%%%%"`), "not what a delivery looks like"},
		"no number":           {delivery(`,"attempts":[{"durationMs":NaN}]`), "no JSON"},
		"a number":            {`[1]`, "entry 1: not what a delivery looks like"},
		"a wrong path":        {delivery(`,"path":"@stranger.example/"`), "no path of a request"},
		"a path with a break": {delivery(`,"path":"/ HTTP/1.1\r\nX: y"`), "no path of a request"},
		"a wrong method":      {delivery(`,"method":"GET / HTTP/1.1"`), "no HTTP method"},
		"a wrong host":        {delivery(`,"host":"a b"`), "no host"},
		"a wrong header":      {delivery(`,"headers":{"a b":["c"]}`), "not a valid header name"},
		"a header's break":    {delivery(`,"headers":{"a":["c\r\nd"]}`), "control characters"},
		"a verdict":           {delivery(`,"verdict":"fine"`), "no verdict"},
		"a cut body":          {delivery(`,"size":3`), "the body has 2 of 3 bytes"},
		"an arrival's answer": {delivery(`,"arrivals":[{"answer":7}]`), "no HTTP status"},
		"arrivals of none":    {delivery(`,"arrivals":[{"time":"2026-11-24T00:00:00Z"},{"time":"2026-11-24T00:00:01Z"}]`), "arrived several times"},
		"a time":              {delivery(`,"arrivals":[{"time":""}]`), "not what a delivery looks like"},
		"a HAR file's time":   {`{"log":{"entries":[{"startedDateTime":"soon"}]}}`, "not what a delivery looks like"},
		"an attempt's kind":   {delivery(`,"attempts":[{"kind":"x"}]`), "no attempt of kind"},
		"its arrival":         {delivery(`,"attempts":[{"kind":"live","arrival":2}]`), "for arrival 2 of 1"},
		"half a HAR":          {`{"log":{"entries":[`, "HAR file"},
		"an empty HAR":        {`{"log":{}}`, `no "entries"`},
		"curl and a file":     {`curl http://x -d @/etc/passwd`, "in another file"},
		"curl and a program":  {`cat x | curl http://x -d @-`, `"cat"`},
		"curl and nothing":    {"| curl http://x -d @-", "a body that nothing gives"},
		"curl with a command": {"curl http://x -d `id`", "a command within it"},
		"curl with another":   {"curl http://x; rm -r x", "does more"},
		"curl, a variable":    {`curl http://x -d "$HOME"`, "$HOME"},
		"curl, open quote":    {`curl 'http://x`, "not closed"},
		"curl without a URL":  {`curl -d x`, "without a URL"},
		"half a text":         {"Hfhook-Delivery: 1\n", "ends before the body"},
		"a text's request":    {"Hfhook-Delivery: 1\n\nPOST\n\n", "no request"},
		"a text's body":       {"Hfhook-Delivery: 1\nBody: indented\n\nPOST /\n\n{", "no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			var last error
			for _, err := range archive.Read(strings.NewReader(c.file)) {
				last = err
			}
			require.ErrorContains(t, last, c.want)
			if c.want != "neither" {
				var e *archive.FormatError
				require.ErrorAs(t, last, &e)
			} else {
				require.ErrorIs(t, last, archive.ErrUnknown)
			}
		})
	}
}

// No file that this package writes has something in it that steers a terminal,
// or is more than one command in a shell.
func TestFilesAreHarmless(t *testing.T) {
	s := memory.New()
	fill(t, s, 60, 1)
	for _, f := range []archive.Format{archive.NDJSON, archive.HAR, archive.Curl} {
		file := string(export(t, s, f))
		assert.Equal(t, file, payload.PrintableLines(file), f)
	}
	for d, err := range s.List(t.Context(), replay.Filter{}) {
		require.NoError(t, err)
		var file bytes.Buffer
		require.NoError(t, archive.WriteText(&file, d))
		assert.Equal(t, file.String(), payload.PrintableLines(file.String()))
		assert.NotContains(t, archive.TextName(1, d), "/")
	}
}
