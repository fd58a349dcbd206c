package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// full has every known field.
const full = `{
	"event": {"action": "update", "scope": "repo"},
	"repo": {
		"type": "model", "name": "acme/thing", "id": "1", "private": true,
		"url": {"web": "https://huggingface.co/acme/thing", "api": "https://huggingface.co/api/models/acme/thing"},
		"headSha": "575db8b7a51b6f85eb06eee540738584589f131c", "subdomain": "acme-thing", "tags": ["license:mit", "text"],
		"owner": {"id": "2"}
	},
	"discussion": {
		"id": "3", "num": 19, "title": "Title", "url": {"web": "w", "api": "a"}, "status": "merged",
		"author": {"id": "4"}, "isPullRequest": true, "pinned": true,
		"changes": {"base": "refs/heads/main", "mergeCommitId": "5"}
	},
	"comment": {"id": "6", "author": {"id": "7"}, "content": "Hello", "hidden": false, "url": {"web": "w", "api": "a"}},
	"movedTo": {"name": "acme/other", "owner": {"id": "8"}},
	"updatedRefs": [{"ref": "refs/heads/main", "oldSha": "9", "newSha": "10"}],
	"updatedConfig": {"private": true},
	"updatedFiles": [{"path": "p", "action": "add", "xetHash": "11", "size": 12}],
	"updatedFilesTruncated": true,
	"webhook": {"id": "13", "version": 3}
}`

// mayBeLeftOut are the fields of full that the Hub does not always send. The
// comment in full is not hidden, so its content is due.
var mayBeLeftOut = []string{
	"discussion", "comment", "movedTo", "updatedRefs", "updatedConfig", "updatedFiles", "updatedFilesTruncated",
	"repo.url.api", "repo.headSha", "repo.subdomain", "repo.tags",
	"discussion.url.api", "discussion.changes", "discussion.changes.mergeCommitId", "discussion.pinned",
	"comment.url.api",
}

// mayBeNull are those where null says something, or as much as left out.
var mayBeNull = append([]string{"updatedRefs[0].oldSha", "updatedRefs[0].newSha", "comment.content", "updatedFiles[0].xetHash", "updatedFiles[0].size"}, mayBeLeftOut...)

// eachField calls do for every field in full: with its path, its value, and a
// function that gives the body after edit has changed the object around it.
func eachField(t *testing.T, do func(path, key string, value any, with func(edit func(object map[string]any)) string)) {
	var walk func(path string, find func(root any) any, value any)
	walk = func(path string, find func(root any) any, value any) {
		switch v := value.(type) {
		case []any:
			for i := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), func(root any) any { return find(root).([]any)[i] }, v[i])
			}
		case map[string]any:
			for key, inner := range v {
				at := strings.TrimPrefix(path+"."+key, ".")
				if at == "updatedConfig.private" {
					continue // an open map
				}
				do(at, key, inner, func(edit func(map[string]any)) string {
					var root any
					require.NoError(t, json.Unmarshal([]byte(full), &root))
					edit(find(root).(map[string]any))
					body, err := json.Marshal(root)
					require.NoError(t, err)
					return string(body)
				})
				walk(at, func(root any) any { return find(root).(map[string]any)[key] }, inner)
			}
		}
	}
	var root any
	require.NoError(t, json.Unmarshal([]byte(full), &root))
	walk("", func(root any) any { return root }, root)
}

func kinds(p *Payload) map[string]ProblemKind {
	m := make(map[string]ProblemKind)
	for _, problem := range p.Problems() {
		m[problem.Path] = problem.Kind
	}
	return m
}

func TestFullBodyHasNoProblem(t *testing.T) {
	p := decode(t, full)
	assert.Empty(t, p.Problems())
	var want Payload
	require.NoError(t, json.Unmarshal([]byte(full), &want))
	assert.Equal(t, want, bareOf(p))
}

func TestLeftOutFieldIsMissingIfAlwaysSent(t *testing.T) {
	seen := 0
	eachField(t, func(path, key string, _ any, with func(func(map[string]any)) string) {
		seen++
		p := decode(t, with(func(o map[string]any) { delete(o, key) }))
		want := map[string]ProblemKind{path: Missing}
		if slices.Contains(mayBeLeftOut, path) {
			want = map[string]ProblemKind{}
		}
		assert.Equal(t, want, kinds(p), path)
		assert.Equal(t, len(want) == 0, p.Validate() == nil, path)
	})
	assert.Equal(t, 58, seen, "fields in full")
}

