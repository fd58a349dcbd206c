package compare_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/compare"
)

func answerOf(body string) *replay.Attempt {
	return &replay.Attempt{Status: 200, Body: []byte(body)}
}

// differences writes a Difference in lines that are easy to compare.
func differences(d *compare.Difference) string {
	var b strings.Builder
	for _, c := range d.Changes {
		switch c.Kind {
		case compare.Added:
			fmt.Fprintf(&b, "+ %s %s\n", c.Path, c.New)
		case compare.Removed:
			fmt.Fprintf(&b, "- %s %s\n", c.Path, c.Old)
		default:
			fmt.Fprintf(&b, "~ %s %s %s\n", c.Path, c.Old, c.New)
		}
	}
	return b.String()
}

func ignoring(t testing.TB, paths ...string) compare.Options {
	t.Helper()
	ignore, err := compare.ParseIgnore(paths...)
	require.NoError(t, err)
	return compare.Options{Ignore: ignore}
}

func TestBodies(t *testing.T) {
	for _, c := range []struct{ name, before, after, want string }{
		{"the same", `{"a":1}`, `{"a":1}`, ""},
		{"order and white space", `{"a":1,"b":[1,2]}`, "{ \"b\": [1, 2],\n \"a\": 1 }", ""},
		{"numbers by value", `[1, 1e2, 0.10, -0]`, `[1.0, 100, 1e-1, 0]`, ""},
		{"numbers beyond 2^53", `{"a":9007199254740993}`, `{"a":9007199254740992}`, "~ body.a 9007199254740993 9007199254740992\n"},
		{"spelling of strings", `"\u0041\/"`, `"A/"`, ""},
		{"a key twice", `{"a":1,"a":2}`, `{"a":2}`, ""},
		{"changed, added and removed", `{"a":1,"b":{"x":true},"c":null}`, `{"a":2,"b":{"x":true,"y":[ ]},"d":"<é>"}`,
			"~ body.a 1 2\n+ body.b.y []\n- body.c null\n+ body.d \"<é>\"\n"},
		{"lists by index", `{"l":[{"id":1},{"id":2},3]}`, `{"l":[{"id":1},{"id":9}]}`, "~ body.l.1.id 2 9\n- body.l.2 3\n"},
		{"another type", `{"a":1}`, `{"a":"1"}`, "~ body.a 1 \"1\"\n"},
		{"false is not null", `[false]`, `[null]`, "~ body.0 false null\n"},
		{"an object is not a list", `{"a":{}}`, `{"a":[]}`, "~ body.a {} []\n"},
		{"the whole", `1`, `"x"`, "~ body 1 \"x\"\n"},
		{"keys with signs", `{"a.b":{"c*[0]\\":1}}`, `{}`, "- body.a\\.b {\"c*[0]\\\\\":1}\n"},
		{"from nothing", "", `{"a":1}`, "+ body {\"a\":1}\n"},
		{"to nothing", "text", "", "- body \"text\"\n"},
		{"text", "a\nb\nc\n", "a\nB\nc\nd\n", "~ body:2 \"b\" \"B\"\n+ body:4 \"d\"\n"},
		{"text that lost lines", "a\nb\nc\nd\ne", "a\ne!", "~ body:2 \"b\" \"e!\"\n- body:3 \"c\"\n- body:4 \"d\"\n- body:5 \"e\"\n"},
		{"ends of lines", "a\r\nb\r\n", "a\nb", ""},
		{"JSON to text", `{"a":1}`, "oops", "~ body:1 \"{\\\"a\\\":1}\" \"oops\"\n"},
		{"bytes", "\x00\x01", "\x00\x02!", `~ body "2 bytes, sha256 b413f47d13ee2fe6c845b2ee141af81de858df4ec549a58b7970bb96645bc8d2" ` +
			`"3 bytes, sha256 44086a5ce86162fe9871990921a1899c14a6945e8e1aa59196b86b89f254e8d6"` + "\n"},
		{"JSON that is no UTF-8", "\"\xff\"", "\"\xff\"", ""},
		{"bytes to text", "\xff", "a", `~ body "1 bytes, sha256 a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89" "a"` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := compare.Answers(answerOf(c.before), answerOf(c.after), compare.Options{})
			assert.Equal(t, c.want, differences(d))
			assert.Equal(t, c.want == "", d.Same())
		})
	}
}

