package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/compare"
)

// samples gives the bodies of payload/testdata by file name.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "payload", "testdata", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	bodies := map[string][]byte{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		bodies[filepath.Base(file)] = body
	}
	return bodies
}

// hostile is text that would like to be more than text.
const hostile = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202eesrever\u202c\u2066x\u2069 nul\x00 del\x7f c1\u009b2J cr\rlf\n zero\u200bwidth line\u2028end bad\xff\xfe tag\U000E0041"

// hostileDelivery has it in every field that is printed.
func hostileDelivery(t testing.TB) *replay.Delivery {
	t.Helper()
	quoted := strings.ReplaceAll(fmt.Sprintf("%+q", hostile), `\a`, `\u0007`)
	quoted = regexp.MustCompile(`\\x([0-9a-f]{2})`).ReplaceAllString(quoted, `\u00$1`)
	quoted = strings.ReplaceAll(quoted, `\U000e0041`, `\udb40\udc41`)
	body := strings.ReplaceAll(`{
		"event": {"action": "create", "scope": H},
		"repo": {"type": H, "name": H, "id": H, "private": false, "url": {"web": H, "api": H}, "headSha": H, "subdomain": H, "owner": {"id": H}, H: H},
		"discussion": {"id": H, "title": H, "num": 1, "url": {"web": H}, "status": H, "author": {"id": H}, "isPullRequest": true, "changes": {"base": H, "mergeCommitId": H}},
		"comment": {"id": H, "author": {"id": H}, "content": H, "hidden": false, "url": {"web": H}},
		"movedTo": {"name": H, "owner": {"id": H}},
		"updatedRefs": [{"ref": H, "oldSha": H, "newSha": H}],
		"updatedConfig": {H: H},
		"updatedFiles": [{"path": H, "action": H}, {"path": H, "action": "add", "size": 1}, {"path": H, "action": "delete"}],
		"webhook": {"id": H, "version": 3}
	}`, "H", quoted)
	p, err := payload.Decode([]byte(body))
	require.NoError(t, err, body)
	return &replay.Delivery{
		ID: 1, WebhookID: hostile, Method: hostile, Path: hostile, Query: hostile, Host: hostile, Endpoint: hostile,
		Header: http.Header{"X-Note": {hostile}, hostile: {"x"}},
		Body:   []byte(body), BodySize: int64(len(body)), Verdict: replay.Rejected, Reason: hostile,
		Summary:  p.Describe(),
		Arrivals: []replay.Arrival{{ID: 1, Time: time.Now(), RemoteAddr: hostile}, {ID: 2, Time: time.Now(), Repeat: replay.Retry}},
		Attempts: []replay.Attempt{
			{DeliveryID: 1, Target: hostile, Kind: replay.Live, Status: 500, Body: []byte(hostile), Error: hostile},
			{DeliveryID: 1, Target: hostile, Kind: replay.Replayed, Failure: replay.Failure(hostile), Error: hostile},
			{DeliveryID: 1, Target: hostile, Status: 204, Sent: &replay.Sent{Header: http.Header{"X-Other": {hostile}}, Body: []byte(strings.ReplaceAll(body, "create", "delete"))}},
			{DeliveryID: 1, Target: hostile, Status: 204, Sent: &replay.Sent{Body: []byte(strings.ToValidUTF8(strings.ReplaceAll(hostile, "\x00", ""), ""))}},
			{DeliveryID: 1, Target: hostile, Status: 200, Body: []byte(strings.ToValidUTF8(strings.ReplaceAll(hostile, "\x00", ""), ""))},
		},
		Queued: []string{hostile},
	}
}

// colour matches what the program itself writes to a terminal.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestNothingHostileReachesATerminal(t *testing.T) {
	deliveries := []*replay.Delivery{hostileDelivery(t)}
	for _, body := range samples(t) {
		d := deliveryOf(t, body)
		deliveries = append(deliveries, d)
	}
	for _, width := range []int{0, 20, 40, 80, 200} {
		for _, d := range deliveries {
			var out bytes.Buffer
			s := &screen{Writer: &out, width: width, terminal: width > 0}
			s.paint(true)
			deliveryBlock(s, d)
			showWhole(s, d)
			row(s, d)
			for i := range d.Attempts {
				attemptLine(s, &d.Attempts[i])
				replayBlock(s, d, &d.Attempts[i])
				showHostile(s, d, &d.Attempts[0], &d.Attempts[i])
			}
			text := colour.ReplaceAllString(out.String(), "")
			for i, r := range text {
				if r != '\n' && escaped(r) {
					t.Fatalf("width %d: %U in ...%q...", width, r, text[max(0, i-40):min(len(text), i+20)])
				}
			}
		}
	}
}

