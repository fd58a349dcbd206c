package hub_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

const childHub = "TEST_HUB_OF_CHILD"

// listAsChild lists the webhooks in a process of its own, because net/http
// reads the proxy variables once.
func listAsChild(endpoint string) int {
	c, err := hub.New(hub.Options{Endpoint: endpoint, Token: hub.Token{Value: "hf_made_up"}, Timeout: 20 * time.Second})
	if err == nil {
		_, err = c.List(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func TestProxyVariables(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		answer(200, "[]")(w, r)
	}))
	defer proxy.Close()
	cmd := exec.CommandContext(limited(t), os.Args[0], "-test.run=^$")
	for _, pair := range os.Environ() { // nobody else's proxy
		if name, _, _ := strings.Cut(pair, "="); !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, childHub+"=http://hub.invalid", "HTTP_PROXY="+proxy.URL)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, []string{"GET http://hub.invalid/api/settings/webhooks"}, asked)
}
