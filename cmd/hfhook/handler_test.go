package main

import (
	"crypto/rand"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
)

// handlerProgram is the handler of a user: a program of its own that prints a
// line for each delivery, unless it is quick. It can be made to behave badly.
func handlerProgram() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	status := flag.Int("status", 200, "status of each answer")
	body := flag.String("body", "", "body of each answer; {new} in it is something else each time")
	header := flag.String("header", "", "header of each answer, as 'Name: value'")
	show := flag.Bool("show", false, "print headers and bodies too")
	delay := flag.Duration("delay", 0, "time before each answer, unless the caller hangs up")
	quick := flag.Bool("quick", false, "answer at once and print nothing")
	decode := flag.Bool("decode", false, "with -quick, decode each payload first")
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
		if *show {
			for name, values := range r.Header {
				fmt.Printf("%s: %q\n", name, values)
			}
			fmt.Printf("body %s\n", got)
		}
		select {
		case <-time.After(*delay):
		case <-r.Context().Done():
		}
		if name, value, ok := strings.Cut(*header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(*status)
		io.WriteString(w, strings.ReplaceAll(*body, "{new}", rand.Text()))
	})
	if *quick {
		handler = func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil && *decode {
				_, err = payload.Decode(body)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusUnprocessableEntity)
				return
			}
			w.WriteHeader(*status)
		}
	}
	fmt.Fprintln(os.Stderr, http.Serve(listener, handler))
}
