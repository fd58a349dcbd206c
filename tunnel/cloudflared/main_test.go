package cloudflared_test

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/cloudflared"
	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
)

// parentOf makes the test binary open a tunnel with the program of that path,
// and wait to be killed.
const parentOf = "CLOUDFLARED_TEST_PARENT_OF"

func TestMain(m *testing.M) {
	cloudflaredtest.Main()
	// Nobody here asks the system's resolver for anything, unless a test says
	// where it is.
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		panic("the system's resolver is asked")
	}}
	if path := os.Getenv(parentOf); path != "" {
		p := cloudflared.Provider{Path: path, Settle: time.Millisecond, Unasked: time.Millisecond, ReadyInterval: time.Millisecond,
			NameServers: func(context.Context, string) ([]string, error) { return nil, errors.New("none") }}
		if _, err := p.Open(context.Background(), tunnel.Options{}); err != nil {
			panic(err)
		}
		<-make(chan struct{})
	}
	goleak.VerifyTestMain(m)
}