// showHostile compares two answers, in all words that there are for it.
func showHostile(s *screen, d *replay.Delivery, a, b *replay.Attempt) {
	for _, k := range []*comparison{{kind: withFormer}, {kind: withGolden, file: hostile}} {
		one := compared{d, a, b, compare.Answers(a, b, compare.Options{}), hostile}
		for _, many := range []bool{false, true} {
			k.show(s, one, many)
		}
		one.difference = nil
		k.show(s, one, false)
	}
}

func deliveryOf(t testing.TB, body []byte) *replay.Delivery {
	p, err := payload.Decode(body)
	require.NoError(t, err)
	return &replay.Delivery{
		ID: 12, Method: "POST", Path: "/webhooks/dev", Endpoint: "dev", Body: body, BodySize: int64(len(body)),
		Verdict: replay.Accepted, Summary: p.Describe(),
		Arrivals: []replay.Arrival{{ID: 1, Time: time.Date(2026, 11, 23, 14, 3, 20, 0, time.UTC)}},
		Attempts: []replay.Attempt{{DeliveryID: 12, Target: "http://localhost:3000/a/rather/long/path/to/a/handler", Kind: replay.Live, Status: 500, Duration: 12 * time.Millisecond, Body: []byte("oops\n" + strings.Repeat("long ", 100))}},
	}
}

func TestBlocksFitANarrowTerminal(t *testing.T) {
	const width = 40
	for name, body := range samples(t) {
		var out bytes.Buffer
		s := &screen{Writer: &out, width: width, terminal: true}
		s.paint(false)
		d := deliveryOf(t, body)
		deliveryBlock(s, d)
		attemptLine(s, &d.Attempts[0])
		row(s, d)
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.Contains(line, "://") && !strings.Contains(line, "✗") {
				continue // a link that is cut does not work
			}
			require.LessOrEqual(t, columns(line), width, "%s: %q", name, line)
		}
	}
}

func TestColourOnlyOnATerminalThatWantsIt(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, false)
	deliveryBlock(s, deliveryOf(t, samples(t)["discussion.create.model.pr.docs.json"]))
	assert.NotContains(t, out.String(), "\x1b")
	assert.Zero(t, s.width)
}

func TestRecordsAreOneHarmlessLine(t *testing.T) {
	for _, record := range []any{recordDelivery(hostileDelivery(t)), recordWhole(hostileDelivery(t)), recordAttempt(&hostileDelivery(t).Attempts[0]), hostileComparison(t)} {
		var out bytes.Buffer
		require.NoError(t, writeRecord(&out, record))
		line, rest, _ := strings.Cut(out.String(), "\n")
		assert.Empty(t, rest)
		assert.NotContains(t, line, "\x1b")
		assert.False(t, strings.ContainsFunc(line, escaped), "%q", line)
	}
}

func hostileComparison(t testing.TB) comparisonRecord {
	d := hostileDelivery(t)
	a, b := &d.Attempts[0], &d.Attempts[len(d.Attempts)-1]
	return (&comparison{file: hostile}).record(compared{d, a, b, compare.Answers(a, b, compare.Options{}), hostile})
}

// escaped reports whether r is more than a character that can be seen.
func escaped(r rune) bool { return string(payload.EscapeJSON([]byte(string(r)))) != string(r) }

