package edit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload/edit"
)

func patched(t testing.TB, body, document string) (string, error) {
	t.Helper()
	e, err := edit.Patch([]byte(document))
	require.NoError(t, err, document)
	got, err := edit.Edits{e}.Apply([]byte(body))
	return string(got), err
}

// Most cases are the examples of RFC 6902, appendix A.
func TestJSONPatch(t *testing.T) {
	for _, c := range []struct{ body, patch, want string }{
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux"}]`, `{"foo":"bar","baz":"qux"}`},
		{`{"foo":["bar","baz"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{"foo":["bar","qux","baz"]}`},
		{`{"foo":["bar"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{"foo":["bar","qux"]}`},
		{`{"foo":["bar"]}`, `[{"op":"add","path":"/foo/-","value":["abc","def"]}]`, `{"foo":["bar",["abc","def"]]}`},
		{`{"baz":"qux","foo":"bar"}`, `[{"op":"remove","path":"/baz"}]`, `{"foo":"bar"}`},
		{`{"a":1 ,"b":2}`, `[{"op":"remove","path":"/b"}]`, `{"a":1}`},
		{`{"foo":["bar","qux","baz"]}`, `[{"op":"remove","path":"/foo/1"}]`, `{"foo":["bar","baz"]}`},
		{`{"baz":"qux","foo":"bar"}`, `[{"op":"replace","path":"/baz","value":"boo"}]`, `{"baz":"boo","foo":"bar"}`},
		{`{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`, `{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`},
		{`{"foo":["all","grass","cows","eat"]}`, `[{"op":"move","from":"/foo/1","path":"/foo/3"}]`, `{"foo":["all","cows","eat","grass"]}`},
		{`{"a":{"b":1 }}`, `[{"op":"move","from":"/a/b","path":"/a/b"}]`, `{"a":{"b":1 }}`},
		{`{"a":{"b":1}}`, `[{"op":"move","from":"/a/b","path":""}]`, `1`},
		{`{"a":[1,2]}`, `[{"op":"move","from":"/a/0","path":"/a/-"}]`, `{"a":[2,1]}`},
		{`{"a":{"b":1}}`, `[{"op":"copy","from":"/a","path":"/a/c"}]`, `{"a":{"b":1,"c":{"b":1}}}`},
		{`{"baz":"qux","foo":["a",2,"c"]}`, `[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2.0}]`, `{"baz":"qux","foo":["a",2,"c"]}`},
		{`{"a":null}`, `[{"op":"test","path":"/a","value":null}]`, `{"a":null}`},
		{`{"a":{"x":1,"y":[1e2]}}`, `[{"op":"test","path":"/a","value":{"y":[100],"x":1}}]`, `{"a":{"x":1,"y":[1e2]}}`},
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux","xyz":123}]`, `{"foo":"bar","baz":"qux"}`},
		{`{"foo":null}`, `[{"op":"add","path":"/foo","value":null}]`, `{"foo":null}`},
		{`{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":10}]`, `{"/":9,"~1":10}`},
		{`{"a":1}`, `[{"op":"replace","path":"","value":[2]}]`, `[2]`},
		{`{"a":1}`, `[{"op":"add","path":"","value":[2]}]`, `[2]`},
		{`{"a":12345678901234567890.50,"b":"<\u0041&>"}`, `[{"op":"add","path":"/c","value":1}]`, `{"a":12345678901234567890.50,"b":"<\u0041&>","c":1}`},
		{`{ "a" : 1 }`, `[]`, `{ "a" : 1 }`},
	} {
		got, err := patched(t, c.body, c.patch)
		require.NoError(t, err, c.patch)
		assert.Equal(t, c.want, got, c.patch)
	}
}

func TestJSONPatchFails(t *testing.T) {
	for _, c := range []struct{ body, patch, want string }{
		{`{"q":{"bar":2}}`, `[{"op":"add","path":"/a/b","value":1}]`, "operation 1 of the patch (add /a/b): there is no a in the body"},
		{`{"bar":[1,2]}`, `[{"op":"add","path":"/bar/8","value":5}]`, "operation 1 of the patch (add /bar/8): there is no element 8 in bar"},
		{`{"bar":[1,2]}`, `[{"op":"replace","path":"/bar/-","value":5}]`, "operation 1 of the patch (replace /bar/-): there is no element - in bar"},
		{`{"bar":[1,2]}`, `[{"op":"add","path":"/bar/x","value":5}]`, "operation 1 of the patch (add /bar/x): bar is a list"},
		{`{"bar":[1,2]}`, `[{"op":"add","path":"/bar/01","value":5}]`, "operation 1 of the patch (add /bar/01): bar is a list"},
		{`{"a":"b"}`, `[{"op":"test","path":"/a","value":"b"},{"op":"remove","path":"/c"}]`, "operation 2 of the patch (remove /c): there is no c in the body"},
		{`{"a":"b"}`, `[{"op":"replace","path":"/a/b","value":1}]`, "operation 1 of the patch (replace /a/b): a is a string, there is nothing inside of it"},
		{`{"baz":"qux"}`, `[{"op":"test","path":"/baz","value":"bar"}]`, `operation 1 of the patch (test /baz): baz is "qux"`},
		{`{"a":9007199254740993}`, `[{"op":"test","path":"/a","value":9007199254740992}]`, "operation 1 of the patch (test /a): a is 9007199254740993"},
		{`{"a":"1"}`, `[{"op":"test","path":"/a","value":1}]`, `operation 1 of the patch (test /a): a is "1"`},
		{`{"a":1}`, `[{"op":"copy","from":"/b","path":"/c"}]`, "operation 1 of the patch (copy /c): there is no b in the body"},
		{`{"a":[1,2]}`, `[{"op":"move","from":"/a/0","path":"/a/2"}]`, "operation 1 of the patch (move /a/2): there is no element 2 in a"},
		{`{"a":[1,2]}`, `[{"op":"move","from":"/a/0","path":"/a/1/x"}]`, "operation 1 of the patch (move /a/1/x): there is no element 1 in a"},
		{`{"a":1}`, `[{"op":"copy","from":"","path":"/a"}]`, `operation 1 of the patch (copy /a): cannot copy "" into "/a"`},
		{`{"a":1}`, `[{"op":"remove","path":""}]`, "operation 1 of the patch (remove ): cannot remove root value"},
		{`{"a":{"x":1,"x":2}}`, `[{"op":"replace","path":"/a/x","value":3}]`, "patch: the key x comes twice in an object of the body"},
	} {
		_, err := patched(t, c.body, c.patch)
		require.EqualError(t, err, c.want, c.patch)
	}
}

