package ngrok_test

import (
	"testing"

	"go.uber.org/goleak"
)

// lingering are goroutines of ngrok's library that may outlive a tunnel for a
// while and hold nothing: its pause between attempts cannot be interrupted
// (up to 30 s, then it ends), the heartbeat check of a broken session waits
// for its next deadline (25 s by default), and a heartbeat's requester stays
// when its session closes between an answer and its receipt.
var lingering = []goleak.Option{
	goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*reconnectingSession).connect"),
	goleak.IgnoreAnyFunction("golang.ngrok.com/muxado/v2.(*Heartbeat).check"),
	goleak.IgnoreAnyFunction("golang.ngrok.com/muxado/v2.(*Heartbeat).requester"),
}

// stuck are goroutines that the library leaves for good when a session ends
// while a connection comes in: it takes a read lock twice, and waits for the
// write lock in between. Only the test of closing under load gets there.
var stuck = []goleak.Option{
	goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*session).handleProxy"),
	goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*shutdown).Shut"),
	goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*tunnel).Accept"),
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, append(stuck, lingering...)...) }
