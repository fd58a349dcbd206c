package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// The records of --json: one JSON object per line, described in the README.
// They are stable: fields are added, never renamed or given another meaning.

const recordVersion = 1

type recordHead struct {
	V    int       `json:"v"`
	Type string    `json:"type"`
	Time time.Time `json:"time"`
}

func head(kind string, at time.Time) recordHead {
	return recordHead{recordVersion, kind, at.UTC().Truncate(time.Microsecond)}
}

type readyRecord struct {
	recordHead
	URL      string   `json:"url"`    // to enter at the Hub; local when there is no public one
	Public   bool     `json:"public"` // whether the Hub can reach it
	Local    string   `json:"local"`
	Tunnel   string   `json:"tunnel"`
	Through  string   `json:"through,omitempty"` // who carries the traffic and where TLS ends, in words
	Settings string   `json:"settings"`
	Webhook  string   `json:"webhook,omitempty"` // the id of the session's own
	Secret   string   `json:"secret"`            // where it comes from, never what it is
	Targets  []string `json:"targets"`
	Store    string   `json:"store"`
	Waiting  int      `json:"waiting"` // deliveries of earlier sessions that are still to be sent

	Routes []routeRecord `json:"routes,omitempty"` // those with a name or a filter
	Only   string        `json:"only,omitempty"`   // the words of --only
}

type routeRecord struct {
	Name   string `json:"name,omitempty"`
	Target string `json:"target"`
	If     string `json:"if,omitempty"` // the filter's words
}

type deliveryRecord struct {
	recordHead
	ID        int64           `json:"id"`
	WebhookID string          `json:"webhookId,omitempty"`
	Repeat    replay.Repeat   `json:"repeat,omitempty"`
	Arrivals  []arrivalRecord `json:"arrivals,omitempty"`
	Verdict   replay.Verdict  `json:"verdict"`
	Reason    string          `json:"reason,omitempty"`
	Endpoint  string          `json:"endpoint"`
	Method    string          `json:"method"`
	Path      string          `json:"path"`
	Query     string          `json:"query,omitempty"`
	Host      string          `json:"host,omitempty"`
	Headers   http.Header     `json:"headers,omitempty"`
	Remote    string          `json:"remote,omitempty"`
	Scope     string          `json:"scope,omitempty"`
	Action    string          `json:"action,omitempty"`
	RepoType  string          `json:"repoType,omitempty"`
	Repo      string          `json:"repo,omitempty"`
	Summary   string          `json:"summary,omitempty"`
	Problems  []string        `json:"problems,omitempty"`
	Size      int64           `json:"size"`
	Payload   json.RawMessage `json:"payload,omitempty"` // the body when it is a JSON object
	Body      []byte          `json:"body,omitempty"`    // the body in base64 when it is not
	Queued    []string        `json:"queued,omitempty"`
	Attempts  []attemptRecord `json:"attempts,omitempty"`
}

type arrivalRecord struct {
	Time   time.Time     `json:"time"`
	Repeat replay.Repeat `json:"repeat,omitempty"`
	Remote string        `json:"remote,omitempty"`
	Answer int           `json:"answer,omitempty"`
}

type attemptRecord struct {
	recordHead
	ID         int64          `json:"id"`
	Delivery   int64          `json:"delivery"`
	Target     string         `json:"target"`
	Route      string         `json:"route,omitempty"` // its name in this session
	Kind       replay.Kind    `json:"kind"`
	OK         bool           `json:"ok"`
	Status     int            `json:"status,omitempty"`
	DurationMS float64        `json:"durationMs"`
	Headers    http.Header    `json:"headers,omitempty"`
	Text       *string        `json:"text,omitempty"` // the answer's body when it is text
	Body       []byte         `json:"body,omitempty"` // in base64 when it is not
	BodyCut    bool           `json:"bodyCut,omitempty"`
	Exit       *int           `json:"exit,omitempty"`   // of a command
	Edited     bool           `json:"edited,omitempty"` // what was sent is not what is kept
	Failure    replay.Failure `json:"failure,omitempty"`
	Error      string         `json:"error,omitempty"`

	// What was sent, when it was edited: its body when that is a JSON object, or
	// in base64.
	SentHeaders http.Header     `json:"sentHeaders,omitempty"`
	SentPayload json.RawMessage `json:"sentPayload,omitempty"`
	SentBody    []byte          `json:"sentBody,omitempty"`
}

type tunnelRecord struct {
	recordHead
	State   string `json:"state"`
	URL     string `json:"url,omitempty"`
	Code    string `json:"code,omitempty"`
	Error   string `json:"error,omitempty"`
	RetryMS int64  `json:"retryMs,omitempty"`
}

type gapRecord struct {
	recordHead
	Since   time.Time `json:"since"`
	Seconds float64   `json:"seconds"`
}

type holdRecord struct {
	recordHead
	Target  string    `json:"target"`
	Since   time.Time `json:"since"`
	Waiting int       `json:"waiting"`
	Reason  string    `json:"reason,omitempty"`
	Over    bool      `json:"over"`
}

type registrationRecord struct {
	recordHead
	Webhook string `json:"webhook"`
	State   string `json:"state"`
	URL     string `json:"url,omitempty"`
	Text    string `json:"text"`
}

type warningRecord struct {
	recordHead
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

type stoppedRecord struct {
	recordHead
	Arrivals int    `json:"arrivals"`
	Accepted int    `json:"accepted"`
	Rejected int    `json:"rejected"`
	Attempts int    `json:"attempts"`
	Failed   int    `json:"failed"` // attempts outside 2xx
	Waiting  int    `json:"waiting"`
	Reason   string `json:"reason,omitempty"`

	Hidden           int     `json:"hidden,omitempty"`           // arrivals that --only did not show
	Goal             string  `json:"goal,omitempty"`             // of --exit-after and --wait-for: reached, missed
	FailedDeliveries []int64 `json:"failedDeliveries,omitempty"` // those that failed at a handler, the first maxFailures
}

// recordDelivery is what happened now: d's last arrival.
func recordDelivery(d *replay.Delivery) deliveryRecord {
	r := deliveryRecord{
		ID: d.ID, WebhookID: d.WebhookID,
		Verdict: d.Verdict, Reason: d.Reason,
		Endpoint: d.Endpoint, Method: d.Method, Path: d.Path, Query: d.Query, Host: d.Host,
		Scope: string(d.Scope), Action: string(d.Action), RepoType: string(d.RepoType), Repo: d.Repo,
		Summary: d.Summary, Size: d.BodySize, Queued: d.Queued,
	}
	at := d.Received()
	if n := len(d.Arrivals); n > 0 {
		last := d.Arrivals[n-1]
		at, r.Repeat, r.Remote = last.Time, last.Repeat, last.RemoteAddr
	}
	r.recordHead = head("delivery", at)
	p, err := payload.Decode(d.Body)
	if err != nil {
		r.Body = d.Body
		return r
	}
	for _, problem := range p.Problems() {
		r.Problems = append(r.Problems, problem.String())
	}
	if r.Payload = inOneLine(d.Body); r.Payload == nil {
		r.Body = d.Body
	}
	return r
}

// inOneLine gives a JSON text in one line; nil when it is nested deeper than
// encoding/json goes, or begins with a byte order mark.
func inOneLine(body []byte) json.RawMessage {
	var line bytes.Buffer
	if json.Compact(&line, body) != nil {
		return nil
	}
	return line.Bytes()
}

// recordWhole is recordDelivery with all that is known of d.
func recordWhole(d *replay.Delivery) deliveryRecord {
	r := recordDelivery(d)
	r.recordHead, r.Headers = head("delivery", d.Received()), d.Header
	for _, a := range d.Arrivals {
		r.Arrivals = append(r.Arrivals, arrivalRecord{a.Time, a.Repeat, a.RemoteAddr, a.Answer})
	}
	for i := range d.Attempts {
		r.Attempts = append(r.Attempts, recordAttempt(&d.Attempts[i]))
	}
	return r
}

func recordAttempt(a *replay.Attempt) attemptRecord {
	r := attemptRecord{
		recordHead: head("attempt", a.Started.Add(a.Duration)),
		ID:         a.ID, Delivery: a.DeliveryID, Target: a.Target, Kind: a.Kind,
		OK: a.OK(), Status: a.Status, DurationMS: inMillis(a.Duration),
		Headers: a.Header, BodyCut: a.BodyCut, Exit: a.Exit, Edited: a.Sent != nil, Failure: a.Failure, Error: a.Error,
	}
	if a.Sent != nil {
		r.SentHeaders, r.SentBody = a.Sent.Header, a.Sent.Body
		if _, err := payload.Decode(a.Sent.Body); err == nil {
			if r.SentPayload = inOneLine(a.Sent.Body); r.SentPayload != nil {
				r.SentBody = nil
			}
		}
	}
	switch {
	case len(a.Body) == 0:
	case isText(a.Body):
		r.Text = new(string(a.Body))
	default:
		r.Body = a.Body
	}
	return r
}

func inMillis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// writeRecord writes one line. Everything that could steer a terminal or
// reorder text is escaped, which JSON allows in every string.
func writeRecord(w io.Writer, record any) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(record); err != nil {
		return err
	}
	line := payload.EscapeJSON(bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
	_, err := w.Write(append(line, '\n'))
	return err
}
