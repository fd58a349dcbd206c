// Package replay keeps deliveries and sends them again.
//
// A Delivery is one request that arrived at the receiver. A Store keeps it,
// with each of its arrivals and attempts. A Target is where it is sent: the
// Dispatcher sends new deliveries to their targets as they arrive, in order for
// each repo, and a replay sends an old one the very same way.
package replay

import (
	"net/http"
	"slices"
	"time"

	"github.com/hfhook/hfhook/payload"
)

// Redacted stands where a secret stood: in the value of the X-Webhook-Secret
// header and of the "secret" query parameter of a kept delivery.
const Redacted = "[redacted]"

// Header names that the Hub gives a meaning.
// Source: https://huggingface.co/docs/hub/webhooks
const (
	HeaderSecret    = "X-Webhook-Secret"
	HeaderWebhookID = "Webhook-Id"
)

// Delivery is one request that arrived at the receiver, as it is kept.
type Delivery struct {
	// ID is small, increasing and never used twice. 0: not kept.
	ID int64

	// WebhookID is the Webhook-Id header: the same on the Hub's retries and
	// replays of a delivery, and so its idempotency key. May be empty.
	WebhookID string

	Method string      // "POST"
	Path   string      // as it came, escaped: "/webhooks/dev"
	Query  string      // as it came, without "?", the secret redacted
	Host   string      // the Host header
	Header http.Header // all others, the secret redacted; keys in canonical form
	Body   []byte      // byte for byte

	// BodySize is the length in bytes of the body that arrived. It is larger
	// than len(Body) only for a rejected delivery whose body was cut.
	BodySize int64

	Endpoint string // the name under /webhooks/, else the path
	Verdict  Verdict
	Reason   string // why it was rejected or could not be decoded

	// What the body says, for lists and filters; empty when undecodable.
	Scope    payload.Scope
	Action   payload.Action
	RepoType payload.RepoType
	Repo     string
	Summary  string // payload.Describe, harmless to print

	// Arrivals is oldest first, at least one on a kept delivery.
	Arrivals []Arrival

	// Attempts is oldest first.
	Attempts []Attempt

	// Queued names the targets that the delivery still has to be sent to.
	Queued []string
}

// Received is when the delivery arrived first.
func (d *Delivery) Received() time.Time {
	if len(d.Arrivals) == 0 {
		return time.Time{}
	}
	return d.Arrivals[0].Time
}

// FailedAt names the targets at which the last attempt failed, in the order in
// which the delivery was first sent to them.
func (d *Delivery) FailedAt() []string {
	var names []string
	last := make(map[string]*Attempt)
	for i := range d.Attempts {
		a := &d.Attempts[i]
		if last[a.Target] == nil {
			names = append(names, a.Target)
		}
		last[a.Target] = a
	}
	return slices.DeleteFunc(names, func(name string) bool { return last[name].OK() })
}

// Verdict is what the receiver made of a delivery.
type Verdict string

const (
	Accepted    Verdict = "accepted"
	Rejected    Verdict = "rejected"    // not let in: secret, size, method
	Undecodable Verdict = "undecodable" // let in, but its body is no JSON object
)

// Arrival is one time that a delivery came in.
type Arrival struct {
	ID         int64 // increasing over all arrivals of a store
	DeliveryID int64
	Time       time.Time // UTC, to the microsecond
	RemoteAddr string
	Repeat     Repeat
	// Answer is the HTTP status that the sender was given; 0 while it is not
	// known to have been given any.
	Answer int
}

// Repeat says how an arrival relates to earlier ones with its Webhook-Id. The
// header does not tell a retry from a replay; the answer we gave before does.
type Repeat string

const (
	First  Repeat = ""       // not seen before
	Retry  Repeat = "retry"  // no earlier arrival is known to have been answered with 2xx
	Replay Repeat = "replay" // one was: somebody asked for it again at the Hub
)
