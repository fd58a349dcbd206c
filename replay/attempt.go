package replay

import (
	"net/http"
	"time"
)

// Attempt is one time that a delivery was sent to a target.
type Attempt struct {
	ID         int64 // increasing over all attempts of a store; 0: not kept
	DeliveryID int64
	// ArrivalID is the newest arrival that was known when a live attempt
	// began. Finish takes the delivery out of the queue for it and earlier
	// ones: an arrival that came in meanwhile is still to be sent. 0: for all.
	ArrivalID int64
	Target    string // Target.Name
	Kind      Kind
	Started   time.Time // UTC, to the microsecond
	Duration  time.Duration

	// Sent is what was sent in place of what is kept, when it was edited; nil:
	// the delivery itself.
	Sent *Sent

	Status int         // HTTP status of the answer; 0 when there was none
	Header http.Header // of the answer
	Body   []byte      // of the answer, cut at MaxAnswer
	// BodyCut reports that the answer was longer than Body.
	BodyCut bool

	// Exit is the exit code of a command, whose output is Body; nil when it had
	// none, and for all other targets.
	Exit *int

	Failure Failure // empty when the target answered, whatever the status
	Error   string  // the failure in words, without secrets
}

// MaxAnswer is how much of a target's answer an attempt keeps, in bytes.
const MaxAnswer = 256 << 10

// Sent is an edited delivery, with the secret redacted as in the one that is
// kept.
type Sent struct {
	Header http.Header
	Body   []byte
}

// OK reports whether the target answered with a 2xx, completely, or was a
// command that ended with exit code 0.
func (a *Attempt) OK() bool {
	if a.Exit != nil {
		return a.Failure == "" && *a.Exit == 0
	}
	return a.Failure == "" && a.Status >= 200 && a.Status < 300
}

// setBody keeps what fits of an answer's body.
func (a *Attempt) setBody(body []byte) {
	if len(body) > MaxAnswer {
		body, a.BodyCut = body[:MaxAnswer:MaxAnswer], true
	}
	a.Body = body
}

// Kind says why an attempt was made.
type Kind string

const (
	Live     Kind = "live"   // the dispatcher, because the delivery arrived
	Replayed Kind = "replay" // somebody asked for it

	// Those that came with a file were made elsewhere: see package archive.
	// Nothing is ever sent to a target because it is named there.
	ImportedLive     Kind = "imported-live"
	ImportedReplayed Kind = "imported-replay"
)

// Imported is the kind of an attempt that comes with a file, and false for what
// is no kind.
func (k Kind) Imported() (Kind, bool) {
	switch k {
	case Live, ImportedLive:
		return ImportedLive, true
	case Replayed, ImportedReplayed:
		return ImportedReplayed, true
	}
	return "", false
}

// Original is the kind that an imported attempt had where it was made.
func (k Kind) Original() Kind {
	switch k {
	case ImportedLive:
		return Live
	case ImportedReplayed:
		return Replayed
	}
	return k
}

// Failure classes why no complete answer came. With the first three nothing was
// sent, or only on a kept connection that ended without an answer, where nobody
// knows whether it was read: then the Error says so.
type Failure string

const (
	FailRefused   Failure = "refused"   // no connection, nobody listens there
	FailDNS       Failure = "dns"       // the name is not known
	FailTLS       Failure = "tls"       // the handshake failed
	FailTimeout   Failure = "timeout"   // no complete answer in time
	FailBroken    Failure = "broken"    // the connection ended in the middle
	FailPanic     Failure = "panic"     // a Go handler panicked, or ended its goroutine
	FailCancelled Failure = "cancelled" // we gave up, because we are ending
	FailOther     Failure = "other"
)
