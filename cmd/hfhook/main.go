// Command hfhook is the local development loop for Hugging Face Hub webhooks:
// it receives deliveries, shows them, keeps them and sends them again.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "0.0.0-dev"

func main() {
	os.Exit(program())
}

func program() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// A second Ctrl-C ends the program at once.
	context.AfterFunc(ctx, stop)

	err := run(ctx, os.Args, os.Stdout, os.Stderr)
	return report(os.Stderr, err)
}