func TestWrongTypeReadsAsLeftOut(t *testing.T) {
	eachField(t, func(path, key string, value any, with func(func(map[string]any)) string) {
		leftOut := decode(t, with(func(o map[string]any) { delete(o, key) }))
		for _, wrong := range []any{nil, true, 1.5, math.MaxUint64 * 2.0, "text", []any{}, []any{1, "x"}, map[string]any{}, map[string]any{"id": 1}} {
			if wrong != nil && fmt.Sprintf("%T", wrong) == fmt.Sprintf("%T", value) && !isNumber(value) {
				continue
			}
			body := with(func(o map[string]any) { o[key] = wrong })
			p := decode(t, body)
			if wrong == nil && slices.Contains(mayBeNull, path) {
				assert.Empty(t, p.Problems(), "%s: null", path)
				continue
			}
			assert.Equal(t, map[string]ProblemKind{path: WrongType}, kinds(p), "%s: %v", path, wrong)
			assert.Equal(t, bareOf(leftOut), bareOf(p), "%s: %v", path, wrong)
			assert.Error(t, p.Validate())
		}
	})
}

func isNumber(v any) bool { _, ok := v.(float64); return ok }

func TestMisspeltKeyIsNotTakenAndSetRight(t *testing.T) {
	eachField(t, func(path, key string, value any, with func(func(map[string]any)) string) {
		leftOut := decode(t, with(func(o map[string]any) { delete(o, key) }))
		for _, variant := range []string{strings.ToUpper(key), strings.ToUpper(key[:1]) + key[1:], snake(key), "_" + key} {
			if variant == key {
				continue
			}
			p := decode(t, with(func(o map[string]any) { delete(o, key); o[variant] = value }))
			assert.Equal(t, bareOf(leftOut), bareOf(p), variant)
			assert.Contains(t, p.Problems(), Problem{
				Path: strings.TrimSuffix(path, key) + variant, Kind: Misspelt, Detail: "the Hub spells it " + key,
			})
		}
	})
}

