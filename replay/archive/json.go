package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// readJSON reads one JSON value after the other: records of deliveries,
// payloads, and lists of both. Other records that hfhook prints are passed
// over.
func readJSON(in *source) iter.Seq2[*replay.Delivery, error] {
	return func(yield func(*replay.Delivery, error) bool) {
		decoder := json.NewDecoder(in)
		for {
			in.limit.read = 0
			var value json.RawMessage
			err := decoder.Decode(&value)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(nil, jsonError(err))
				return
			}
			var list []json.RawMessage
			if bytes.HasPrefix(value, []byte("[")) {
				if err := json.Unmarshal(value, &list); err != nil {
					yield(nil, jsonError(err))
					return
				}
			} else {
				list = []json.RawMessage{value}
			}
			for _, value := range list {
				d, err := fromJSON(value)
				if errors.Is(err, errNotMeant) {
					continue
				}
				if !yield(d, err) || err != nil {
					return
				}
			}
		}
	}
}

func jsonError(err error) error {
	if _, ok := errors.AsType[*FormatError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return bad("no JSON", err)
	}
	_, isType := errors.AsType[*json.UnmarshalTypeError](err)
	_, isTime := errors.AsType[*time.ParseError](err)
	_, isBase64 := errors.AsType[base64.CorruptInputError](err)
	if isType || isTime || isBase64 {
		return bad("not what a delivery looks like", err)
	}
	return err
}

// fromJSON gives the delivery that a value is, or errNotMeant.
func fromJSON(value json.RawMessage) (*replay.Delivery, error) {
	var kind struct {
		V       *int
		Type    *string
		Event   json.RawMessage
		Repo    json.RawMessage
		Webhook json.RawMessage
		Payload json.RawMessage
	}
	if err := json.Unmarshal(value, &kind); err != nil {
		return nil, jsonError(err)
	}
	switch {
	case kind.V != nil && kind.Type != nil && *kind.Type == "delivery":
		var r record
		if err := json.Unmarshal(value, &r); err != nil {
			return nil, jsonError(err)
		}
		return r.delivery()
	case kind.V != nil && kind.Type != nil:
		return nil, errNotMeant
	case kind.Event != nil && kind.Repo != nil:
		return fromPayload(value)
	case looksLikePayload(kind.Payload): // with what the page knows of it around
		return fromPayload(kind.Payload)
	}
	return nil, bad("neither a delivery nor a payload: there is no \"event\" and no \"type\"", nil)
}

func looksLikePayload(value json.RawMessage) bool {
	p, err := payload.Decode(value)
	return err == nil && p.Event.Scope != ""
}

// DefaultPath is where a payload is taken to have arrived that tells nothing
// but itself.
const DefaultPath = "/webhooks/dev"

// fromPayload gives a delivery that has nothing but its body. Its arrival has
// no time.
func fromPayload(body []byte) (*replay.Delivery, error) {
	d, err := newDelivery(http.MethodPost, DefaultPath, "", http.Header{"Content-Type": {"application/json"}}, bytes.Clone(body))
	if err == nil {
		d.Arrivals = []replay.Arrival{{}}
	}
	return d, err
}

// trimStart takes off blanks and empty lines.
func trimStart(b []byte) []byte {
	return bytes.TrimLeft(b, " \t\r\n")
}

func hasPrefix(b []byte, prefix string) bool { return strings.HasPrefix(string(b), prefix) }

var noTime time.Time
