package hubtest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hfhook/hfhook/hub"
)

// switches are what a test can turn.
type switches struct {
	kind        hub.TokenKind
	rights      []string
	interrupt   http.HandlerFunc
	interrupted int // how many requests interrupt is still for
	showSecrets bool
	keepSecrets bool
	extra       []string // keys of settings besides those of the documents
}

func (h *Hub) set(f func(*switches)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.s)
}

// Down makes the Hub unreachable: connections break, new ones are refused.
// Deliveries go on.
func (h *Hub) Down() {
	h.mu.Lock()
	s := h.server
	h.mu.Unlock()
	s.CloseClientConnections()
	s.Close()
}

// Up ends Down.
func (h *Hub) Up() {
	h.t.Helper()
	h.listen(strings.TrimPrefix(h.URL, "http://"))
}

// Interrupt lets f answer the next n requests; with n below 0 all of them,
// until Interrupt(0, nil). There are Hang, HTMLError and RateLimited for it.
func (h *Hub) Interrupt(n int, f http.HandlerFunc) {
	if n < 0 {
		n = math.MaxInt
	}
	h.set(func(s *switches) { s.interrupt, s.interrupted = f, n })
}

// Hang answers nothing until the client gives up.
func Hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// HTMLError is 500 with a page for people.
func HTMLError(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = fmt.Fprint(w, "<!doctype html><html><head><title>Error</title></head><body><h1>500</h1><p>Internal Error</p></body></html>")
}

// RateLimited is 429, with wait in all headers that can name it.
func RateLimited(wait time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("RateLimit", fmt.Sprintf(`"api";r=0;t=%d`, seconds))
		w.Header().Set("RateLimit-Policy", `"fixed window";"api";q=1000;w=300`)
		w.Header().Set("Retry-After", fmt.Sprint(seconds))
		refuse(w, http.StatusTooManyRequests, "You have sent too many requests")
	}
}

// TokenIs makes the user's token one of another kind. A fine-grained token and
// one from a login in the browser have the named rights only, which are
// hub.RightRead and hub.RightWrite. Default: hub.TokenWrite.
func (h *Hub) TokenIs(kind hub.TokenKind, rights ...string) {
	h.set(func(s *switches) { s.kind, s.rights = kind, rights })
}

// may reports whether the token has a right. The caller holds the mutex.
func (h *Hub) may(right string) bool {
	switch h.s.kind {
	case hub.TokenWrite:
		return true
	case hub.TokenRead:
		return right == hub.RightRead
	}
	return slices.Contains(h.s.rights, right)
}

// ShowSecrets puts the secret into answers, as the Hub once did. Default: an
// answer has hasSecret only.
func (h *Hub) ShowSecrets(show bool) { h.set(func(s *switches) { s.showSecrets = show }) }

// KeepSecrets makes an update without a secret keep the one that there is.
// Default: it is cleared. What the Hub does is not published.
func (h *Hub) KeepSecrets(keep bool) { h.set(func(s *switches) { s.keepSecrets = keep }) }

// Extra gives settings a key that is in no document, as a later Hub may. An
// update without it clears it.
func (h *Hub) Extra(id, key string, value any) {
	h.t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		h.t.Fatalf("hubtest: %v", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.s.extra = append(h.s.extra, key)
	h.mustFind(id).extra[key] = raw
}

// Edit changes a webhook behind the client's back.
func (h *Hub) Edit(id string, f func(*hub.Webhook)) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.mustFind(id).Webhook)
}

// Remove deletes a webhook behind the client's back.
func (h *Hub) Remove(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(id)
}
