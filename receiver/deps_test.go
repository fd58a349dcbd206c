package receiver_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who imports payload or receiver links these rooms, the standard library and
// its annexes for HTTP and for waiting: no tunnel, no database driver, no terminal library.
func TestDependenciesAreFew(t *testing.T) {
	const module = "github.com/hfhook/hfhook/"
	for room, want := range map[string][]string{
		"payload":               {"payload"},
		"payload/sample":        {"payload", "payload/sample"},
		"receiver":              {"payload", "replay", "receiver"},
		"receiver/receivertest": {"payload", "payload/sample", "replay", "receiver/receivertest"},
		"receiver/check":        {"payload", "payload/sample", "replay", "receiver/check"},
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+room).Output()
		require.NoError(t, err)
		var got []string
		for path := range strings.FieldsSeq(string(out)) {
			if !strings.HasPrefix(path, "golang.org/x/net/http/") && path != "golang.org/x/net/idna" && path != "golang.org/x/sync/semaphore" && !strings.HasPrefix(path, "golang.org/x/text/") {
				got = append(got, strings.TrimPrefix(path, module))
			}
		}
		assert.ElementsMatch(t, want, got, room)
	}
}
