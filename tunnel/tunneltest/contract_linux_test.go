package tunneltest_test

import (
	"testing"

	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func init() {
	providers["ssh, own server"] = func(t *testing.T) tunneltest.Case { return sshtest.StartServer(t).Case() }
}
