package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// record is a delivery in JSON. It has no ID: that is its store's.
type record struct {
	V         int               `json:"v"`
	Type      string            `json:"type"` // "delivery"
	Time      time.Time         `json:"time"` // of the first arrival
	Summary   string            `json:"summary,omitempty"`
	WebhookID text              `json:"webhookId,omitzero"`
	Verdict   replay.Verdict    `json:"verdict"`
	Reason    text              `json:"reason,omitzero"`
	Endpoint  text              `json:"endpoint"`
	Method    string            `json:"method"`
	Path      text              `json:"path"`
	Query     text              `json:"query,omitzero"`
	Host      text              `json:"host,omitzero"`
	Headers   map[string][]text `json:"headers,omitempty"`
	Arrivals  []arrivalRecord   `json:"arrivals"`
	Size      int64             `json:"size"` // of the body that arrived, which may be cut here
	Text      *string           `json:"text,omitempty"`
	Body      []byte            `json:"body,omitempty"`
	Payload   json.RawMessage   `json:"payload,omitempty"` // read only: hfhook inspect --json writes it
	Attempts  []attemptRecord   `json:"attempts,omitempty"`
}

type arrivalRecord struct {
	Time   time.Time     `json:"time"`
	Repeat replay.Repeat `json:"repeat,omitempty"`
	Remote text          `json:"remote,omitzero"`
	Answer int           `json:"answer,omitempty"`
}

type attemptRecord struct {
	Time       time.Time         `json:"time"`              // its end
	Arrival    int               `json:"arrival,omitempty"` // the number of the arrival that a live one was for
	Target     text              `json:"target"`
	Kind       replay.Kind       `json:"kind"`
	OK         bool              `json:"ok"`
	Status     int               `json:"status,omitempty"`
	DurationMS float64           `json:"durationMs"`
	Headers    map[string][]text `json:"headers,omitempty"`
	Text       *string           `json:"text,omitempty"`
	Body       []byte            `json:"body,omitempty"`
	BodyCut    bool              `json:"bodyCut,omitempty"`
	Exit       *int              `json:"exit,omitempty"`
	Failure    replay.Failure    `json:"failure,omitempty"`
	Error      text              `json:"error,omitzero"`
	Sent       *sentRecord       `json:"sent,omitempty"`
}

type sentRecord struct {
	Headers map[string][]text `json:"headers,omitempty"`
	Text    *string           `json:"text,omitempty"`
	Body    []byte            `json:"body,omitempty"`
}

// text is a string that need not be UTF-8: what is not is {"base64": "..."}.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(map[string][]byte{"base64": []byte(t)})
}

func (t *text) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("{")) {
		var v struct{ Base64 []byte }
		err := json.Unmarshal(b, &v)
		*t = text(v.Base64)
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

// content gives a body as text where it is one, else as bytes.
func content(b []byte) (*string, []byte) {
	if len(b) == 0 {
		return nil, nil
	}
	if utf8.Valid(b) {
		return new(string(b)), nil
	}
	return nil, b
}

func contentOf(text *string, body []byte) []byte {
	if text != nil {
		return []byte(*text)
	}
	return body
}

func headers(h http.Header) map[string][]text {
	if len(h) == 0 {
		return nil
	}
	out := make(map[string][]text, len(h))
	for name, values := range h {
		for _, v := range values {
			out[name] = append(out[name], text(v))
		}
	}
	return out
}

func headerOf(from map[string][]text) (http.Header, error) {
	h := make(http.Header, len(from))
	for name, values := range from {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, bad(fmt.Sprintf("%q is not a valid header name", name), nil)
		}
		key := http.CanonicalHeaderKey(name)
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(string(v)) {
				return nil, bad("control characters in the value of header "+name, nil)
			}
			h[key] = append(h[key], string(v))
		}
	}
	return h, nil
}

