package receiver

import (
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
	d.Describe(p)
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
	d := replay.NewDelivery(q.r, q.body)
	d.BodySize, d.Endpoint = q.bodySize(), q.endpoint
	d.Arrivals = []replay.Arrival{{Time: q.at, RemoteAddr: q.r.RemoteAddr}}
	return &d
}
