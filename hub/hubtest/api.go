package hubtest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/hfhook/hfhook/hub"
)

// Request is one that the Hub got, and the status that it answered.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte
	Status       int // 0: the client gave up
}

// Requests are the last 10,000 that were answered, in that order.
func (h *Hub) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests)
}

// serve is the Hub's API.
func (h *Hub) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return
	}
	if len(body) > maxBody { // a client that still sends would not see the answer
		_, _ = io.CopyN(io.Discard, r.Body, 16*maxBody)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	seen := &statusWriter{ResponseWriter: w}
	w.Header().Set("X-Request-Id", "Root=1-"+newID())

	h.mu.Lock()
	f := h.s.interrupt
	if h.s.interrupted == 0 {
		f = nil
	} else {
		h.s.interrupted--
	}
	h.mu.Unlock()
	switch {
	case f != nil:
		f(seen, r)
	case len(body) > maxBody:
		refuse(seen, http.StatusRequestEntityTooLarge, "request entity too large")
	default:
		h.answer(seen, r, body)
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.requests) == maxRequests {
		h.requests = slices.Delete(h.requests, 0, maxRequests/10)
	}
	h.requests = append(h.requests, Request{r.Method, r.URL.Path, r.Header.Clone(), body, seen.status})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// refuse answers with a message where the Hub has it.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("X-Error-Message", message)
	answer(w, status, map[string]string{"error": message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (h *Hub) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Header.Get("Authorization") != "Bearer "+h.Token {
		refuse(w, http.StatusUnauthorized, "Invalid credentials in Authorization header")
		return
	}
	path := strings.Trim(r.URL.Path, "/")
	if path == "api/whoami-v2" && r.Method == http.MethodGet {
		h.whoami(w)
		return
	}
	rest, ok := strings.CutPrefix(path+"/", "api/settings/webhooks/")
	part := strings.Split(strings.TrimSuffix(rest, "/"), "/") // id, action, log id
	route := r.Method
	switch {
	case !ok || len(part) > 3 || len(part) == 3 && part[1] != "replay":
		route = ""
	case part[0] != "":
		route += " id"
		if len(part) > 1 {
			route += " " + part[1]
		}
	}

	right := hub.RightWrite
	if r.Method == http.MethodGet {
		right = hub.RightRead
	}
	h.mu.Lock()
	allowed, s := h.may(right), h.find(part[0])
	h.mu.Unlock()
	switch {
	case !slices.Contains([]string{"GET", "POST", "GET id", "POST id", "DELETE id", "POST id enable", "POST id disable", "POST id replay"}, route) ||
		strings.HasSuffix(route, "replay") != (len(part) == 3):
		refuse(w, http.StatusNotFound, "Sorry, we can't find the page you are looking for.")
	case !allowed:
		refuse(w, http.StatusForbidden, "This authentication method does not have sufficient permissions: "+right+" is missing")
	case part[0] != "" && s == nil:
		refuse(w, http.StatusNotFound, "Webhook not found")
	case strings.HasSuffix(route, "replay"):
		h.replay(w, r, s.ID, part[2])
	default:
		if shown, refused := h.change(r, route, part[0], body); refused != nil {
			refuse(w, refused.status, refused.message)
		} else {
			answer(w, http.StatusOK, shown)
		}
	}
}

type refusal struct {
	status  int
	message string
}

// change is all calls that need nobody else.
func (h *Hub) change(r *http.Request, route, id string, body []byte) (any, *refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.find(id)
	if id != "" && s == nil { // deleted since it was looked for
		return nil, &refusal{http.StatusNotFound, "Webhook not found"}
	}
	switch route {
	case "GET":
		all := make([]map[string]any, len(h.settings))
		for i, s := range h.settings {
			all[i] = h.shown(s)
		}
		return all, nil
	case "DELETE id":
		h.remove(id)
		return struct{}{}, nil
	case "POST", "POST id":
		media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		b, message := parse(body)
		switch {
		case media != "application/json":
			message = "the body is not application/json"
		case route == "POST" && len(h.settings) == maxWebhooks:
			message = "there are too many webhooks"
		}
		if message != "" {
			return nil, &refusal{http.StatusBadRequest, message}
		}
		if s == nil {
			s = &setting{Webhook: hub.Webhook{ID: newID(), State: hub.Enabled}}
			h.settings = append(h.settings, s)
		}
		h.replace(s, b)
	case "POST id enable":
		s.State, s.failures = hub.Enabled, 0
	case "POST id disable":
		s.State = hub.Disabled
	}
	return map[string]any{"webhook": h.shown(s)}, nil
}

// replace gives a setting all that the body says, and nothing else.
func (h *Hub) replace(s *setting, b *parsed) {
	job := s.Job
	s.URL, s.Job, s.JobSourceID = b.URL, b.Job, b.JobSourceID
	if s.JobSourceID != "" {
		if s.Job = job; job == nil {
			s.Job = &hub.Job{DockerImage: "python:3.12", Command: []string{"python", "-c", "print(1)"}, Flavor: "cpu-basic"}
		}
	}
	s.Watched, s.Domains = b.Watched, b.Domains
	if b.secret != nil {
		s.Secret = hub.Secret(*b.secret)
	} else if !h.s.keepSecrets {
		s.Secret = ""
	}
	s.extra = map[string]json.RawMessage{}
	for _, key := range h.s.extra {
		if value, ok := b.all[key]; ok {
			s.extra[key] = value
		}
	}
}

func (h *Hub) whoami(w http.ResponseWriter) {
	h.mu.Lock()
	kind, rights := h.s.kind, h.s.rights
	h.mu.Unlock()
	auth := map[string]any{"type": "access_token"}
	token := map[string]any{"displayName": "test", "role": kind, "createdAt": "2026-09-01T00:00:00.000Z"}
	switch kind {
	case hub.TokenOAuth:
		auth = map[string]any{"type": "app_token_as_user", "expiresAt": "2126-09-01T00:00:00.000Z"}
	case hub.TokenFineGrained:
		token["fineGrained"] = map[string]any{"canReadGatedRepos": true, "global": []string{"discussion.write"}, "scoped": []any{
			map[string]any{"entity": map[string]string{"_id": newID(), "type": "user", "name": User}, "permissions": append([]string{"repo.content.read"}, rights...)},
		}}
		fallthrough
	default:
		auth["accessToken"] = token
	}
	answer(w, http.StatusOK, map[string]any{"type": "user", "id": "5e67bdd61009063689407479", "name": User, "fullname": "Ada", "isPro": false,
		"orgs": []any{}, "auth": auth})
}