// newRecord gives a delivery without its body.
func newRecord(d *replay.Delivery) *record {
	r := &record{
		V: 1, Type: "delivery", Time: d.Received(), Summary: d.Summary,
		WebhookID: text(d.WebhookID), Verdict: d.Verdict, Reason: text(d.Reason), Endpoint: text(d.Endpoint),
		Method: d.Method, Path: text(d.Path), Query: text(d.Query), Host: text(d.Host), Headers: headers(d.Header),
		Size: d.BodySize,
	}
	for _, a := range d.Arrivals {
		r.Arrivals = append(r.Arrivals, arrivalRecord{a.Time, a.Repeat, text(a.RemoteAddr), a.Answer})
	}
	for i := range d.Attempts {
		r.Attempts = append(r.Attempts, newAttempt(d, &d.Attempts[i]))
	}
	return r
}

func newAttempt(d *replay.Delivery, a *replay.Attempt) attemptRecord {
	r := attemptRecord{
		Time:    a.Started.Add(a.Duration),
		Arrival: 1 + slices.IndexFunc(d.Arrivals, func(r replay.Arrival) bool { return a.ArrivalID != 0 && r.ID == a.ArrivalID }),
		Target:  text(a.Target), Kind: a.Kind.Original(), OK: a.OK(), Status: a.Status,
		DurationMS: float64(a.Duration) / float64(time.Millisecond),
		Headers:    headers(a.Header), BodyCut: a.BodyCut, Exit: a.Exit, Failure: a.Failure, Error: text(a.Error),
	}
	r.Text, r.Body = content(a.Body)
	if a.Sent != nil {
		r.Sent = &sentRecord{Headers: headers(a.Sent.Header)}
		r.Sent.Text, r.Sent.Body = content(a.Sent.Body)
	}
	return r
}

// delivery checks a record, and makes the delivery that it tells of.
func (r *record) delivery() (*replay.Delivery, error) {
	body := contentOf(r.Text, r.Body)
	if r.Text == nil && r.Body == nil {
		body = r.Payload
	}
	header, err := headerOf(r.Headers)
	if err != nil {
		return nil, err
	}
	if r.WebhookID != "" && len(header[replay.HeaderWebhookID]) == 0 {
		header.Set(replay.HeaderWebhookID, string(r.WebhookID))
	}
	target := string(r.Path)
	if r.Query != "" {
		target += "?" + string(r.Query)
	}
	d, err := newDelivery(r.Method, target, string(r.Host), header, body)
	if err != nil {
		return nil, err
	}
	switch r.Verdict {
	case replay.Rejected:
		d.Verdict, d.Reason = r.Verdict, payload.Printable(string(r.Reason))
		d.Scope, d.Action, d.RepoType, d.Repo, d.Summary = "", "", "", "", ""
	case replay.Accepted, replay.Undecodable, "":
	default:
		return nil, bad(fmt.Sprintf("there is no verdict %q", r.Verdict), nil)
	}
	if r.Endpoint == text(d.Path) {
		d.Endpoint = d.Path
	}
	if r.Text != nil || r.Body != nil || len(r.Payload) == 0 { // a payload may have lost its blanks
		d.BodySize = max(d.BodySize, r.Size)
	}
	if d.Verdict != replay.Rejected && d.BodySize != int64(len(body)) {
		return nil, bad(fmt.Sprintf("the body has %d of %d bytes", len(body), d.BodySize), nil)
	}
	if len(r.Arrivals) > 1 && d.WebhookID == "" { // by which they are told to be of one
		return nil, bad("a delivery without a Webhook-Id that arrived several times", nil)
	}
	for _, a := range r.Arrivals {
		if a.Answer != 0 && (a.Answer < 100 || a.Answer > 999) {
			return nil, bad(fmt.Sprintf("%d is no HTTP status", a.Answer), nil)
		}
		d.Arrivals = append(d.Arrivals, replay.Arrival{
			Time: a.Time.UTC(), Repeat: a.Repeat, RemoteAddr: payload.Printable(string(a.Remote)), Answer: a.Answer,
		})
	}
	if len(d.Arrivals) == 0 {
		d.Arrivals = []replay.Arrival{{Time: r.Time.UTC()}}
	}
	for i := range r.Attempts {
		a, err := r.Attempts[i].attempt(len(d.Arrivals))
		if err != nil {
			return nil, err
		}
		d.Attempts = append(d.Attempts, *a)
	}
	return d, nil
}