func TestPatchesAreRefused(t *testing.T) {
	for document, want := range map[string]string{
		``:                            "patch: it is not JSON: it is empty",
		`[{"op":"add",}]`:             "patch: it is not JSON: invalid character '}' looking for beginning of object key string",
		`"x"`:                         "patch: it is a string",
		`[1]`:                         "operation 1 of the patch: it is no object",
		`[null]`:                      "operation 1 of the patch: it is no object",
		`[{}]`:                        "operation 1 of the patch: it has no op",
		`[{"op":1}]`:                  "operation 1 of the patch: op, path and from are strings",
		`[{"op":"set","path":"/a"}]`:  `operation 1 of the patch: there is no op "set"; there are add, remove, replace, move, copy and test`,
		`[{"op":"add","value":1}]`:    "operation 1 of the patch: it has no path",
		`[{"op":"add","path":"/a"}]`:  "operation 1 of the patch: it has no value",
		`[{"op":"move","path":"/a"}]`: "operation 1 of the patch: it has no from",
		`[{"op":"move","from":"/a","path":"/a/b"}]`:                     "operation 1 of the patch (move /a/b): nothing can be moved into itself",
		`[{"op":"remove","PATH":"/a"}]`:                                 "operation 1 of the patch: it has no path",
		`[{"op":"remove","path":"a"}]`:                                  "operation 1 of the patch (remove a): paths in a patch begin with a slash: /discussion/status",
		`[{"op":"remove","path":"/a~x"}]`:                               "operation 1 of the patch (remove /a~x): in a JSON pointer ~ is written ~0, and / is written ~1",
		strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001): "patch: beyond the bounds for edits: it is nested deeper than 1000",
	} {
		_, err := edit.Patch([]byte(document))
		require.EqualError(t, err, want, document)
	}
}

// The cases are those of RFC 7396, appendix A, where the patch is an object.
func TestMergePatch(t *testing.T) {
	for _, c := range []struct{ body, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"a":1,"x":2,"a":3}`, `{"a":{"b":1.0}}`, `{"x":2,"a":{"b":1.0}}`},
		{`{"a":{"b":1}}`, `{"a":{"c":2},"a":{"d":3}}`, `{"a":{"b":1,"d":3}}`},
		{`{"a":{"b":1}}`, `{"a":null,"a":{"c":2}}`, `{"a":{"b":1,"c":2}}`},
		{"{\n  \"a\": 1e2\n}\n", `{"b":2}`, "{\n  \"a\": 1e2,\n  \"b\": 2\n}\n"},
	} {
		got, err := patched(t, c.body, c.patch)
		require.NoError(t, err, c.patch)
		assert.Equal(t, c.want, got, c.patch)
	}
}

func TestCopiesStayWithinTheBounds(t *testing.T) {
	grow := strings.TrimSuffix(strings.Repeat(`{"op":"copy","from":"/a","path":"/a/-"},`, 60), ",")
	_, err := patched(t, `{"a":["`+strings.Repeat("x", 1<<20)+`"]}`, "["+grow+"]")
	require.ErrorIs(t, err, edit.ErrBounds)
	_, err = patched(t, `{"a":[]}`, "["+strings.ReplaceAll(grow, "/a/-", "/a/0")+"]")
	require.ErrorIs(t, err, edit.ErrBounds)
}

func TestPatchesInWords(t *testing.T) {
	for document, want := range map[string]string{
		`{"discussion":{},"comment":null}`: "merge patch of discussion, comment",
		`[{"op":"remove","path":"/a"}]`:    "remove /a",
		"[" + strings.Repeat(`{"op":"remove","path":"/a"},`, 8) + `{"op":"remove","path":"/b"}]`: "remove /a, remove /a and 7 more",
	} {
		e, err := edit.Patch([]byte(document))
		require.NoError(t, err)
		assert.Equal(t, want, e.String())
	}
}
