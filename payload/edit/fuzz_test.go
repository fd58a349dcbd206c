package edit_test

import (
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
// value is where it was put, and taking away what was new gives the same bytes.
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
		if err != nil && !regexp.MustCompile(`[.\[/]`).MatchString(path) {
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
		if !strings.Contains(string(document), "kept") && !strings.Contains(string(document), `\u`) && !strings.Contains(string(document), `:""`) &&
			!strings.Contains(string(document), `: ""`) {
			assert.Contains(t, string(got), "[12345678901234567890.10, 1E400]")
		}
	})
}

func assertHarmless(t *testing.T, err error) {
	t.Helper()
	assert.Equal(t, err.Error(), payload.Printable(err.Error()))
	if e, ok := errors.AsType[*edit.Error](err); ok {
		assert.Equal(t, e.Hint, payload.Printable(e.Hint))
	}
}
