// Command hfhook is the local development loop for Hugging Face Hub webhooks:
// it receives deliveries, shows them, keeps them and sends them again.
package main

import (
	"context"
	"io"
	"log"
	"os"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "0.0.0-dev"

func main() {
	os.Exit(program())
}

func program() int {
	// net/http logs what a handler says unasked, the secret too.
	log.SetOutput(io.Discard)
	var s signals
	ctx, stop := s.listen(context.Background())
	defer stop()
	return report(os.Stderr, run(ctx, os.Args, os.Stdout, os.Stderr))
}
