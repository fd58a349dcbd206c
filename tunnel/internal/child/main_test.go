package child_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel/internal/child"
	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
)

// parentOf makes the test binary start a program, and wait to be killed.
const parentOf = "CHILD_TEST_PARENT_OF"

func TestMain(m *testing.M) {
	childtest.Main()
	if path := os.Getenv(parentOf); path != "" {
		if _, err := child.Start(child.Program{Path: path, Redact: child.Redactor()}); err != nil {
			panic(err)
		}
		<-make(chan struct{})
	}
	goleak.VerifyTestMain(m)
}
