package hubtest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/hfhook/hfhook/hub"
)

// Event is something that happened to a repo.
type Event struct {
	Type   hub.WatchedType // of the repo; hub.Model
	Repo   string          // "owner/name"; required
	Scope  string          // "repo.content"
	Action string          // "update"
}

// Trigger lets an event happen: see Send.
func (h *Hub) Trigger(e Event) []*Delivery {
	h.t.Helper()
	if e.Type == "" {
		e.Type = hub.Model
	}
	if e.Scope == "" {
		e.Scope = "repo.content"
	}
	if e.Action == "" {
		e.Action = "update"
	}
	prefix := "/"
	if e.Type != hub.Model {
		prefix = "/" + string(e.Type) + "s/"
	}
	repo := map[string]any{
		"type": e.Type, "name": e.Repo, "id": newID(), "private": false, "owner": map[string]string{"id": newID()},
		"url": map[string]string{"web": h.URL + prefix + e.Repo, "api": h.URL + "/api/" + string(e.Type) + "s/" + e.Repo},
	}
	body := map[string]any{"event": map[string]string{"action": e.Action, "scope": e.Scope}, "repo": repo}
	switch {
	case strings.HasPrefix(e.Scope, "discussion"):
		body["discussion"] = map[string]any{
			"id": newID(), "num": 1, "title": "A question", "status": "open", "isPullRequest": false,
			"author": map[string]string{"id": newID()},
			"url":    map[string]string{"web": h.URL + prefix + e.Repo + "/discussions/1"},
		}
	case e.Scope == "repo.content" && e.Type == hub.Bucket:
		body["updatedFiles"] = []any{map[string]any{"path": "data.bin", "action": "delete"}}
	case e.Scope == "repo.content":
		repo["headSha"] = newID() + "0123456789abcdef"
		body["updatedRefs"] = []any{map[string]any{"ref": "refs/heads/main", "oldSha": newID() + "0123456789abcdef", "newSha": repo["headSha"]}}
	}
	return h.Send(body)
}

// Send delivers an event to every enabled webhook that watches its repo or the
// owner of it, and whose domains fit. The event is anything with the JSON form
// of the Hub's payload, such as a *payload.Payload or a json.RawMessage; its
// "webhook" is made to name each one. It does not wait: Delivery.Wait and
// Settle do.
func (h *Hub) Send(event any) []*Delivery {
	h.t.Helper()
	raw, err := json.Marshal(event)
	var body map[string]json.RawMessage
	var about struct {
		Event struct{ Scope string }
		Repo  struct{ Type, Name string }
	}
	if err = errors.Join(err, json.Unmarshal(raw, &body), json.Unmarshal(raw, &about)); err != nil {
		h.t.Fatalf("hubtest: this is no event: %v", err)
	}
	if about.Event.Scope == "" || about.Repo.Type == "" || about.Repo.Name == "" {
		h.t.Fatalf("hubtest: an event needs event.scope, repo.type and repo.name")
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*Delivery
	for _, s := range h.settings {
		if s.State != hub.Enabled || !s.fits(about.Event.Scope, hub.WatchedType(about.Repo.Type), about.Repo.Name) {
			continue
		}
		body["webhook"], _ = json.Marshal(map[string]any{"id": s.ID, "version": 3})
		d := &Delivery{ID: newID(), LogID: newID(), WebhookID: s.ID, hub: h, done: make(chan struct{})}
		d.Body, _ = json.Marshal(body)
		all = append(all, d)
		h.begin(s, d)
	}
	return all
}

// fits reports whether the setting is for an event.
func (s *setting) fits(scope string, t hub.WatchedType, name string) bool {
	domain, _, _ := strings.Cut(scope, ".")
	owner, _, _ := strings.Cut(name, "/")
	return slices.Contains(s.Domains, hub.Domain(domain)) && slices.ContainsFunc(s.Watched, func(w hub.Watched) bool {
		return w.Type == t && w.Name == name || (w.Type == hub.User || w.Type == hub.Org) && w.Name == owner
	})
}
