package main

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The disk that fails is for tests: the program does not have it.
func TestTheProgramLinksNoFaults(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "github.com/hfhook/hfhook/replay/sqlite\n")
	assert.NotContains(t, string(out), "faultfs")
}
