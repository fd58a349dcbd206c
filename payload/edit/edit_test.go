package edit_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload/edit"
)

func set(t testing.TB, path, value string) edit.Edit {
	t.Helper()
	e, err := edit.Set(path, value)
	require.NoError(t, err)
	return e
}

func unset(t testing.TB, path string) edit.Edit {
	t.Helper()
	e, err := edit.Unset(path)
	require.NoError(t, err)
	return e
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ name, body, path, value, want string }{
		{"a string", `{"a":{"b":"open"}}`, "a.b", "merged", `{"a":{"b":"merged"}}`},
		{"JSON as it stands", `{"a":1}`, "a", ` {"x": 1.50, "y":[ ]}`, `{"a":{"x": 1.50, "y":[ ]}}`},
		{"a number beyond 64 bits", `{"a":1}`, "a", "123456789012345678901234567890", `{"a":123456789012345678901234567890}`},
		{"a string that looks like a number", `{"a":1}`, "a", `"5"`, `{"a":"5"}`},
		{"no JSON is a string", `{"a":1}`, "a", `[1,2`, `{"a":"[1,2"}`},
		{"nothing is the empty string", `{"a":1}`, "a", "", `{"a":""}`},
		{"blanks are a string", `{"a":1}`, "a", "  ", `{"a":"  "}`},
		{"a new key", `{"a":1}`, "b", "true", `{"a":1,"b":true}`},
		{"a new key beside indented ones", "{\n  \"a\": 1\n}\n", "b", "2", "{\n  \"a\": 1,\n  \"b\": 2\n}\n"},
		{"a new object", `{}`, "a.b.c", "1", `{"a":{"b":{"c":1}}}`},
		{"a new list", `{}`, "a.0.b", "1", `{"a":[{"b":1}]}`},
		{"a new list with brackets", `{}`, "a[].b", "1", `{"a":[{"b":1}]}`},
		{"null is nothing yet", `{"a":null}`, "a.b", "1", `{"a":{"b":1}}`},
		{"an element", `{"a":[1, 2,3]}`, "a.1", "9", `{"a":[1, 9,3]}`},
		{"an element in brackets", `{"a":[[1],[2]]}`, "a[1][0]", "9", `{"a":[[1],[9]]}`},
		{"within a list", `[{"a":1},{"a":2}]`, "[1].a", "9", `[{"a":1},{"a":9}]`},
		{"one more element", `{"a":[1, 2]}`, "a.-", "9", `{"a":[1, 2, 9]}`},
		{"one more element by its index", `{"a":[1]}`, "a.1", "9", `{"a":[1,9]}`},
		{"a number is a key of an object", `{"a":{"0":1}}`, "a.0", "9", `{"a":{"0":9}}`},
		{"a dash is a key of an object", `{"a":{"-":1}}`, "a.-", "9", `{"a":{"-":9}}`},
		{"a dot in a key", `{"a.b":1,"a":{"b":2}}`, `a\.b`, "9", `{"a.b":9,"a":{"b":2}}`},
		{"brackets in a key", `{"a[0]":1}`, `a\[0]`, "9", `{"a[0]":9}`},
		{"a pointer", `{"a/b":{"~c":1}}`, "/a~1b/~0c", "9", `{"a/b":{"~c":9}}`},
		{"a pointer to an empty key", `{"":1}`, "/", "9", `{"":9}`},
		{"escapes in a key", `{"\u0061":1}`, "a", "9", `{"\u0061":9}`},
		{"of a key twice the last one", `{"a":{"b":1},"a":{"b":2}}`, "a.b", "9", `{"a":{"b":1},"a":{"b":9}}`},
		{"a key twice is there once then", `{"a":1, "b":2, "a":3 ,"c":4}`, "a", "9", `{ "b":2, "a":9 ,"c":4}`},
		{"the body around it", "\ufeff \n{ \"x\" : 1e2,\t\"y\":\"\\u00e9\\/\" , \"a\" :0 }\r\n", "a", "1", "\ufeff \n{ \"x\" : 1e2,\t\"y\":\"\\u00e9\\/\" , \"a\" :1 }\r\n"},
		{"text", `{}`, "a", "<é> \u202e\x01", `{"a":"<é> ` + "\u202e" + `\u0001"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := edit.Edits{set(t, c.path, c.value)}.Apply([]byte(c.body))
			require.NoError(t, err)
			assert.Equal(t, c.want, string(got))
		})
	}
}

func TestUnset(t *testing.T) {
	for _, c := range []struct{ name, body, path, want string }{
		{"the last key", `{"a":1 ,"b":2 }`, "b", `{"a":1 }`},
		{"the first key", `{ "a": 1, "b": 2 }`, "a", `{ "b": 2 }`},
		{"the only key", `{"a":{"b":1}}`, "a.b", `{"a":{}}`},
		{"a key twice", `{"a":1,"b":2,"a":3}`, "a", `{"b":2}`},
		{"an element", `{"a":[1 ,2 ,3 ]}`, "a[2]", `{"a":[1 ,2 ]}`},
		{"elements move up", `[1,2,3]`, "0", `[2,3]`},
		{"null is there", `{"a":null}`, "a", `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := edit.Edits{unset(t, c.path)}.Apply([]byte(c.body))
			require.NoError(t, err)
			assert.Equal(t, c.want, string(got))
		})
	}
}

