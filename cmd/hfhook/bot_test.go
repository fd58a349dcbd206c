package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// newBot is a bot as a user would write it, and as it should be when kind is
// "good". Others have one mistake each. GET /count tells what it has done, and
// GET /talks says more than it is asked.
func newBot(kind, secret string) http.Handler {
	b := &userBot{kind: kind, secret: secret, done: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		fmt.Fprintln(w, b.count)
	})
	mux.HandleFunc("GET /talks", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
		time.Sleep(5 * time.Millisecond) // until nobody expects more
		fmt.Fprintf(conn, "and %s", secret)
	})
	if kind == "redirects" {
		mux.Handle("POST /hook/", b)
	} else {
		mux.Handle("POST /hook", b)
	}
	if kind != "blocks" {
		return mux
	}
	var one sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		mux.ServeHTTP(w, r)
	})
}

type userBot struct {
	kind, secret string

	mu    sync.Mutex
	done  map[string]bool
	count int
}

func (b *userBot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	got := r.Header.Get("X-Webhook-Secret")
	switch {
	case b.kind == "hmac":
		// What it got is what it says, and that to a terminal.
		http.Error(w, "bad signature \x1b[31m for "+got, http.StatusUnauthorized)
		return
	case b.kind == "closes":
		panic(http.ErrAbortHandler)
	case b.kind == "never":
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Println("asked")
		<-r.Context().Done()
		return
	case b.kind != "open" && got != b.secret:
		http.Error(w, "wrong secret", http.StatusForbidden)
		return
	}
	limit := int64(16 << 20)
	if b.kind == "small" {
		limit = 1 << 20
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var p struct {
		Event   struct{ Scope, Action string }
		Repo    struct{ Type string }
		Comment *struct{ Content *string }
	}
	switch {
	case b.kind == "half":
		_ = json.Unmarshal(body, &p)
	case err != nil || json.Unmarshal(body, &p) != nil || p.Event.Scope == "":
		http.Error(w, "no payload", http.StatusBadRequest)
		return
	case b.kind == "strict" && !slices.Contains([]string{"model", "dataset", "space"}, p.Repo.Type):
		http.Error(w, `{"detail":"Input should be 'dataset', 'model' or 'space'"}`, http.StatusUnprocessableEntity)
		return
	case b.kind == "hidden" && p.Comment != nil && p.Comment.Content == nil:
		http.Error(w, "KeyError: 'content'", http.StatusInternalServerError)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if id := r.Header.Get("Webhook-Id"); b.kind == "twice" || !b.done[id] {
		b.done[id] = true
		b.count++
	}
	fmt.Fprintln(w, "ok")
}
