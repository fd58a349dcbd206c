package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

func TestEveryFilterKeyIsAFlagAndExplained(t *testing.T) {
	for _, key := range replay.FilterKeys() {
		require.NotNil(t, findFlag(inspectCommand(), "--"+key), key)
		assert.Regexp(t, `(?m)^  (since, )?`+key+`[ ,]`, filtersHelp)
	}
	for line := range strings.Lines(filtersHelp) {
		assert.LessOrEqual(t, len(strings.TrimSpace(line)), 79, line)
	}
}
