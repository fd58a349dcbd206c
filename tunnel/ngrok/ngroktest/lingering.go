package ngroktest

import "go.uber.org/goleak"

// Lingering are goroutines of ngrok's library that outlive a tunnel and hold
// nothing, for tests that look for goroutines left behind: its pause between
// attempts cannot be interrupted (up to 30 s, then it ends), and the two
// halves of the heartbeat notice the end of a session only when their next
// time comes.
func Lingering() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*reconnectingSession).connect"),
		goleak.IgnoreAnyFunction("golang.ngrok.com/muxado/v2.(*Heartbeat).check"),
		goleak.IgnoreAnyFunction("golang.ngrok.com/muxado/v2.(*Heartbeat).requester"),
	}
}

// Stuck are goroutines that the library leaves for good when a session ends
// while a connection comes in: it takes a read lock twice, and waits for the
// write lock in between. It takes a tunnel that is closed or cut under load.
func Stuck() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*session).handleProxy"),
		goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*shutdown).Shut"),
		goleak.IgnoreAnyFunction("golang.ngrok.com/ngrok/v2/internal/tunnel/client.(*tunnel).Accept"),
	}
}
