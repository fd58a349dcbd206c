package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

func TestTheTableFitsTheTerminal(t *testing.T) {
	all := []*hub.Webhook{
		{ID: strings.Repeat("a", 24), URL: "https://hooks.example.com/a/long/way/to/go?secret=hush", State: hub.Enabled,
			Watched: []hub.Watched{{Type: hub.Model, Name: "acme/bert"}, {Type: hub.Dataset, Name: "acme/数据数据数据数据数据数据数据数据数据"}}},
		{ID: strings.Repeat("b", 24), Job: &hub.Job{SpaceID: "acme/demo"}, State: hub.Suspended, LastTriggerAt: time.Now(),
			Watched: []hub.Watched{{Type: hub.Org, Name: "acme"}}},
		{ID: strings.Repeat("c", 24), URL: "https://a.example.com", State: hub.State(strings.Repeat("x", 80)),
			Watched: []hub.Watched{{Type: hub.Org, Name: "acme"}}},
	}
	table := func(width int) (string, []string) {
		var out bytes.Buffer
		s := newScreen(&out, true)
		s.width = width
		webhookTable(s, all)
		return out.String(), strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}
	for _, width := range []int{70, 80, 100, 120, 200} {
		text, lines := table(width)
		require.Len(t, lines, 4)
		for _, line := range lines {
			assert.LessOrEqual(t, columns(line), width, line)
		}
		assert.Equal(t, width >= wideTable, strings.Contains(text, "LAST"))
		assert.Contains(t, lines[2], "suspended", width)
		assert.Contains(t, lines[1], "model:", width)
		assert.NotContains(t, text, "hush")
	}
	text, _ := table(0) // a pipe
	assert.Contains(t, text, "https://hooks.example.com/a/long/way/to/go?secret=[redacted]  model:acme/bert dataset:acme/")
	assert.NotContains(t, text, "…")
}
