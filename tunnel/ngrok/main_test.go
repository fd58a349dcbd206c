package ngrok_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, append(ngroktest.Stuck(), ngroktest.Lingering()...)...)
}