// attempt gives an attempt whose ArrivalID is the number of its arrival.
func (r *attemptRecord) attempt(arrivals int) (*replay.Attempt, error) {
	header, err := headerOf(r.Headers)
	if err != nil {
		return nil, err
	}
	kind, ok := r.Kind.Imported()
	switch {
	case !ok:
		return nil, bad(fmt.Sprintf("there is no attempt of kind %q", r.Kind), nil)
	case r.Arrival < 0 || r.Arrival > arrivals:
		return nil, bad(fmt.Sprintf("an attempt is for arrival %d of %d", r.Arrival, arrivals), nil)
	case r.Status != 0 && (r.Status < 100 || r.Status > 999):
		return nil, bad(fmt.Sprintf("%d is no HTTP status", r.Status), nil)
	case r.DurationMS < 0 || r.DurationMS > float64(1<<53):
		return nil, bad("an attempt took an impossible time", nil)
	}
	duration := time.Duration(math.Round(r.DurationMS * float64(time.Millisecond)))
	a := &replay.Attempt{
		ArrivalID: int64(r.Arrival), Target: payload.Printable(string(r.Target)), Kind: kind,
		Started: r.Time.Add(-duration).UTC().Truncate(time.Microsecond), Duration: duration,
		Status: r.Status, BodyCut: r.BodyCut, Exit: r.Exit,
		Failure: replay.Failure(payload.Printable(string(r.Failure))), Error: string(r.Error),
		Body: contentOf(r.Text, r.Body),
	}
	if len(a.Body) > replay.MaxAnswer {
		a.Body, a.BodyCut = a.Body[:replay.MaxAnswer:replay.MaxAnswer], true
	}
	if len(header) > 0 {
		a.Header = header
	}
	if r.Sent != nil {
		header, err := headerOf(r.Sent.Headers)
		if err != nil {
			return nil, err
		}
		a.Sent = &replay.Sent{Header: header, Body: contentOf(r.Sent.Text, r.Sent.Body)}
	}
	return a, nil
}

// newDelivery gives the delivery that a request makes: with the secret
// redacted, and what its body says.
func newDelivery(method, target, host string, header http.Header, body []byte) (*replay.Delivery, error) {
	switch {
	case method == "" || !httpguts.ValidHeaderFieldName(method):
		return nil, bad(fmt.Sprintf("%q is no HTTP method", method), nil)
	case !strings.HasPrefix(target, "/") || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return nil, bad(fmt.Sprintf("%q is no path of a request", target), nil)
	case !httpguts.ValidHostHeader(host):
		return nil, bad(fmt.Sprintf("%q is no host", host), nil)
	}
	if body == nil {
		body = []byte{}
	}
	d := replay.NewDelivery(&http.Request{Method: method, RequestURI: target, URL: new(url.URL), Host: host, Header: header}, body)
	d.Verdict, d.Endpoint = replay.Accepted, endpoint(d.Path)
	p, err := payload.Decode(body)
	if err != nil {
		d.Verdict, d.Reason = replay.Undecodable, payload.Printable(err.Error())
		return &d, nil
	}
	d.Describe(p)
	return &d, nil
}

// endpoint is the name of a path under /webhooks/, else the path.
func endpoint(path string) string {
	name, under := strings.CutPrefix(path, "/webhooks/")
	name = strings.TrimSuffix(name, "/")
	if !under || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/") != "" {
		return path
	}
	return name
}

type ndjsonWriter struct{ w io.Writer }

func (n *ndjsonWriter) begin() error { return nil }
func (n *ndjsonWriter) end() error   { return nil }

func (n *ndjsonWriter) write(d *replay.Delivery) error {
	r := newRecord(d)
	r.Text, r.Body = content(d.Body)
	line, err := marshal(r)
	if err != nil {
		return err
	}
	_, err = n.w.Write(append(line, '\n'))
	return err
}

// marshal gives a line of JSON in which nothing steers a terminal.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("write a delivery: %w", err)
	}
	return payload.EscapeJSON(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

var errNotMeant = errors.New("no delivery")