func TestErrorsSayWhatIsThere(t *testing.T) {
	body := []byte(`{"discussion":{"title":"x","num":1},"updatedRefs":[{},{}],"none":[],"n":null}`)
	for _, c := range []struct {
		edit         edit.Edit
		want, hint   string
		absentOrGone bool
	}{
		{set(t, "discussion.title.x", "1"), "discussion.title.x: discussion.title is a string, there is nothing inside of it", "set the whole of it: discussion.title={...}", false},
		{set(t, "updatedRefs.5.ref", "1"), "updatedRefs.5.ref: updatedRefs is a list", "a list has elements: 0 to 1, - appends one more", false},
		{set(t, "updatedRefs.ref", "1"), "updatedRefs.ref: updatedRefs is a list", "a list has elements: 0 to 1, - appends one more", false},
		{set(t, "discussion[0]", "1"), "discussion.0: discussion is an object", "an object has keys: title, num", false},
		{set(t, "[0]", "1"), "0: the body is an object", "an object has keys: discussion, updatedRefs, none, n", false},
		{unset(t, "comment.content"), "comment.content: there is no comment in the body", "the body has discussion, updatedRefs, none, n", true},
		{unset(t, "discussion.titel"), "discussion.titel: there is no titel in discussion", "discussion has title, num", true},
		{unset(t, "updatedRefs.2"), "updatedRefs.2: there is no element 2 in updatedRefs", "updatedRefs has 0 to 1, - appends one more", true},
		{unset(t, "none.0"), "none.0: there is no element 0 in none", "none has none yet, - appends one", true},
		{unset(t, "n.a"), "n.a: n is null, there is nothing inside of it", "", true},
		{unset(t, "discussion[0]"), "discussion.0: discussion is an object", "an object has keys: title, num", false},
	} {
		_, err := edit.Edits{c.edit}.Apply(body)
		var e *edit.Error
		require.ErrorAs(t, err, &e, c.want)
		assert.Equal(t, c.want, e.Error())
		assert.Equal(t, c.hint, e.Hint)
		if c.absentOrGone {
			assert.ErrorIs(t, err, edit.ErrAbsent)
		} else {
			assert.NotErrorIs(t, err, edit.ErrAbsent)
		}
	}
}

