package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// logHandler turns what the rooms log into what the program says: a warning
// for a person or a record; with --verbose everything else too.
type logHandler struct {
	level slog.Level
	say   func(level slog.Level, text string)
	attrs string // " key=value" of With, ready to print
	group string // "group." of WithGroup
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var text strings.Builder
	text.WriteString(r.Message)
	text.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		text.WriteString(h.attr(a))
		return true
	})
	h.say(r.Level, text.String())
	return nil
}

func (h *logHandler) attr(a slog.Attr) string {
	return fmt.Sprintf(" %s%s=%v", h.group, a.Key, a.Value.Resolve())
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clone := *h
	for _, a := range attrs {
		clone.attrs += h.attr(a)
	}
	return &clone
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	clone := *h
	clone.group += name + "."
	return &clone
}
