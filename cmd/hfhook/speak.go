package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/tunnel"
)

// How hfhook speaks when something is wrong: one line says what happened, in
// lower case, without a full stop and with the program's name in front; a hint
// is a line of its own that says what to do next. This file alone turns errors
// into text and exit codes.

// Exit codes, documented in the README.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
	exitAnswer   = 4
	exitDiffers  = 5
	exitNoTunnel = 6
	exitHub      = 7
)

// problem is an error that knows its exit code and what to do next.
type problem struct {
	code int
	hint string
	err  error
}

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

func usage(message, hint string) error {
	return &problem{exitUsage, hint, errors.New(message)}
}

func failed(err error, hint string) error {
	return &problem{exitFailed, hint, err}
}

// explain gives the exit code and the hint for an error.
func explain(err error) (code int, hint string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			if code, hint = explain(err); code != exitDone {
				return code, hint
			}
		}
	}
	if p, ok := errors.AsType[*problem](err); ok {
		return p.code, p.hint
	}
	if _, ok := errors.AsType[*replay.SpecError](err); ok {
		return exitUsage, "hfhook inspect lists what is kept"
	}
	if t, ok := errors.AsType[*tunnel.Error](err); ok {
		return exitNoTunnel, t.Hint
	}
	if r, ok := errors.AsType[*registration.Error](err); ok && !errors.Is(err, context.Canceled) {
		return exitHub, r.Hint
	}
	if h, ok := errors.AsType[*hub.Error](err); ok {
		return hubCode(h), h.Hint
	}
	switch {
	case err == nil:
		return exitDone, ""
	case errors.Is(err, replay.ErrNotFound):
		return exitNotFound, "hfhook inspect lists what is kept"
	}
	if hint, ok := storeHint(err); ok {
		return exitFailed, hint
	}
	return exitFailed, ""
}

// hubCode is the exit code for a call to the Hub that went wrong.
func hubCode(e *hub.Error) int {
	switch {
	case errors.Is(e, context.Canceled): // not done, and no success for a script
		return exitFailed
	case errors.Is(e, hub.ErrNotFound):
		return exitNotFound
	case errors.Is(e, hub.ErrInvalid), errors.Is(e, hub.ErrSecretUnknown), errors.Is(e, hub.ErrJobUnknown):
		return exitUsage
	}
	return exitHub
}

// report prints an error and gives the exit code. Text from elsewhere may be in
// it, so it is made harmless.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	code, hint := explain(err)
	for _, text := range errorTexts(err) {
		fmt.Fprintf(w, "hfhook: %s\n", payload.Printable(text))
	}
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", payload.Printable(hint))
	}
	return code
}

// errorTexts gives a line for each error that was joined. A line break within
// one may be a stranger's, who would speak in our name: it begins no line.
func errorTexts(err error) (texts []string) {
	if p, ok := err.(*problem); ok {
		return errorTexts(p.err)
	}
	text := err.Error()
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			texts = append(texts, err.Error())
		}
		if strings.Join(texts, "\n") == text {
			texts = nil
			for _, err := range joined.Unwrap() {
				texts = append(texts, errorTexts(err)...)
			}
			return texts
		}
	}
	if before, ok := strings.CutSuffix(text, context.Canceled.Error()); ok && errors.Is(err, context.Canceled) {
		text = before + "interrupted" // by a person, who knows of no context
	}
	return []string{strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")}
}
