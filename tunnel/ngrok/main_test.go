package ngrok_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

// stuck are goroutines that the library leaves for good when a session ends
// while a connection comes in: it takes a read lock twice, and waits for the
// write lock in between. Only the test of closing under load gets there.
var stuck = []goleak.Option{
	goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*session).handleProxy"),
	goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*shutdown).Shut"),
	goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*tunnel).Accept"),
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, append(stuck, ngroktest.Lingering()...)...) }