func TestAnswers(t *testing.T) {
	before := &replay.Attempt{Status: 200, Duration: time.Second, Body: []byte("{}"), Header: http.Header{
		"Content-Type": {`Application/JSON; charset="UTF-8"`}, "Date": {"now"}, "Server": {"a"}, "Content-Length": {"2"},
		"Connection": {"close, X-Hop"}, "X-Hop": {"1"}, "Location": {"/a"}, "X-Many": {"1", "2"},
	}}
	after := &replay.Attempt{Status: 500, Duration: 2 * time.Second, Body: []byte("{}"), BodyCut: true, Header: http.Header{
		"Content-Type": {"application/json;charset=utf-8"}, "Date": {"then"}, "Retry-After": {"5"}, "Location": {"/b"}, "X-Many": {"1"},
	}}
	d := compare.Answers(before, after, compare.Options{})
	assert.Equal(t, "~ status 200 500\n~ headers.location \"/a\" \"/b\"\n+ headers.retry-after \"5\"\n~ headers.x-many [\"1\",\"2\"] \"1\"\n", differences(d))
	assert.Equal(t, []time.Duration{time.Second, 2 * time.Second}, []time.Duration{d.Old, d.New})
	assert.True(t, d.Partial)

	d = compare.Answers(before, after, ignoring(t, "status", "headers.Location", "headers.x-*", "headers.retry-after"))
	assert.Empty(t, differences(d))

	bad, worse := &replay.Attempt{Status: 200, Header: http.Header{"X": {"\xff"}}}, &replay.Attempt{Status: 200, Header: http.Header{"X": {"\xfe", "a"}}}
	assert.Equal(t, `~ headers.x "\\xff" ["\\xfe","a"]`+"\n", differences(compare.Answers(bad, worse, compare.Options{})))

	gone := &replay.Attempt{Failure: replay.FailRefused, Error: "no"}
	assert.Equal(t, "- status 200\n+ failure \"refused\"\n", differences(compare.Answers(before, gone, compare.Options{})))
	assert.Equal(t, "+ status 200\n- failure \"refused\"\n", differences(compare.Answers(gone, before, compare.Options{})))
	command, other := &replay.Attempt{Exit: new(0), Body: []byte("a")}, &replay.Attempt{Exit: new(3), Body: []byte("b")}
	assert.Equal(t, "~ exit 0 3\n~ body:1 \"a\" \"b\"\n", differences(compare.Answers(command, other, compare.Options{})))
}

