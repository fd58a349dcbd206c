package archive_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay/archive"
)

// A file of a stranger may be long, and be made of what takes a hundred times
// its place in memory. It is taken or refused, in memory of about its own size.
func TestReadBoundsMemory(t *testing.T) {
	const size, short = 7 << 19, 1 << 20 // more than a million values, and words
	list := func(head, of, tail string) string {
		return head + strings.Repeat(of+",", size/(len(of)+1)) + of + tail
	}
	record := func(field string) string {
		return `{"v":1,"type":"delivery","time":"2026-11-24T00:00:00Z","verdict":"accepted","endpoint":"dev","method":"POST","path":"/","size":2,"text":"{}","` + field + `":`
	}
	const har = `{"log":{"entries":[{"request":{"method":"POST","url":"http://x/","`
	for name, c := range map[string]struct{ file, want string }{
		"numbers":        {list("[", "1", "]"), "not what a delivery looks like"},
		"attempts":       {list(record("attempts")+"[", "{}", "]}"), "values"},
		"HAR headers":    {list(har+`headers":[`, "{}", "]}}]}}"), "values"},
		"words":          {"curl " + strings.Repeat("a ", short/2), "words"},
		"programs":       {"curl " + strings.Repeat("|", short), "programs"},
		"curl's comment": {"#!/bin/sh\n" + list("# hfhook "+record("attempts")+"[", "{}", "]}"), "values"},
		"lines of a text": {
			"Hfhook-Delivery: 1\n" + strings.Repeat("A:\n", size/6) + "\nPOST /\n" + strings.Repeat("A:\n", size/6) + "\n{}", "lines",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var last error
			for _, err := range archive.Read(strings.NewReader(c.file)) {
				last = err
			}
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, last, c.want)
			var e *archive.FormatError
			require.ErrorAs(t, last, &e)
			assert.NotContains(t, last.Error(), "entry 0")
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(15*len(c.file)))
		})
	}
}
