package hub

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The rights that webhooks take, as fine-grained tokens name them.
const (
	RightRead  = "user.webhooks.read"
	RightWrite = "user.webhooks.write"
)

// TokenKind is what a token is. The Hub may know more than these.
type TokenKind string

const (
	TokenRead        TokenKind = "read"
	TokenWrite       TokenKind = "write"
	TokenFineGrained TokenKind = "fineGrained"
	TokenOAuth       TokenKind = "oauth" // from a login in the browser
)

// Grant is whether a token may do something.
type Grant string

const (
	Granted Grant = "yes"
	Denied  Grant = "no"
	Unknown Grant = "unknown" // the Hub does not tell: a call will
)

func granted(yes bool) Grant {
	if yes {
		return Granted
	}
	return Denied
}

// Identity is whom a token stands for, and what it may do with webhooks.
type Identity struct {
	Name      string    // of the user
	TokenName string    // as the user called it; may be empty
	Kind      TokenKind // empty: the Hub does not tell
	Expires   time.Time // zero: not that the Hub tells
	Read      Grant     // list and get webhooks
	Write     Grant     // create, change and delete them
}

const whoami = "/api/whoami-v2"

// Ping finds out whether the Hub answers. It takes no token and sends none.
func (c *Client) Ping(ctx context.Context) error {
	var answer fields
	err := c.do(ctx, request{op: "reach the Hub", method: http.MethodGet, path: whoami, anonymous: true}, &answer)
	if e, ok := errors.AsType[*Error](err); ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusTooManyRequests) {
		return nil // so says a Hub
	}
	return err
}

// WhoAmI asks the Hub whose token this is.
func (c *Client) WhoAmI(ctx context.Context) (*Identity, error) {
	var answer struct {
		Name *string         `json:"name"`
		Auth json.RawMessage `json:"auth"`
	}
	q := request{op: "ask whose token this is", method: http.MethodGet, path: whoami}
	if err := c.do(ctx, q, &answer); err != nil {
		return nil, err
	}
	if answer.Name == nil {
		return nil, c.notAHub(q.op)
	}
	id := &Identity{Name: bounded(printable(*answer.Name), 200), Read: Unknown, Write: Unknown}
	id.readAuth(answer.Auth)
	return id, nil
}

// readAuth reads what it knows and leaves the rest unknown.
func (id *Identity) readAuth(raw json.RawMessage) {
	var auth struct {
		Type        string          `json:"type"`
		ExpiresAt   string          `json:"expiresAt"`
		Scopes      json.RawMessage `json:"scopes"`
		AccessToken struct {
			DisplayName string          `json:"displayName"`
			Role        string          `json:"role"`
			Expiration  string          `json:"expiration"`
			FineGrained json.RawMessage `json:"fineGrained"`
		} `json:"accessToken"`
	}
	if json.Unmarshal(raw, &auth) != nil {
		return
	}
	for _, text := range []string{auth.ExpiresAt, auth.AccessToken.Expiration} {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			id.Expires = at
		}
	}
	id.TokenName = bounded(printable(auth.AccessToken.DisplayName), 200)
	id.Kind = TokenKind(bounded(printable(auth.AccessToken.Role), 50))
	switch {
	case strings.HasPrefix(auth.Type, "app_token") || strings.HasPrefix(auth.Type, "oauth"):
		id.Kind = TokenOAuth
		if scopes := texts(auth.Scopes); len(scopes) > 0 {
			id.Write = granted(slices.Contains(scopes, "webhooks"))
			id.Read = id.Write
		}
	case id.Kind == TokenFineGrained:
		id.readFineGrained(auth.AccessToken.FineGrained)
	case id.Kind == TokenWrite, id.Kind == "admin":
		id.Read, id.Write = Granted, Granted
	case id.Kind == TokenRead:
		id.Write = Denied
	}
}

// readFineGrained looks for the rights over the user's own account: webhooks
// belong to nothing else.
func (id *Identity) readFineGrained(raw json.RawMessage) {
	var rights struct {
		Global []string `json:"global"`
		Scoped []struct {
			Entity struct {
				Type string `json:"type"`
				Name string `json:"name"`
			} `json:"entity"`
			Permissions []string `json:"permissions"`
		} `json:"scoped"`
	}
	if json.Unmarshal(raw, &rights) != nil || rights.Global == nil && rights.Scoped == nil {
		return
	}
	all := rights.Global
	for _, s := range rights.Scoped {
		if s.Entity.Type == "user" && strings.EqualFold(s.Entity.Name, id.Name) {
			all = append(all, s.Permissions...)
		}
	}
	id.Read = granted(slices.Contains(all, RightRead))
	id.Write = granted(slices.Contains(all, RightWrite))
}
