package receiver

import (
	"net/url"
	"strings"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// delivery is the request as it is kept.
func (q *request) delivery(p *payload.Payload, decodeErr error) *replay.Delivery {
	d := q.capture()
	if decodeErr != nil {
		d.Verdict, d.Reason = replay.Undecodable, decodeErr.Error()
		return d
	}
	d.Verdict = replay.Accepted
	d.Scope, d.Action, d.RepoType, d.Repo = p.Event.Scope, p.Event.Action, p.Repo.Type, p.Repo.Name
	return d
}

// rejected is the request as it is kept when it was not let in.
func (q *request) rejected(reason string) *replay.Delivery {
	d := q.capture()
	d.Verdict, d.Reason = replay.Rejected, reason
	d.Body = d.Body[:min(len(d.Body), maxRefused)]
	return d
}

func (q *request) capture() *replay.Delivery {
	d := &replay.Delivery{
		WebhookID: q.r.Header.Get(replay.HeaderWebhookID),
		Method:    q.r.Method,
		Path:      q.path,
		Query:     redactQuery(q.r.URL.RawQuery),
		Host:      q.r.Host,
		Header:    q.r.Header.Clone(),
		Body:      q.body,
		BodySize:  q.bodySize(),
		Endpoint:  q.endpoint,
		Arrivals:  []replay.Arrival{{Time: q.at, RemoteAddr: q.r.RemoteAddr}},
	}
	for i := range d.Header[replay.HeaderSecret] {
		d.Header[replay.HeaderSecret][i] = replay.Redacted
	}
	q.s.secrets.redact(d.Header)
	return d
}

// redactQuery takes the value of each secret parameter out, and leaves the rest
// as it is.
func redactQuery(raw string) string {
	var out strings.Builder
	for raw != "" {
		pair, sep := raw, ""
		if i := strings.IndexAny(raw, "&;"); i >= 0 {
			pair, sep = raw[:i], raw[i:i+1]
		}
		raw = raw[len(pair)+len(sep):]
		key, _, valued := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(key); valued && err == nil && strings.EqualFold(name, "secret") {
			pair = key + "=" + replay.Redacted
		}
		out.WriteString(pair + sep)
	}
	return out.String()
}