func snake(key string) string {
	var b strings.Builder
	for _, r := range key {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func TestLastOfDuplicatesCountsAsAWhole(t *testing.T) {
	eachField(t, func(path, key string, value any, with func(func(map[string]any)) string) {
		body := with(func(o map[string]any) { o[key] = []any{"MARK", value} })
		mark, err := json.Marshal([]any{"MARK", value})
		require.NoError(t, err)
		last := mark[len(`["MARK",`) : len(mark)-1]
		for _, first := range []string{"5", `"x"`, "true", "null", "{}", "[]", `{"id":"lost","web":"lost"}`} {
			twice := strings.Replace(body, string(mark), first+`,"`+key+`":`+string(last), 1)
			p := decode(t, twice)
			assert.Equal(t, bareOf(decode(t, full)), bareOf(p), "%s: %s", path, first)
			assert.Contains(t, p.Problems(), Problem{Path: path, Kind: Duplicate})
		}
	})
	p := decode(t, `{"updatedConfig":{"a":1,"a":2}}`)
	assert.Equal(t, map[string]json.RawMessage{"a": json.RawMessage("2")}, p.UpdatedConfig)
	assert.Equal(t, Duplicate, kinds(p)["updatedConfig.a"])
}

func TestWrongTypeAfterTheRightOneLeavesNothing(t *testing.T) {
	eachField(t, func(path, key string, value any, with func(func(map[string]any)) string) {
		mark, err := json.Marshal([]any{"MARK", value})
		require.NoError(t, err)
		body := with(func(o map[string]any) { o[key] = []any{"MARK", value} })
		first := string(mark[len(`["MARK",`) : len(mark)-1])
		p := decode(t, strings.Replace(body, string(mark), first+`,"`+key+`":1.5`, 1))
		assert.Equal(t, bareOf(decode(t, with(func(o map[string]any) { delete(o, key) }))), bareOf(p), path)
	})
}

func TestUnknownFieldsAreReportedOnEveryLevel(t *testing.T) {
	eachField(t, func(path, key string, _ any, with func(func(map[string]any)) string) {
		p := decode(t, with(func(o map[string]any) { o["novelty"] = map[string]any{"deep": []any{1}} }))
		assert.Equal(t, map[string]ProblemKind{strings.TrimSuffix(path, key) + "novelty": UnknownField}, kinds(p))
		assert.Equal(t, bareOf(decode(t, full)), bareOf(p))
		assert.NoError(t, p.Validate())
	})
}

func TestUnknownValuesAreKept(t *testing.T) {
	p := decode(t, `{"event":{"action":"archive","scope":"space.build"},"repo":{"type":"notebook"},"discussion":{"status":"locked"},
		"updatedFiles":[{"action":"update"}],"webhook":{"version":4}}`)
	assert.Equal(t, Event{Action: "archive", Scope: "space.build"}, p.Event)
	assert.EqualValues(t, "notebook", p.Repo.Type)
	assert.EqualValues(t, "locked", p.Discussion.Status)
	assert.EqualValues(t, "update", p.UpdatedFiles[0].Action)
	assert.EqualValues(t, 4, p.Webhook.Version)
	for _, path := range []string{"event.action", "event.scope", "repo.type", "discussion.status", "updatedFiles[0].action", "webhook.version"} {
		assert.Equal(t, UnknownValue, kinds(p)[path], path)
	}
}

func TestCommentContent(t *testing.T) {
	for _, c := range []struct {
		comment string
		want    Nullable[string]
		missing bool
	}{
		{`{"hidden":false,"content":""}`, Set(""), false},
		{`{"hidden":true,"content":null}`, Null[string](), false},
		{`{"hidden":true}`, Nullable[string]{}, false},
		{`{"hidden":false}`, Nullable[string]{}, true},
	} {
		p := decode(t, `{"comment":`+c.comment+`}`)
		assert.Equal(t, c.want, p.Comment.Content, c.comment)
		assert.Equal(t, c.missing, kinds(p)["comment.content"] == Missing, c.comment)
	}
}

func TestIntegers(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "19": 19, "-1": -1, "4294967296": 1 << 32,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		p := decode(t, `{"discussion":{"num":`+text+`}}`)
		assert.Equal(t, want, p.Discussion.Num, text)
		assert.NotContains(t, kinds(p), "discussion.num", text)
	}
	for _, text := range []string{"9223372036854775808", "1.5", "1.0", "1e3", "1e999999", "-" + strings.Repeat("9", 100_000), "0." + strings.Repeat("0", 100_000)} {
		p := decode(t, `{"discussion":{"num":`+text+`,"title":"after"},"x":`+text+`}`)
		assert.Zero(t, p.Discussion.Num)
		assert.Equal(t, "after", p.Discussion.Title)
		assert.Equal(t, WrongType, kinds(p)["discussion.num"])
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		json, want string
		bad        bool
	}{
		{`plain`, "plain", false},
		{`\"\\\/\b\f\n\r\t`, "\"\\/\b\f\n\r\t", false},
		{`\u0000\u001b[31m`, "\x00\x1b[31m", false},
		{`\u00e9\u4e2D\uFFFD`, "é中\ufffd", false},
		{"é🤗", "é🤗", false},
		{`\ud83e\udd17`, "🤗", false},
		{`\ud83e`, "\ufffd", true},
		{`\udd17x`, "\ufffdx", true},
		{`\ud83e\ud83e\udd17`, "\ufffd🤗", true},
		{`\ud83e\n`, "\ufffd\n", true},
		{"a\xffb", "a\ufffdb", true},
		{"\xe2\x80", "\ufffd\ufffd", true},
		{"\xed\xa0\xbd", "\ufffd\ufffd\ufffd", true},
	} {
		p := decode(t, `{"repo":{"name":"`+c.json+`"}}`)
		assert.Equal(t, c.want, p.Repo.Name, c.json)
		assert.Equal(t, c.bad, kinds(p)["repo.name"] == BadText, c.json)
	}
}

func TestEscapedKeyIsTheKey(t *testing.T) {
	p := decode(t, `{"\u0065vent":{"\u0073cope":"repo","act\u0069on":"create"}}`)
	assert.Equal(t, Event{Action: ActionCreate, Scope: ScopeRepo}, p.Event)
}

func TestByteOrderMarkIsPassedOver(t *testing.T) {
	p := decode(t, "\ufeff"+full)
	assert.Equal(t, bareOf(decode(t, full)), bareOf(p))
	assert.Equal(t, []Problem{{Kind: BadText, Detail: "byte order mark at the start"}}, p.Problems())
	assert.NoError(t, p.Validate())
}

func TestRawIsTheBodyItself(t *testing.T) {
	body := []byte(" \n" + full + "\n ")
	p, err := Decode(body)
	require.NoError(t, err)
	assert.Same(t, &body[0], &p.Raw[0])
	assert.Len(t, p.Raw, len(body))
	config := p.UpdatedConfig["private"]
	assert.Equal(t, len(config), cap(config), "appending must not reach into Raw")
}

func TestRefusedBodies(t *testing.T) {
	for _, c := range []struct {
		body   string
		reason error
		offset int
		words  string
	}{
		{"", ErrEmpty, 0, "body is empty"},
		{" \n\t\r", ErrEmpty, 4, "body is empty"},
		{"\ufeff", ErrEmpty, 3, "body is empty"},
		{"[1, 2]", ErrNotObject, 0, "body is JSON but no object: expected an object at byte 0, found '['"},
		{` "text"`, ErrNotObject, 1, "found '\"'"},
		{"null", ErrNotObject, 0, "found 'n'"},
		{"-12.5e+3 ", ErrNotObject, 0, "found '-'"},
		{"[1", ErrNotJSON, 2, "expected ',' or ']' at byte 2, found the end"},
		{"nul", ErrNotJSON, 3, "found the end"},
		{"1 2", ErrNotJSON, 2, "expected the end at byte 2, found '2'"},
		{"secret=1&x=2", ErrNotJSON, 0, "expected a value at byte 0, found 's'"},
		{"<html>", ErrNotJSON, 0, "found '<'"},
		{"\x1b[31m", ErrNotJSON, 0, `found '\x1b'`},
		{"\x00", ErrNotJSON, 0, `found '\x00'`},
		{"{", ErrNotJSON, 1, "expected a key at byte 1, found the end"},
		{`{"event"`, ErrNotJSON, 8, "expected ':'"},
		{`{"event":}`, ErrNotJSON, 9, "expected a value"},
		{`{"x":}`, ErrNotJSON, 5, "expected a value"},
		{`{"event":{"scope":"repo"`, ErrNotJSON, 24, "expected ',' or '}'"},
		{`{"x":1,}`, ErrNotJSON, 7, "expected a key at byte 7, found '}'"},
		{`{,}`, ErrNotJSON, 1, "expected a key"},
		{`{"x":[1,]}`, ErrNotJSON, 8, "expected a value"},
		{`{"updatedRefs":[1,]}`, ErrNotJSON, 18, "expected a value"},
		{`{"x":[1}}`, ErrNotJSON, 7, "expected ',' or ']'"},
		{`{"x":{"y" 1}}`, ErrNotJSON, 10, "expected ':'"},
		{`{"x":{1:2}}`, ErrNotJSON, 6, "expected a key"},
		{`{"x":01}`, ErrNotJSON, 6, "expected ',' or '}'"},
		{`{"x":-}`, ErrNotJSON, 6, "expected a digit"},
		{`{"x":1.}`, ErrNotJSON, 7, "expected a digit"},
		{`{"x":1e}`, ErrNotJSON, 7, "expected a digit"},
		{`{"x":+1}`, ErrNotJSON, 5, "expected a value"},
		{`{"x":tru}`, ErrNotJSON, 8, "expected the rest of true"},
		{`{"x":NaN}`, ErrNotJSON, 5, "expected a value"},
		{`{'x':1}`, ErrNotJSON, 1, "expected a key"},
		{"{\"x\":\"a\nb\"}", ErrNotJSON, 7, `expected no control character in a string at byte 7, found '\x0a'`},
		{"{\"repo\":{\"name\":\"\x00\"}}", ErrNotJSON, 17, "control character"},
		{`{"x":"\a"}`, ErrNotJSON, 7, "expected an escape sequence"},
		{`{"x":"\u12g4"}`, ErrNotJSON, 10, "expected four hexadecimal digits at byte 10, found 'g'"},
		{`{"x":"\`, ErrNotJSON, 7, "expected an escape sequence at byte 7, found the end"},
		{`{"x":"abc`, ErrNotJSON, 9, "expected the end of a string"},
		{`{"x":1 /* no */}`, ErrNotJSON, 7, "found '/'"},
		{`{} {}`, ErrTrailing, 3, "body goes on after its JSON object: expected the end at byte 3, found '{'"},
		{"{}\x00", ErrTrailing, 2, `found '\x00'`},
		{`{}]`, ErrTrailing, 2, "found ']'"},
	} {
		p, err := Decode([]byte(c.body))
		assert.Nil(t, p, c.body)
		require.ErrorIs(t, err, c.reason, "%q", c.body)
		syntax, ok := errors.AsType[*SyntaxError](err)
		require.True(t, ok)
		assert.Equal(t, c.offset, syntax.Offset, "%q: %v", c.body, err)
		assert.ErrorContains(t, err, c.words, "%q", c.body)
	}
}

// Every cut of a body is refused, wherever it falls.
func TestCutBodiesAreRefused(t *testing.T) {
	for i := range len(full) {
		_, err := Decode([]byte(full[:i]))
		assert.Error(t, err, full[:i])
	}
}

func TestDepthIsNoMatter(t *testing.T) {
	for _, depth := range []int{10_000, 1_000_000} {
		for _, nest := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			deep := strings.Repeat(nest[0], depth) + "1" + strings.Repeat(nest[1], depth)
			for _, place := range []string{`{"x":%s,"repo":{"name":"n"}}`, `{"event":%s,"repo":{"name":"n"}}`, `{"repo":{"name":"n","tags":[%s]}}`, `{"updatedConfig":{"a":%s},"repo":{"name":"n"}}`} {
				body := strings.Replace(place, "%s", deep, 1)
				p, err := Decode([]byte(body))
				require.NoError(t, err)
				assert.Equal(t, "n", p.Repo.Name)
				_, err = Decode([]byte(body[:len(body)/2]))
				assert.ErrorIs(t, err, ErrNotJSON)
			}
		}
	}
}

// A body that is eight times as long may take eight times as long; the
// quadratic reader that this test is for would take sixty-four.
func TestTimeGrowsWithLengthOnly(t *testing.T) {
	for name, body := range map[string]func(n int) []byte{
		"files":         manyFiles,
		"unknown":       func(n int) []byte { return repeat(`{`, `"k%d":1`, n, `}`) },
		"duplicates":    func(n int) []byte { return repeat(`{`, `"repo":{"Name":%d}`, n, `}`) },
		"config":        func(n int) []byte { return repeat(`{"updatedConfig":{`, `"k%d":1`, n, `}}`) },
		"wrong":         func(n int) []byte { return repeat(`{"updatedRefs":[`, `%d`, n, `]}`) },
		"one long text": func(n int) []byte { return repeat(`{"repo":{"name":"`, `\ud83d%d`, n, `"}}`) },
	} {
		t.Run(name, func(t *testing.T) {
			cost := func(n int) time.Duration {
				b := bytes.ReplaceAll(body(n), []byte(`\ud83d,`), []byte(`\ud83d`))
				best := time.Hour
				for range 5 {
					start := time.Now()
					_, err := Decode(b)
					best = min(best, time.Since(start))
					require.NoError(t, err)
				}
				return best
			}
			small, large := cost(2_000), cost(16_000)
			assert.Less(t, large, 40*small+10*time.Millisecond)
		})
	}
}

func repeat(before, part string, n int, after string) []byte {
	var b strings.Builder
	b.WriteString(before)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(part, "%d", strconv.Itoa(i)))
	}
	b.WriteString(after)
	return []byte(b.String())
}

