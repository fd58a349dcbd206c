package hub_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever uses the client or the fake Hub gets the standard library and nothing
// else.
func TestDependencies(t *testing.T) {
	out, err := exec.CommandContext(limited(t), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".", "./hubtest").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.ElementsMatch(t, []string{"github.com/hfhook/hfhook/hub", "github.com/hfhook/hfhook/hub/hubtest"}, strings.Fields(string(out)))
}