func TestIgnore(t *testing.T) {
	before := answerOf(`{"id":1,"updated_at":"x","items":[{"id":1,"n":1,"at":{"updated_at":1}},{"id":2,"n":2}],"a.b":1,"a*":1,"status":1}`)
	after := answerOf(`{"id":2,"updated_at":"y","items":[{"id":3,"n":1,"at":{"updated_at":2}},{"id":4,"n":3},{}],"a.b":2,"a*":2,"status":2}`)
	all := []string{"body.a\\*", "body.a\\.b", "body.id", "body.items.0.at.updated_at", "body.items.0.id", "body.items.1.id", "body.items.1.n", "body.items.2", "body.status", "body.updated_at"}
	paths := func(o compare.Options) []string {
		var got []string
		for _, c := range compare.Answers(before, after, o).Changes {
			got = append(got, c.Path)
		}
		return got
	}
	without := func(gone ...string) (left []string) {
		for _, path := range all {
			if !strings.Contains(strings.Join(gone, " ")+" ", path+" ") {
				left = append(left, path)
			}
		}
		return left
	}
	assert.Equal(t, all, paths(compare.Options{}))
	for pattern, gone := range map[string][]string{
		"id":                {"body.id"},
		"body.id":           {"body.id"},
		"items.*.id":        {"body.items.0.id", "body.items.1.id"},
		"items[*].id":       {"body.items.0.id", "body.items.1.id"},
		"items[1]":          {"body.items.1.id", "body.items.1.n"},
		"items.2":           {"body.items.2"},
		"items":             {"body.items.0.at.updated_at", "body.items.0.id", "body.items.1.id", "body.items.1.n", "body.items.2"},
		"**.updated_at":     {"body.items.0.at.updated_at", "body.updated_at"},
		"*_at":              {"body.updated_at"},
		"up*e*_at":          {"body.updated_at"},
		`a\.b`:              {"body.a\\.b"},
		`a\*`:               {"body.a\\*"},
		"a*":                {"body.a\\*", "body.a\\.b"},
		"body":              all,
		"*":                 all,
		"**":                all,
		"status":            nil,
		"body.status":       {"body.status"},
		"items.**":          {"body.items.0.at.updated_at", "body.items.0.id", "body.items.1.id", "body.items.1.n", "body.items.2"},
		"**.items.**.*.n":   {"body.items.1.n"},
		"ID":                nil,
		"items.id":          nil,
		"headers.body.id":   nil,
		"items.0.**.*.nope": nil,
	} {
		assert.Equal(t, without(gone...), paths(ignoring(t, pattern)), pattern)
	}

	// What is told can be ignored as it is told.
	assert.True(t, compare.Answers(before, after, ignoring(t, all...)).Same())

	for pattern, want := range map[string]string{
		"":                         `"" is no path: a step is empty`,
		"a..b":                     `"a..b" is no path: a step is empty`,
		"a.":                       `"a." is no path: a step is empty`,
		`a\`:                       `"a\\" is no path: it ends in a backslash`,
		"a[":                       `"a[" is no path: in brackets is an index or *, and a dot comes after`,
		"a[]":                      `"a[]" is no path: in brackets is an index or *, and a dot comes after`,
		"a[0]b":                    `"a[0]b" is no path: in brackets is an index or *, and a dot comes after`,
		strings.Repeat("a.", 80):   "it has more than 64 steps",
		strings.Repeat("a", 2_000): "it has more than 1024 bytes",
	} {
		_, err := compare.ParseIgnore(pattern)
		if strings.HasPrefix(want, "it") && strings.HasSuffix(pattern, ".") {
			_, err = compare.ParseIgnore(pattern + "a")
		}
		require.ErrorContains(t, err, want, pattern)
	}
}

func TestDifferencesAreBounded(t *testing.T) {
	before, after := make([]int, 3000), make([]int, 3000)
	for i := range after {
		after[i] = 1
	}
	x, err := json.Marshal(before)
	require.NoError(t, err)
	y, err := json.Marshal(after)
	require.NoError(t, err)
	d := compare.Answers(answerOf(string(x)), answerOf(string(y)), compare.Options{})
	assert.Len(t, d.Changes, compare.MaxChanges)
	assert.Equal(t, 3000-compare.MaxChanges, d.More)

	deep := strings.Repeat("[", 9_000) + "1" + strings.Repeat("]", 9_000)
	d = compare.Answers(answerOf(deep), answerOf(strings.Replace(deep, "1", "2", 1)), compare.Options{})
	require.Len(t, d.Changes, 1)
	assert.Equal(t, "body"+strings.Repeat(".0", 9_000), d.Changes[0].Path)
	deeper := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	assert.False(t, compare.Answers(answerOf(deep), answerOf(deeper), compare.Options{}).Same())
}

// FuzzAnswers looks at what must hold for all answers: the same ones do not
// differ, others do the one way as the other, and what is told can be ignored.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"a":[1,2],"b.c":null}`), []byte(`{"a":[1,3],"b.c":{"*":1}}`))
	f.Add([]byte("a\nb\nc"), []byte("a\nx\nb\r\n"))
	f.Add([]byte("\xff"), []byte("{}"))
	f.Add([]byte(""), []byte("1e2"))
	f.Fuzz(func(t *testing.T, x, y []byte) {
		before, after := answerOf(string(x)), answerOf(string(y))
		none := compare.Options{}
		assert.True(t, compare.Answers(before, before, none).Same())
		there, back := compare.Answers(before, after, none), compare.Answers(after, before, none)
		assert.Equal(t, there.Same(), back.Same())
		if isJSON(x) && isJSON(y) {
			require.Equal(t, len(there.Changes), len(back.Changes))
		}
		var paths []string
		for i, c := range there.Changes {
			for _, v := range []json.RawMessage{c.Old, c.New} {
				assert.True(t, v == nil || json.Valid(v), "%s", v)
			}
			assert.Equal(t, c.Kind == compare.Added, c.Old == nil)
			assert.Equal(t, c.Kind == compare.Removed, c.New == nil)
			if isJSON(x) && isJSON(y) && i < len(back.Changes) {
				assert.Equal(t, c.Path, back.Changes[i].Path)
			}
			paths = append(paths, c.Path)
		}
		ignore, err := compare.ParseIgnore(paths...)
		if err != nil || !isJSON(x) || !isJSON(y) {
			return // an empty key, a long path; a line of a text
		}
		assert.True(t, compare.Answers(before, after, compare.Options{Ignore: ignore}).Same(), "%q", paths)
	})
}

func isJSON(b []byte) bool { return utf8.Valid(b) && json.Valid(b) }
