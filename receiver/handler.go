package receiver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// Status is an error that makes a handler's answer have this status instead of
// 500. The text of err, which may be nil, goes to the log and not to the
// sender; a value that the handler returns along with it becomes the body.
//
//	return nil, receiver.Status(http.StatusConflict, err)
//	return job, receiver.Status(http.StatusAccepted, nil)
//
// An error of another type does the same with a method HTTPStatus() int. To
// the Hub every status outside 2xx is a failed delivery.
func Status(code int, err error) error { return &statusError{code, err} }

type statusError struct {
	code int
	err  error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("status %d", e.code)
	}
	return fmt.Sprintf("status %d: %v", e.code, e.err)
}

func (e *statusError) Unwrap() error   { return e.err }
func (e *statusError) HTTPStatus() int { return e.code }

// result is a handler's answer.
type result struct {
	status   int
	body     []byte
	err      error // of the handler
	panicked bool
}

// call runs a handler and makes an answer of whatever it does.
func (s *Server) call(ctx context.Context, endpoint string, h Handler, p *payload.Payload) result {
	body, err := guarded(ctx, h, p)
	if err == nil {
		return result{status: http.StatusOK, body: body}
	}
	status := replay.ErrorStatus(err)
	crash, panicked := errors.AsType[*panicError](err)
	if panicked {
		s.log.Error("handler panicked", "endpoint", endpoint, "panic", crash.value, "stack", string(crash.stack))
	} else if status >= 300 {
		s.log.Error("handler failed", "endpoint", endpoint, "status", status, "err", err)
	}
	if bytes.Equal(body, emptyObject) && status >= 300 {
		body = errorBody(cmp.Or(http.StatusText(status), "failed"))
	}
	return result{status, body, err, panicked}
}

// guarded gives the handler's value as JSON, and turns a panic into an error.
func guarded(ctx context.Context, h Handler, p *payload.Payload) (body []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			body, err = emptyObject, &panicError{r, debug.Stack()}
		}
	}()
	value, err := h(ctx, p)
	if value == nil {
		return emptyObject, err
	}
	body, jsonErr := json.Marshal(value)
	if jsonErr != nil {
		return emptyObject, fmt.Errorf("result has no JSON form: %w", jsonErr)
	}
	return body, err
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }
