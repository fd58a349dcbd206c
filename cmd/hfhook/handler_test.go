package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// handlerProgram is the handler of a user: a program of its own that prints a
// line for each delivery. It can be made to behave badly.
func handlerProgram() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	status := flag.Int("status", 200, "status of each answer")
	body := flag.String("body", "", "body of each answer")
	delay := flag.Duration("delay", 0, "time before each answer, unless the caller hangs up")
	kind := flag.String("bot", "", "a handler that hfhook check looks at, see newBot")
	flag.Parse()

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s\n", listener.Addr())
	if *kind != "" {
		fmt.Fprintln(os.Stderr, http.Serve(listener, newBot(*kind, os.Getenv("WEBHOOK_SECRET"))))
		return
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		fmt.Printf("%s %s sha256=%x id=%s secret=%s type=%s\n", r.Method, r.RequestURI, sha256.Sum256(got),
			r.Header.Get("Webhook-Id"), r.Header.Get("X-Webhook-Secret"), r.Header.Get("Content-Type"))
		select {
		case <-time.After(*delay):
		case <-r.Context().Done():
		}
		w.WriteHeader(*status)
		io.WriteString(w, *body)
	})
	fmt.Fprintln(os.Stderr, http.Serve(listener, handler))
}