func TestFirstLinesTellWhatIsLeftOut(t *testing.T) {
	long := strings.Repeat("a", 5000)
	for text, want := range map[string][]string{
		"a\tb\r\n\x1bc\r\n\n":            {"a    b", `\x1bc`},
		"1\n2\n3\n4":                     {"1", "2", "3", "4"},
		"1\n2\n3\n4\n5":                  {"1", "2", "3", "… 2 more lines"},
		strings.Repeat("a\n", 10_000):    {"a", "a", "a", "… 9997 more lines"},
		long:                             {long[:4000] + "…"},
		"1\n" + long + "\n3":             {"1", long[:3999] + "…", "… 1 more line"},
		strings.Repeat("a\n", 7) + long:  {"a", "a", "a", "… 5 more lines"},
		"1" + strings.Repeat("é", 3000):  {"1" + strings.Repeat("é", 1999) + "…"},
		strings.Repeat("\xbf", 5000):     {"…"},
		"\xff" + strings.Repeat("é", 10): {`\xff` + strings.Repeat("é", 10)},
	} {
		assert.Equal(t, want, firstLines(text, 4), "%.40q", text)
	}
}

func TestLastLinesTellWhatIsLeftOut(t *testing.T) {
	long := strings.Repeat("a", 5000)
	for text, want := range map[string][]string{
		"1\n2\n3\n4\n":          {"1", "2", "3", "4"},
		"1\n2\n3\n4\n5":         {"…", "3", "4", "5"},
		long:                    {"…" + long[:4000]},
		"1\n" + long + "\n3":    {"…" + long[:3998], "3"},
		long + "\n1\n2\n3\n4\n": {"…", "2", "3", "4"},
	} {
		assert.Equal(t, want, lastLines(text, 4), "%.40q", text)
	}
}

func TestAnswersThatNobodyHereCanReadAreNamed(t *testing.T) {
	brotli := http.Header{"Content-Encoding": {"br"}}
	said := "(compressed with br; --header Accept-Encoding: asks for an answer that can be shown)"
	for name, c := range map[string]struct {
		a    replay.Attempt
		want string // empty: nothing is shown
	}{
		"not kept":         {replay.Attempt{Status: 200, Header: brotli, BodyCut: true}, said},
		"kept":             {replay.Attempt{Status: 500, Header: brotli, Body: []byte("\x8b\x00\xff")}, said},
		"empty":            {replay.Attempt{Status: 200, Header: brotli}, ""},
		"not coded at all": {replay.Attempt{Status: 200, Header: brotli, Body: []byte("done")}, "done"},
		"as it is":         {replay.Attempt{Status: 500, Header: http.Header{"Content-Encoding": {"identity"}}, Body: []byte{0}}, "(1 B that are no text)"},
		"hostile":          {replay.Attempt{Status: 200, Header: http.Header{"Content-Encoding": {"\x1b[2J"}}, BodyCut: true}, `\x1b[2J`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s := newScreen(&out, true)
			answerLines(s, "", &c.a)
			showSaid(s, &c.a)
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if c.want == "" {
				assert.Len(t, lines, 1)
				return
			}
			require.Len(t, lines, 2)
			assert.Contains(t, lines[1], c.want)
		})
	}
}

func TestWhatWasNotSentTakesNoLine(t *testing.T) {
	block := func(body string) string {
		var out bytes.Buffer
		deliveryBlock(newScreen(&out, true), &replay.Delivery{Verdict: replay.Accepted, Body: []byte(body), Arrivals: []replay.Arrival{{}}})
		for line := range strings.Lines(out.String()) {
			assert.Equal(t, strings.TrimRight(line, " \n")+"\n", line)
		}
		return out.String()
	}
	bare := block(`{"event":{},"repo":{"private":true},"discussion":{},"comment":{}}`)
	assert.Contains(t, bare, "event    private\n")
	assert.NotContains(t, bare, "status ")
	assert.NotContains(t, bare, "title ")
	assert.Contains(t, bare, "comment  without an author\n")
	assert.NotContains(t, block(`{}`), "event  ")
	whole := block(`{"event":{"scope":"discussion.vote","action":"create"},"discussion":{"status":"merged","author":{"id":"me"},"changes":{"base":"refs/heads/main","mergeCommitId":"0123456789"}}}`)
	assert.Contains(t, whole, "event    discussion.vote create, to be treated as discussion update\n")
	assert.Contains(t, whole, "status   merged, by author me, into refs/heads/main as 0123456\n")
}
