package ssh_test

import (
	"testing"

	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func TestOwnServerKeepsTheContract(t *testing.T) {
	tunneltest.Run(t, func(t *testing.T) tunneltest.Case { return sshtest.StartServer(t).Case() })
}