func TestUnsetIfThere(t *testing.T) {
	e, err := edit.UnsetIfThere("a.b")
	require.NoError(t, err)
	for body, want := range map[string]string{`{"a":{"b":1}}`: `{"a":{}}`, `{"a":1}`: `{"a":1}`, ` {} `: ` {} `} {
		got, err := edit.Edits{e}.Apply([]byte(body))
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
	_, err = edit.Edits{e}.Apply([]byte(`{"a":[]}`))
	require.EqualError(t, err, "a.b: a is a list")
}

func TestPathsAreRefused(t *testing.T) {
	for path, want := range map[string]string{
		"":          `"": the path is empty`,
		".":         ".: a key is empty",
		"a..b":      "a..b: a key is empty",
		"a.":        "a.: a key is empty",
		".a":        ".a: a key is empty",
		"a.[0]":     "a.[0]: a key is empty",
		"a[":        "a[: in brackets is the index of an element, or nothing to append one",
		"a[x]":      "a[x]: in brackets is the index of an element, or nothing to append one",
		"a[-1]":     "a[-1]: in brackets is the index of an element, or nothing to append one",
		"a[01]":     "a[01]: in brackets is the index of an element, or nothing to append one",
		"a[0]b":     "a[0]b: after a bracket comes a dot",
		`a\`:        `a\: the path ends in a backslash`,
		"/a~2":      "/a~2: in a JSON pointer ~ is written ~0, and / is written ~1",
		"a\xff":     `a\xff: the path is not UTF-8`,
		"a\x1b[2J.": `a\x1b[2J.: in brackets is the index of an element, or nothing to append one`,
	} {
		_, err := edit.Set(path, "1")
		assert.EqualError(t, err, want, path)
		_, err = edit.Unset(path)
		assert.EqualError(t, err, want, path)
	}
	_, err := edit.Set(strings.Repeat("a.", 2000)+"a", "1")
	require.ErrorContains(t, err, "the path has more than 1000 steps")
	_, err = edit.Set(strings.Repeat("a", 20_000), "1")
	require.ErrorContains(t, err, "the path has more than 16384 bytes")
	_, err = edit.Unset("a[]")
	require.EqualError(t, err, "a[]: there is nothing behind the last element")
}

func TestParseSet(t *testing.T) {
	for word, want := range map[string]string{
		"a=b":     `{"a":"b"}`,
		"a==b":    `{"a":"=b"}`,
		"a=":      `{"a":""}`,
		`a\=b=c`:  `{"a=b":"c"}`,
		`a\\=b=c`: `{"a\\":"b=c"}`,
	} {
		e, err := edit.ParseSet(word)
		require.NoError(t, err, word)
		got, err := edit.Edits{e}.Apply([]byte("{}"))
		require.NoError(t, err, word)
		assert.Equal(t, want, string(got), word)
	}
	_, err := edit.ParseSet("a.b")
	require.EqualError(t, err, "a.b: there is no value")
	_, err = edit.ParseSet("=b")
	require.EqualError(t, err, `"": the path is empty`)
}

func TestEditsInWords(t *testing.T) {
	assert.Equal(t, `discussion.status = "merged"`, set(t, "discussion.status", "merged").String())
	assert.Equal(t, `a = "\u001b[2J\u202e"`, set(t, "a", "\x1b[2J\u202e").String())
	assert.LessOrEqual(t, len([]rune(set(t, "a", strings.Repeat("é", 1000)).String())), 70)
	assert.Equal(t, "a.b taken away", unset(t, "a.b").String())
}

func TestEditsAreAllOrNone(t *testing.T) {
	body := []byte(`{"a":1,"b":[1,2,3]}`)
	before := string(body)
	_, err := edit.Edits{set(t, "a", "2"), unset(t, "b.0"), unset(t, "c")}.Apply(body)
	require.Error(t, err)
	assert.Equal(t, before, string(body))
	got, err := edit.Edits{{}, set(t, "a", "2"), unset(t, "b.0"), set(t, "b.-", "4")}.Apply(body)
	require.NoError(t, err)
	assert.Equal(t, `{"a":2,"b":[2,3,4]}`, string(got))
	assert.Equal(t, before, string(body))
}

func TestBodiesAreRefused(t *testing.T) {
	one := edit.Edits{set(t, "a", "1")}
	for _, body := range []string{"", " ", "\ufeff", "{", "hello", `{"a":1,}`, `{"a":1}//`, `{"a":1} {}`, "{\"a\":\"\n\"}", `{"a":01}`, "{'a':1}", "\x00"} {
		_, err := one.Apply([]byte(body))
		require.ErrorIs(t, err, edit.ErrNotJSON, "%q", body)
	}
	_, err := one.Apply([]byte(strings.Repeat("[", 500_000)))
	require.ErrorIs(t, err, edit.ErrBounds)
	_, err = one.Apply([]byte(`"` + strings.Repeat("[", 5_000) + `"`))
	require.EqualError(t, err, "a: the body is a string, there is nothing inside of it")
	_, err = one.Apply([]byte("[" + strings.Repeat("0,", edit.MaxValues) + "0]"))
	require.ErrorIs(t, err, edit.ErrBounds)
	_, err = one.Apply(make([]byte, edit.MaxSize+1))
	require.ErrorIs(t, err, edit.ErrBounds)
	_, err = edit.Set("a", strings.Repeat("[", 2000)+strings.Repeat("]", 2000))
	require.ErrorIs(t, err, edit.ErrBounds)

	nested := strings.Repeat("[", 999) + strings.Repeat("]", 999)
	_, err = edit.Edits{set(t, "a", nested)}.Apply([]byte("{}"))
	require.NoError(t, err)
	_, err = edit.Edits{set(t, "a.b", nested)}.Apply([]byte("{}"))
	require.ErrorIs(t, err, edit.ErrBounds)
}

// The samples of what the Hub sends come out as they were, but for one place.
func TestTheRestOfASampleKeepsItsBytes(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		got, err := edit.Edits{set(t, "webhook.version", "4"), set(t, "webhook.version", "3"), set(t, "x.y", "1"), unset(t, "x")}.Apply(body)
		require.NoError(t, err, file)
		assert.Equal(t, string(body), string(got), file)
		assert.True(t, json.Valid(got))
	}
}

// A key that comes again and again costs no more than others: these edits would
// outlast any test if what follows moved for each of them.
func TestManyKeysThatComeTwice(t *testing.T) {
	const n = 100_000
	others := `"x":0` + strings.Repeat(`,"x":0`, n-1) + "}"
	body := []byte("{" + strings.Repeat(`"comment":0,`, n) + others)
	got, err := edit.Edits{unset(t, "comment")}.Apply(body)
	require.NoError(t, err)
	assert.True(t, "{"+others == string(got))
	got, err = edit.Edits{set(t, "comment", "1")}.Apply(body)
	require.NoError(t, err)
	assert.True(t, `{"comment":1,`+others == string(got))
}
