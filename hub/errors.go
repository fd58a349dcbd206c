package hub

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What an *Error can wrap, for callers who decide by it.
var (
	// ErrNoToken: nothing was sent, because there is no token.
	ErrNoToken = errors.New("there is no token")

	// ErrOffline: nothing was sent, because traffic to the Hub is forbidden.
	ErrOffline = errors.New("traffic to the Hub is switched off")

	// ErrInvalid: nothing was sent, because the Hub would not take it.
	ErrInvalid = errors.New("not valid")

	// ErrNotFound: the Hub says that this user has no such webhook or log.
	ErrNotFound = errors.New("not found")
)

// Error says what went wrong with a call to the Hub, and what to do about it.
// No field holds a token or secret, and all of them print safely.
type Error struct {
	Op        string // what was attempted: "list the webhooks"
	Status    int    // HTTP status; 0: no answer, or nothing sent
	Code      string // the Hub's own code for the cause, as "RepoNotFound"; may be empty
	Message   string // what the Hub says; without an answer, what is wrong; may be empty
	RequestID string // what to quote to the Hub's support; may be empty
	Hint      string // what the user can do; may be empty

	// RetryAfter is how long the Hub asks to wait; 0: it does not.
	RetryAfter time.Duration

	Err error // the cause, or one of the errors of this package; may be nil
}

// Error tells all but the hint, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("cannot " + e.Op)
	if e.Status != 0 {
		b.WriteString(strings.TrimRight(fmt.Sprintf(": the Hub answered %d %s", e.Status, http.StatusText(e.Status)), " "))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Code != "" {
		b.WriteString(" [" + e.Code + "]")
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// hint says what the user can do about an answer other than 2xx.
func (c *Client) hint(q *request, resp *http.Response, e *Error, html bool, redact redactor) string {
	switch {
	case e.Status >= 300 && e.Status < 400:
		to := "elsewhere"
		if u, err := resp.Location(); err == nil && u.Host != "" {
			to = "to " + bounded(redact.line(u.Scheme+"://"+u.Host), 200)
		}
		return "it redirects " + to + ", where the token was not sent: if that is the Hub, set HF_ENDPOINT to it"
	case e.Status == http.StatusTooManyRequests && e.RetryAfter > 0:
		return fmt.Sprintf("wait %s, then try again", e.RetryAfter)
	case e.Status == http.StatusTooManyRequests:
		return "wait a few minutes, then try again"
	case e.Status == http.StatusProxyAuthRequired:
		return "the proxy wants a login: see HTTPS_PROXY"
	case html && e.Status < 500, e.Status == http.StatusNotFound && e.Err == nil:
		return fmt.Sprintf("is %s a Hub, and does no proxy answer for it? see HF_ENDPOINT", c.endpoint)
	case e.Status == http.StatusUnauthorized:
		return c.tokenHint()
	case e.Status == http.StatusForbidden && q.right != "":
		return fmt.Sprintf("%s may lack the right %s: give it that right at %s/settings/tokens, or use a token with the role write"+
			" (a browser login needs the scope webhooks)", c.token().named(), q.right, c.endpoint)
	case e.Status == http.StatusNotFound:
		return fmt.Sprintf("check the id at %s/settings/webhooks: it must belong to the user of the token", c.endpoint)
	case e.Status >= 500:
		return "try again later, and see https://status.huggingface.co"
	}
	return ""
}

// tokenHint is for a token that the Hub does not take.
func (c *Client) tokenHint() string {
	where := c.endpoint + "/settings/tokens"
	switch t := c.token(); {
	case t.Expired(time.Now()) && t.Refreshable:
		return fmt.Sprintf("%s expired: run `hf auth whoami`, which renews it, or `hf auth login`", t.named())
	case t.Expired(time.Now()):
		return fmt.Sprintf("%s expired: run `hf auth login`, or make one at %s", t.named(), where)
	default:
		return fmt.Sprintf("%s is not valid at %s: copy it again, or make one at %s", t.named(), c.endpoint, where)
	}
}

// reject is an Error about something that was not sent.
func reject(op, message, hint string, cause error) *Error {
	return &Error{Op: op, Message: cmp.Or(message, cause.Error()), Hint: hint, Err: cause}
}
