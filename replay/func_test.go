package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type statusError int

func (e statusError) Error() string   { return "teapot" }
func (e statusError) HTTPStatus() int { return int(e) }

func TestFuncTarget(t *testing.T) {
	for name, c := range map[string]struct {
		value  any
		err    error
		status int
		body   string
	}{
		"value":                  {map[string]int{"a": 1}, nil, 200, `{"a":1}`},
		"nothing":                {nil, nil, 200, `null`},
		"error":                  {nil, errors.New(`"boom"`), 500, `{"error":"\"boom\""}`},
		"error with a status":    {nil, fmt.Errorf("why: %w", statusError(418)), 418, `{"error":"why: teapot"}`},
		"error with no status":   {nil, statusError(7), 500, `{"error":"teapot"}`},
		"value that is not JSON": {func() {}, nil, 500, `{"error":"encoding the answer: json: unsupported type: func()"}`},
	} {
		t.Run(name, func(t *testing.T) {
			target := NewFuncTarget("f", func(context.Context, *Delivery) (any, error) { return c.value, c.err })
			a := target.Send(t.Context(), &Delivery{})
			assert.Empty(t, a.Failure)
			assert.Equal(t, c.status, a.Status)
			assert.Equal(t, c.body, string(a.Body))
			assert.Equal(t, "application/json", a.Header.Get("Content-Type"))
		})
	}
}

func TestFuncTargetPanic(t *testing.T) {
	var logged bytes.Buffer
	target := NewFuncTarget("f", func(context.Context, *Delivery) (any, error) { panic("oh") })
	target.Log = slog.New(slog.NewTextHandler(&logged, nil))
	a := target.Send(t.Context(), &Delivery{ID: 17})
	assert.Equal(t, FailPanic, a.Failure)
	assert.Equal(t, "panic: oh", a.Error)
	assert.Empty(t, a.Body)
	assert.Contains(t, logged.String(), "func_test.go")
	assert.Contains(t, logged.String(), "delivery=17")
}

// FailNow of package testing ends the goroutine that it is called on.
func TestFuncTargetThatEndsItsGoroutine(t *testing.T) {
	var logged bytes.Buffer
	target := NewFuncTarget("f", func(context.Context, *Delivery) (any, error) {
		runtime.Goexit()
		return nil, nil
	})
	target.Log = slog.New(slog.NewTextHandler(&logged, nil))
	a := make(chan *Attempt, 1)
	go func() {
		defer close(a)
		a <- target.Send(t.Context(), &Delivery{ID: 17})
	}()
	got := <-a
	require.NotNil(t, got, "it took its caller with it")
	assert.Equal(t, FailPanic, got.Failure)
	assert.Equal(t, "the handler ended its goroutine", got.Error)
	assert.Contains(t, logged.String(), "delivery=17")
}

func TestFuncTargetGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target := NewFuncTarget("f", func(ctx context.Context, _ *Delivery) (any, error) { return nil, ctx.Err() })
	assert.Equal(t, FailCancelled, target.Send(ctx, &Delivery{}).Failure)
	late := NewFuncTarget("f", func(context.Context, *Delivery) (any, error) { return "done", nil })
	assert.True(t, late.Send(ctx, &Delivery{}).OK(), "done is done")
	told := NewFuncTarget("f", func(context.Context, *Delivery) (any, error) { return nil, statusError(202) })
	assert.Equal(t, 202, told.Send(ctx, &Delivery{}).Status)
}

func TestFuncTargetLongAnswer(t *testing.T) {
	target := NewFuncTarget("f", func(context.Context, *Delivery) (any, error) { return strings.Repeat("x", MaxAnswer), nil })
	a := target.Send(t.Context(), &Delivery{})
	assert.Len(t, a.Body, MaxAnswer)
	assert.True(t, a.BodyCut)
}
