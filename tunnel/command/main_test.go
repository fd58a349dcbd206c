package command_test

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/command"
	"github.com/hfhook/hfhook/tunnel/command/commandtest"
)

// parentOf makes the test binary open a tunnel with that command, and wait to
// be killed.
const parentOf = "COMMAND_TEST_PARENT_OF"

func TestMain(m *testing.M) {
	commandtest.Main()
	if line := os.Getenv(parentOf); line != "" {
		p := command.Provider{Command: line, URLPattern: commandtest.Pattern}
		if _, err := p.Open(context.Background(), tunnel.Options{}); err != nil {
			panic(err)
		}
		<-make(chan struct{})
	}
	goleak.VerifyTestMain(m)
}
