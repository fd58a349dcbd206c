package hubtest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/hfhook/hfhook/hub"
)

// setting is a webhook, and what the Hub knows about it.
type setting struct {
	hub.Webhook
	extra    map[string]json.RawMessage
	triggers []time.Time // of the last 24 hours
	failures int         // deliveries in a row
	activity []*Delivery
}

// Register makes a webhook for both domains.
func (h *Hub) Register(url string, secret hub.Secret, watched ...hub.Watched) *hub.Webhook {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &setting{extra: map[string]json.RawMessage{}, Webhook: hub.Webhook{
		ID: newID(), State: hub.Enabled, URL: url, Secret: secret,
		Watched: slices.Clone(watched), Domains: []hub.Domain{hub.DomainRepo, hub.DomainDiscussion},
	}}
	h.settings = append(h.settings, s)
	return s.copy()
}

// Webhook is a setting as it is, with its secret. Nil: there is none.
func (h *Hub) Webhook(id string) *hub.Webhook {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.find(id); s != nil {
		return s.copy()
	}
	return nil
}

// Webhooks are all settings, the oldest first.
func (h *Hub) Webhooks() []*hub.Webhook {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*hub.Webhook, len(h.settings))
	for i, s := range h.settings {
		all[i] = s.copy()
	}
	return all
}

func (s *setting) copy() *hub.Webhook {
	w := s.Webhook
	w.Watched, w.Domains = slices.Clone(w.Watched), slices.Clone(w.Domains)
	w.HasSecret = w.Secret != ""
	if w.Job != nil {
		w.Job = new(*w.Job)
	}
	return &w
}

// find gives nil for an unknown id. The caller holds the mutex, here and below.
func (h *Hub) find(id string) *setting {
	if i := slices.IndexFunc(h.settings, func(s *setting) bool { return s.ID == id }); i >= 0 {
		return h.settings[i]
	}
	return nil
}

func (h *Hub) mustFind(id string) *setting {
	h.t.Helper()
	s := h.find(id)
	if s == nil {
		h.t.Fatalf("hubtest: there is no webhook %s", id)
	}
	return s
}

func (h *Hub) remove(id string) {
	h.settings = slices.DeleteFunc(h.settings, func(s *setting) bool { return s.ID == id })
}

// shown is a setting as answers have it.
func (h *Hub) shown(s *setting) map[string]any {
	m := map[string]any{"id": s.ID, "disabled": s.State, "watched": s.Watched, "domains": s.Domains}
	if s.URL != "" {
		m["url"] = s.URL
	}
	if s.JobSourceID != "" {
		m["jobSourceId"] = s.JobSourceID
	}
	if j := s.Job; j != nil { // not arch, attempts and volumes
		job := map[string]any{
			"flavor": j.Flavor, "environment": j.Environment, "timeoutSeconds": nil, "spaceId": nil,
			"command": j.Command, "arguments": j.Arguments, "labels": j.Labels,
			"secrets": slices.Sorted(maps.Keys(j.Secrets)),
		}
		if j.TimeoutSeconds != 0 {
			job["timeoutSeconds"] = j.TimeoutSeconds
		}
		if j.SpaceID != "" {
			job["spaceId"] = j.SpaceID
		}
		if j.DockerImage != "" {
			job["dockerImage"] = j.DockerImage
		}
		m["job"] = job
	}
	if !s.LastTriggerAt.IsZero() {
		m["lastTriggerAt"] = s.LastTriggerAt.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	switch {
	case !h.s.showSecrets:
		m["hasSecret"] = s.Secret != ""
	case s.Secret != "":
		m["secret"] = string(s.Secret)
	}
	for key, value := range s.extra {
		m[key] = value
	}
	return m
}
