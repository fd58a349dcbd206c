package edit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/edit"
)

func addSamples(f *testing.F, add func(body []byte)) {
	files, err := filepath.Glob("../testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		add(body)
	}
	for _, body := range []string{"", "null", "[]", "\ufeff{}", `{"a":1 ,"b":[1 ,2 ],"a":{"b":null}}`, `{"":9007199254740993,"-":[[]]}`} {
		add([]byte(body))
	}
}

// FuzzSet looks at what must hold whatever is edited: what was JSON is JSON, the
// value is where it was put, taking away what was new gives the same bytes, and so
// does putting back what was there.
func FuzzSet(f *testing.F) {
	addSamples(f, func(body []byte) {
		f.Add(body, "discussion.status", "merged")
		f.Add(body, "updatedRefs[0].ref", `{"a":1e400}`)
		f.Add(body, "/a~1b/-/0", "")
		f.Add(body, `a\.b.[].-`, "\xff")
	})
	f.Fuzz(func(t *testing.T, body []byte, path, value string) {
		set, err := edit.Set(path, value)
		if err != nil {
			assertHarmless(t, err)
			return
		}
		assert.Equal(t, set.String(), payload.Printable(set.String()))
		before := string(body)
		got, err := edit.Edits{set}.Apply(body)
		require.Equal(t, before, string(body), "the body that was given is as it was")
		if err != nil {
			assertHarmless(t, err)
			return
		}
		require.True(t, json.Valid([]byte(strings.TrimPrefix(string(got), "\ufeff"))), "%q", got)
		if again, err := (edit.Edits{set}).Apply(got); err == nil && !regexp.MustCompile(`-|\[]`).MatchString(path) {
			assert.Equal(t, string(got), string(again), "a second time changes nothing")
		}
		if old, ok := valueAt(before, path); ok {
			back, err := edit.Set(path, old)
			require.NoError(t, err)
			text, err := edit.Edits{back}.Apply(got)
			require.NoError(t, err)
			assert.Equal(t, before, string(text), "all else is as it was")
			if now, ok := valueAt(string(got), path); assert.True(t, ok) && json.Valid([]byte(value)) && strings.TrimSpace(value) != "" {
				assert.Equal(t, strings.Trim(value, " \t\r\n"), now)
			}
		}
		unset, err := edit.Unset(path)
		if err != nil {
			return
		}
		without, err := edit.Edits{unset}.Apply(got)
		if strings.Contains(path, "-") || strings.Contains(path, "[]") {
			return // leads behind the new element now
		}
		require.NoError(t, err)
		_, err = edit.Edits{unset}.Apply([]byte(before))
		if err != nil && !regexp.MustCompile(`[.\[/]`).MatchString(path) && !isNull(before) {
			assert.Equal(t, before, string(without))
		}
	})
}

// FuzzPatch looks at numbers elsewhere too: they are there as they were.
func FuzzPatch(f *testing.F) {
	addSamples(f, func(body []byte) {
		f.Add(body, []byte(`[{"op":"add","path":"/discussion","value":{"status":"merged"}},{"op":"test","path":"/discussion/status","value":"merged"}]`))
		f.Add(body, []byte(`[{"op":"move","from":"/webhook","path":"/repo/webhook"},{"op":"copy","from":"/event","path":"/x"},{"op":"remove","path":"/event"},{"op":"replace","path":"","value":[]}]`))
		f.Add(body, []byte(`{"repo":{"private":null,"x":[1]},"a":{}}`))
		f.Add(body, []byte("\ufeff"+`{"repo":{"name":{"a":null,"b":{"c":null}}},"event":null,"":-0.0}`))
	})
	f.Fuzz(func(t *testing.T, body, document []byte) {
		p, err := edit.Patch(document)
		if err != nil {
			assertHarmless(t, err)
			return
		}
		assert.Equal(t, p.String(), payload.Printable(p.String()))
		kept, err := edit.Set("kept", "[12345678901234567890.10, 1E400]")
		require.NoError(t, err)
		text, err := edit.Edits{kept}.Apply(body)
		if err != nil {
			return
		}
		got, err := edit.Edits{p}.Apply(text)
		if err != nil {
			assertHarmless(t, err)
			return
		}
		require.True(t, json.Valid([]byte(strings.TrimPrefix(string(got), "\ufeff"))), "%q", got)
		if leavesKept(document) {
			assert.Contains(t, string(got), "[12345678901234567890.10, 1E400]")
		}
		if changes, ok := decoded(document).(map[string]any); ok {
			assert.Equal(t, merged(decoded(text), changes), decoded(got))
		}
	})
}

// merged is MergePatch of RFC 7396, word for word.
func merged(target any, changes map[string]any) any {
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range changes {
		if inner, ok := value.(map[string]any); ok {
			object[name] = merged(object[name], inner)
		} else if value == nil {
			delete(object, name)
		} else {
			object[name] = value
		}
	}
	return object
}

// decoded is what encoding/json makes of a text, numbers as they are written.
func decoded(text []byte) any {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	d.UseNumber()
	var v any
	_ = d.Decode(&v)
	return v
}

// valueAt gives the text of the value at a path of plain keys, by encoding/json,
// in a body that has no key twice.
func valueAt(body, path string) (string, bool) {
	value := json.RawMessage(strings.TrimPrefix(body, "\ufeff"))
	if !regexp.MustCompile(`^[a-zA-Z]+(\.[a-zA-Z]+)*$`).MatchString(path) || twice(value) {
		return "", false
	}
	for key := range strings.SplitSeq(path, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil || object[key] == nil {
			return "", false
		}
		value = object[key]
	}
	return string(value), true
}

// twice reports whether an object somewhere in a text has a key two times.
func twice(text json.RawMessage) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	var keys []map[any]bool // of the objects around; nil for a list
	for key := false; ; {
		token, err := d.Token()
		if err != nil {
			return false
		}
		inside := len(keys) - 1
		switch {
		case token == json.Delim('{'):
			keys, key = append(keys, map[any]bool{}), true
			continue
		case token == json.Delim('['):
			keys, key = append(keys, nil), false
			continue
		case token == json.Delim('}'), token == json.Delim(']'):
			keys = keys[:inside]
			key = inside > 0 && keys[inside-1] != nil
			continue
		case key && keys[inside][token]:
			return true
		case key:
			keys[inside][token] = true
		}
		key = !key && inside >= 0 && keys[inside] != nil
	}
}

// leavesKept reports whether a patch has nothing to do with the key "kept", nor
// with the whole body.
func leavesKept(document []byte) bool {
	document = []byte(strings.TrimPrefix(string(document), "\ufeff"))
	var merge map[string]any
	if json.Unmarshal(document, &merge) == nil {
		_, names := merge["kept"]
		return !names
	}
	var operations []map[string]any
	if json.Unmarshal(document, &operations) != nil {
		return false
	}
	for _, o := range operations {
		for _, name := range []string{"path", "from"} {
			if at, ok := o[name].(string); ok && (at == "" || strings.HasPrefix(at, "/kept")) {
				return false
			}
		}
	}
	return true
}

// isNull reports whether a body is null, which becomes an object or a list.
func isNull(body string) bool {
	return strings.TrimSpace(strings.TrimPrefix(body, "\ufeff")) == "null"
}

func assertHarmless(t *testing.T, err error) {
	t.Helper()
	assert.Equal(t, err.Error(), payload.Printable(err.Error()))
	if e, ok := errors.AsType[*edit.Error](err); ok {
		assert.Equal(t, e.Hint, payload.Printable(e.Hint))
	}
}
