package hub

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
)

const base = "/api/settings/webhooks"

// List gives all webhooks of the user.
func (c *Client) List(ctx context.Context) ([]*Webhook, error) {
	q := request{op: "list the webhooks", right: RightRead, method: http.MethodGet, path: base}
	var answer []json.RawMessage
	if err := c.do(ctx, q, &answer); err != nil {
		return nil, err
	}
	if answer == nil { // null
		return nil, c.notAHub(q.op)
	}
	all := make([]*Webhook, len(answer))
	for i, raw := range answer {
		var err error
		if all[i], _, err = decodeWebhook(raw); err != nil {
			return nil, c.notAHub(q.op)
		}
	}
	return all, nil
}

// Get gives one webhook.
func (c *Client) Get(ctx context.Context, id string) (*Webhook, error) {
	w, _, err := c.one(ctx, request{op: "get webhook", right: RightRead, method: http.MethodGet}, id, "")
	return w, err
}

// Create makes a webhook.
func (c *Client) Create(ctx context.Context, s Settings) (*Webhook, error) {
	q := request{op: "create the webhook", right: RightWrite, method: http.MethodPost, path: base}
	if err := s.check(); err != nil {
		return nil, reject(q.op, err.Error(), "", ErrInvalid)
	}
	q.body, q.secrets = mustJSON(s.body()), s.secrets()
	w, _, err := c.webhook(ctx, q)
	return w, err
}

// Update reads a webhook, merges the change into it, and writes it back whole,
// because the Hub would clear what is left out. What somebody else changes in
// between is lost.
func (c *Client) Update(ctx context.Context, id string, ch Change) (*Webhook, error) {
	q := request{op: "change webhook", right: RightRead, method: http.MethodGet}
	named := Settings{URL: ch.URL, Job: ch.Job, JobSourceID: ch.JobSourceID, Watched: ch.Watched, Domains: ch.Domains}
	switch err := named.checkParts(); {
	case ch.Secret == nil:
		return nil, reject(q.op, "the change does not say what becomes of the secret", "", ErrInvalid)
	case err != nil:
		return nil, reject(q.op, err.Error(), "", ErrInvalid)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errLate)
	defer cancel()
	shown, found, err := c.one(ctx, q, id, "")
	if err != nil {
		return nil, err
	}
	body, s, err := ch.merge(shown, found)
	q.op += " " + id
	switch {
	case errors.Is(err, ErrSecretUnknown):
		return nil, reject(q.op, "it has a secret that the Hub does not show, and may lose it", "give the secret again", err)
	case errors.Is(err, ErrJobUnknown):
		return nil, reject(q.op, "it starts a job that the Hub does not show in full", "give the job again", err)
	case err != nil: // the caller's own rule
		return nil, reject(q.op, newRedactor(append(s.secrets(), string(shown.Secret))...).line(err.Error()), "", err)
	}
	if err := s.check(); err != nil {
		return nil, reject(q.op, err.Error(), "", ErrInvalid)
	}
	if shown.HasSecret && body["secret"] == nil {
		c.log.WarnContext(ctx, "a secret is left out of an update: the webhook may have none afterwards", "webhook", id)
	}
	w, _, err := c.one(ctx, request{
		op: "change webhook", right: RightWrite, method: http.MethodPost, body: mustJSON(body),
		secrets: append(s.secrets(), string(shown.Secret)),
	}, id, "")
	return w, err
}

// Enable makes a webhook fire that was disabled or suspended.
func (c *Client) Enable(ctx context.Context, id string) (*Webhook, error) {
	w, _, err := c.one(ctx, request{op: "enable webhook", right: RightWrite, method: http.MethodPost}, id, "/enable")
	return w, err
}

// Disable makes a webhook fire no more, until Enable.
func (c *Client) Disable(ctx context.Context, id string) (*Webhook, error) {
	w, _, err := c.one(ctx, request{op: "disable webhook", right: RightWrite, method: http.MethodPost}, id, "/disable")
	return w, err
}

// Delete takes a webhook away. One that is gone already is ErrNotFound.
func (c *Client) Delete(ctx context.Context, id string) error {
	q, err := request{op: "delete webhook", right: RightWrite, method: http.MethodDelete}.about(id, "")
	if err != nil {
		return err
	}
	var answer fields
	return c.do(ctx, q, &answer)
}

// Replay makes the Hub send a delivery of its Activity page again, to the
// webhook's URL of now, and gives the HTTP status that the target answered.
func (c *Client) Replay(ctx context.Context, id, logID string) (status int, err error) {
	q, err := request{op: "replay a delivery of webhook", right: RightWrite, method: http.MethodPost}.about(id, "/replay/"+logID)
	if err == nil && !ValidID(logID) {
		err = reject(q.op, "this is no id of a log", "copy it from the Activity page of the webhook", ErrInvalid)
	}
	if err != nil {
		return 0, err
	}
	var answer struct {
		Status *int `json:"status"`
	}
	if err := c.do(ctx, q, &answer); err != nil {
		return 0, err
	}
	if answer.Status == nil {
		return 0, c.notAHub(q.op)
	}
	return *answer.Status, nil
}

var idSyntax = regexp.MustCompile(`^[0-9A-Za-z_-]+$`)

// ValidID reports whether id can be one of a webhook, or of an entry in its log:
// no path, and 100 bytes at most. They are 24 hex digits; who knows for how long.
func ValidID(id string) bool { return len(id) <= 100 && idSyntax.MatchString(id) }

// about makes q a call about one webhook.
func (q request) about(id, action string) (request, error) {
	if !ValidID(id) {
		return q, reject(q.op, "this is no id of a webhook", "the Hub's page of webhooks shows their ids", ErrInvalid)
	}
	q.op += " " + id
	q.path, q.names = base+"/"+id+action, true
	return q, nil
}

// one makes a call about one webhook that answers with it.
func (c *Client) one(ctx context.Context, q request, id, action string) (*Webhook, fields, error) {
	q, err := q.about(id, action)
	if err != nil {
		return nil, nil, err
	}
	return c.webhook(ctx, q)
}

// webhook makes a call that answers with a webhook.
func (c *Client) webhook(ctx context.Context, q request) (*Webhook, fields, error) {
	var answer json.RawMessage
	if err := c.do(ctx, q, &answer); err != nil {
		return nil, nil, err
	}
	w, f, err := decodeWebhook(answer)
	if err != nil {
		return nil, nil, c.notAHub(q.op)
	}
	return w, f, nil
}
