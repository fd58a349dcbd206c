package receiver

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/hfhook/hfhook/payload"
)

var emptyObject = []byte("{}")

// errorBody is the answer {"error": ...}.
func errorBody(message string) []byte {
	return mustJSON(struct {
		Error string `json:"error"`
	}{message})
}

// mustJSON is for values of strings and numbers, which always have a JSON form.
func mustJSON(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}

func (q *request) answerError(status int, message string) bool {
	return q.answerJSON(status, errorBody(message))
}

func (q *request) answerJSON(status int, body []byte) bool {
	return q.answer(status, "application/json", body)
}

// answer writes an answer and reports whether somebody was there to take it.
func (q *request) answer(status int, contentType string, body []byte) bool {
	there := q.r.Context().Err() == nil
	h := q.w.Header()
	if !q.whole {
		// Otherwise net/http would wait for the rest of the body first.
		h.Set("Connection", "close")
	}
	if status == http.StatusNoContent || status == http.StatusResetContent || status == http.StatusNotModified {
		q.w.WriteHeader(status)
		return there
	}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(status)
	_, err := q.w.Write(body)
	return there && (err == nil || errors.Is(err, http.ErrBodyNotAllowed))
}

// detail is one entry of the list that FastAPI answers 422 with.
type detail struct {
	Type string `json:"type"`
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
}

// undecodable describes a body that is no JSON object as huggingface_hub's
// server would, so that what reads its answers can read ours. It repeats
// nothing of the body.
func undecodable(err error) []byte {
	d := detail{"json_invalid", []any{"body"}, "JSON decode error"}
	switch {
	case errors.Is(err, payload.ErrEmpty):
		d = detail{"missing", []any{"body"}, "Field required"}
	case errors.Is(err, payload.ErrNotObject):
		d = detail{"model_attributes_type", []any{"body"}, "Input should be a valid dictionary or object to extract fields from"}
	default:
		if syntax, ok := errors.AsType[*payload.SyntaxError](err); ok {
			d.Loc = append(d.Loc, syntax.Offset)
		}
	}
	return mustJSON(map[string][]detail{"detail": {d}})
}