func TestManyFilesAreAllRead(t *testing.T) {
	p, err := Decode(manyFiles(10_000))
	require.NoError(t, err)
	assert.Empty(t, p.Problems())
	require.Len(t, p.UpdatedFiles, 10_000)
	assert.Equal(t, "checkpoints/step-9999/model.safetensors", p.UpdatedFiles[9999].Path)
	assert.EqualValues(t, 9999, p.UpdatedFiles[9999].Size)
}

func TestListsAreBounded(t *testing.T) {
	const n = 150_000
	members := func(open, closing string, element func(int) string) string {
		var b strings.Builder
		b.WriteString(open)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(element(i))
		}
		return b.String() + closing
	}
	empty := func(int) string { return "{}" }
	key := func(i int) string { return fmt.Sprintf(`"k%d":0`, i) }
	for name, length := range map[string]func(*Payload) int{
		`"updatedRefs":` + members("[", "]", empty):   func(p *Payload) int { return len(p.UpdatedRefs) },
		`"updatedFiles":` + members("[", "]", empty):  func(p *Payload) int { return len(p.UpdatedFiles) },
		`"updatedConfig":` + members("{", "}", key):   func(p *Payload) int { return len(p.UpdatedConfig) },
		`"repo":{"tags":` + members("[", "]}", empty): func(p *Payload) int { return len(p.Repo.Tags) },
	} {
		body := []byte("{" + name + "}")
		p, err := Decode(body)
		require.NoError(t, err)
		assert.Equal(t, 100_000, length(p), name[:20])
		assert.Equal(t, body, p.Raw)
		assert.True(t, slices.ContainsFunc(p.Problems(), func(q Problem) bool {
			return q.Kind == TooMany && q.Detail == "50000 left out after 100000"
		}), name[:20])
	}
}
