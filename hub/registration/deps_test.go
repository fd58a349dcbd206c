package registration_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The journal needs a lock, and the package nothing else.
func TestDependencies(t *testing.T) {
	out, err := exec.CommandContext(limited(t), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Subset(t, []string{
		"github.com/hfhook/hfhook/hub", "github.com/hfhook/hfhook/hub/registration", "github.com/gofrs/flock",
		"golang.org/x/sys/unix", "golang.org/x/sys/windows",
	}, strings.Fields(string(out)))
}
