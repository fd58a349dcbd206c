package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// FuncTarget is a Go function that deliveries are sent to.
type FuncTarget struct {
	// Log is told of panics and the like, with their stack. Set it before the first Send.
	// Default: nothing is logged.
	Log *slog.Logger

	name string
	call func(context.Context, *Delivery) (any, error)
}

// NewFuncTarget gives a target that calls a function, which may be called at
// the same time.
//
// What it returns is the answer: status 200 and the value in JSON, or for an
// error {"error": "..."} with status 500, or with the status of the error's
// HTTPStatus() int where it has that method. A panic is FailPanic, and so is the
// end of the goroutine that it is called on, which is its own. The context
// ends when the attempt is given up; the function has to heed it, as nobody
// else can end it.
func NewFuncTarget(name string, call func(context.Context, *Delivery) (any, error)) *FuncTarget {
	return &FuncTarget{name: name, call: call}
}

// Name implements Target.
func (t *FuncTarget) Name() string { return t.name }

// Send implements Target.
func (t *FuncTarget) Send(ctx context.Context, d *Delivery) *Attempt {
	// In a goroutine of its own, since a function may end the one that it runs
	// in, as FailNow of package testing does.
	done := make(chan *Attempt, 1)
	go func() {
		a := &Attempt{Failure: FailPanic, Error: "the handler ended its goroutine"}
		defer func() {
			if v := recover(); v != nil {
				a.Error = fmt.Sprintf("panic: %v", v)
			}
			if a.Failure == FailPanic && t.Log != nil {
				t.Log.Error("handler did not return", "target", t.name, "delivery", d.ID, "err", a.Error, "stack", string(debug.Stack()))
			}
			done <- a
		}()
		a = t.answer(ctx, d)
	}()
	return <-done
}

func (t *FuncTarget) answer(ctx context.Context, d *Delivery) *Attempt {
	value, err := t.call(ctx, d)
	if err != nil {
		status, failure := ErrorStatus(err), gaveUp(ctx)
		if failure != "" && status >= 300 {
			return &Attempt{Failure: failure, Error: err.Error()}
		}
		return answer(status, errorBody(err))
	}
	body, err := json.Marshal(value)
	if err != nil {
		return answer(http.StatusInternalServerError, errorBody(fmt.Errorf("encoding the answer: %w", err)))
	}
	return answer(http.StatusOK, body)
}

// gaveUp says how ctx ended; empty when it did not.
func gaveUp(ctx context.Context) Failure {
	switch {
	case ctx.Err() == nil:
		return ""
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return FailTimeout
	}
	return FailCancelled
}

func answer(status int, body []byte) *Attempt {
	a := &Attempt{
		Status: status,
		Header: http.Header{"Content-Type": {"application/json"}},
	}
	a.setBody(body)
	return a
}

// ErrorStatus is the HTTP status that a handler's error chooses by a method
// HTTPStatus() int, and 500 for one that chooses none or no final one.
func ErrorStatus(err error) int {
	if e, ok := errors.AsType[interface {
		error
		HTTPStatus() int
	}](err); ok {
		if status := e.HTTPStatus(); status >= 200 && status <= 599 {
			return status
		}
	}
	return http.StatusInternalServerError
}

func errorBody(err error) []byte {
	body, _ := json.Marshal(map[string]string{"error": err.Error()})
	return body
}
