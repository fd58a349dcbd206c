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
	asked := make(chan string, 20)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.RequestURI
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		answer(200, "[]")(w, r)
	}))
	child := func(endpoint, variable string) string {
		cmd := exec.CommandContext(limited(t), os.Args[0], "-test.run=^$")
		for _, pair := range os.Environ() { // nobody else's proxy
			if name, _, _ := strings.Cut(pair, "="); !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
				cmd.Env = append(cmd.Env, pair)
			}
		}
		cmd.Env = append(cmd.Env, childHub+"="+endpoint, variable+"="+strings.Replace(proxy.URL, "//", "//user:password@", 1))
		out, err := cmd.CombinedOutput()
		assert.Equal(t, len(out) == 0, err == nil, "%v", err)
		assert.NotContains(t, string(out), "password")
		return string(out)
	}
	assert.Empty(t, child("http://hub.invalid", "HTTP_PROXY"))
	assert.Equal(t, "GET http://hub.invalid/api/settings/webhooks", <-asked)

	assert.Contains(t, child("https://hub.invalid", "HTTPS_PROXY"), "https://hub.invalid cannot be reached (the proxy answered 407 Proxy Authentication Required)")
	assert.Equal(t, "CONNECT hub.invalid:443", <-asked)
	assert.Empty(t, asked, "no second try")

	proxy.Close()
	assert.Contains(t, child("https://hub.invalid", "HTTPS_PROXY"), "https://hub.invalid cannot be reached (the proxy: connection refused)")
}
