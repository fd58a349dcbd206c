package receiver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

const (
	// slotWait is how long a delivery waits for one of MaxInFlight slots, and
	// a large body for its part of MaxHeld.
	slotWait = 5 * time.Second
	// refuseTimeout bounds the reading from a sender that is not let in.
	refuseTimeout = 5 * time.Second
	// lingerTime and lingerBytes bound what is still read after a refusal.
	lingerTime  = time.Second
	lingerBytes = 256 << 10
	// storeTimeout bounds each call of the store.
	storeTimeout = 10 * time.Second
)

// request is one request under way.
type request struct {
	s        *Server
	w        http.ResponseWriter
	r        *http.Request
	rc       http.ResponseController
	path     string // as it came, escaped
	endpoint string
	at       time.Time
	body     []byte // as much as was read
	whole    bool   // nothing of it is left unread
	begun    bool   // the body is read
	held     int64  // of the room for large bodies
}

// ServeHTTP receives one request. It makes a Server part of another one's mux;
// what Options say about connections and headers is then up to that server.
// With a Store and handlers, the first request starts the server's own
// dispatcher, and Shutdown ends it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{s: s, w: w, r: r, rc: *http.NewResponseController(w), path: r.URL.EscapedPath(), at: now()}
	q.whole = r.Body == nil || r.Body == http.NoBody
	if err := s.start(); err == nil && q.path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		s.landing(w, r)
		return
	}
	q.serve()
	q.linger()
}

func (q *request) serve() {
	if q.s.startErr != nil {
		q.answerError(http.StatusInternalServerError, "the receiver is not set up: see its log")
		return
	}
	endpoint, found := q.s.route(q.path)
	q.endpoint = endpoint
	switch {
	case found && q.r.Method == http.MethodPost:
		q.receive()
	case q.path == "/":
		allow := "GET, HEAD"
		if found {
			allow += ", POST"
		}
		q.w.Header().Set("Allow", allow)
		q.answerError(http.StatusMethodNotAllowed, "method not allowed")
	case found:
		q.w.Header().Set("Allow", http.MethodPost)
		q.refuse(&refusal{status: http.StatusMethodNotAllowed, reason: "method " + method(q.r.Method) + " instead of POST"})
	default:
		q.s.log.Debug("no such endpoint", "method", q.r.Method, "path", q.path)
		q.answerError(http.StatusNotFound, "no such endpoint")
	}
}

// method keeps a made-up method from becoming part of a message.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// receive authenticates, limits, records and acknowledges, in this order.
func (q *request) receive() {
	if no := q.s.secrets.check(q.r); no != nil {
		q.refuse(no)
		return
	}
	if len(q.s.secrets) > 0 {
		q.letIn()
	}
	if q.compressed() {
		// The Hub is not known to compress, and what a store keeps and a
		// target gets should be what a person can read.
		q.w.Header().Set("Accept-Encoding", "identity")
		q.refuse(&refusal{status: http.StatusUnsupportedMediaType, reason: "compressed body"})
		return
	}
	defer q.letGo()
	if no := q.read(); no != nil {
		q.refuse(no)
		return
	}
	q.letIn() // without a secret, to have sent all of it is all that one can show
	if !q.slot() {
		q.w.Header().Set("Retry-After", "5")
		q.refuse(&refusal{status: http.StatusServiceUnavailable, reason: "too many deliveries at once"})
		return
	}
	defer func() { <-q.s.slots }()
	p, err := payload.Decode(q.body)
	if q.s.o.Store == nil {
		q.handle(p, err)
		return
	}
	q.keep(p, err)
}

// compressed reports whether the body is in a coding.
func (q *request) compressed() bool {
	for _, codings := range q.r.Header["Content-Encoding"] {
		for coding := range strings.SplitSeq(codings, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return true
			}
		}
	}
	return false
}

// slot waits until the delivery may be received, and takes one of the slots.
func (q *request) slot() bool {
	select {
	case q.s.slots <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(slotWait)
	defer timer.Stop()
	select {
	case q.s.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-q.r.Context().Done():
	}
	return false
}

// handle runs the handler and answers with its result.
func (q *request) handle(p *payload.Payload, decodeErr error) {
	if decodeErr != nil {
		q.s.log.Warn("undecodable delivery", "endpoint", q.endpoint, "err", decodeErr)
		q.answerJSON(http.StatusUnprocessableEntity, undecodable(decodeErr))
		return
	}
	if q.debug() {
		q.s.log.Debug("delivery", "endpoint", q.endpoint, "summary", p.Describe())
	}
	h := q.s.handlers[q.endpoint]
	if h == nil {
		q.answerJSON(http.StatusOK, emptyObject)
		return
	}
	res := q.s.call(withDelivery(q.r.Context(), func() *replay.Delivery { return q.delivery(p, nil) }), q.endpoint, h, p)
	q.answerJSON(res.status, res.body)
}

// keep stores the delivery and acknowledges it.
func (q *request) keep(p *payload.Payload, decodeErr error) {
	d := q.delivery(p, decodeErr)
	targets := q.s.targetsFor(d)
	receipt, err := q.store(d, targets)
	if err != nil {
		// Nothing is acknowledged that is not kept.
		q.s.log.Error("delivery not stored", "endpoint", q.endpoint, "err", err)
		q.w.Header().Set("Retry-After", "10")
		q.answerError(http.StatusServiceUnavailable, "the delivery could not be stored")
		return
	}
	if q.debug() {
		q.s.log.Debug("delivery stored", "id", receipt.DeliveryID, "endpoint", q.endpoint, "verdict", d.Verdict, "repeat", receipt.Arrival.Repeat, "summary", d.Summary)
	}
	var sent bool
	var status int
	switch wrong := q.s.wrong(); {
	case wrong != 0:
		status, sent = q.fail(wrong, "failing on purpose")
	case decodeErr != nil:
		status = http.StatusUnprocessableEntity
		sent = q.answerJSON(status, undecodable(decodeErr))
	case q.s.o.Ack == AckHandler && len(targets) > 0:
		status, sent = q.answerOf(receipt, targets[0])
	default:
		status = http.StatusOK
		sent = q.answerJSON(status, emptyObject)
	}
	if sent {
		q.answered(receipt, status)
	}
}

// store keeps an arrival. A sender that hangs up now does not stop it: what
// was received whole is worth keeping.
func (q *request) store(d *replay.Delivery, targets []string) (replay.Receipt, error) {
	if q.s.base.Err() != nil {
		return replay.Receipt{}, http.ErrServerClosed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.r.Context()), storeTimeout)
	defer cancel()
	return q.s.o.Store.Append(ctx, replay.Incoming{Delivery: *d, Arrival: d.Arrivals[0], Targets: targets})
}

// answered notes an answer that went out.
func (q *request) answered(receipt replay.Receipt, status int) {
	if err := q.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return // the sender did not get it, so its next try is a retry
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.r.Context()), storeTimeout)
	defer cancel()
	if err := q.s.o.Store.Answered(ctx, receipt.Arrival.ID, status); err != nil {
		q.s.log.Warn("answer not noted", "id", receipt.DeliveryID, slog.Int("status", status), "err", err)
	}
}

// debug keeps the busy path from making arguments that nobody reads.
func (q *request) debug() bool { return q.s.log.Enabled(q.r.Context(), slog.LevelDebug) }

// now is the time to the precision that a store keeps.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
