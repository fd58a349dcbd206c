package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Redactor replaces secrets in texts that come from elsewhere: a provider's
// library may log them, its service may repeat them in an error.
type Redactor struct {
	replace *strings.Replacer
}

// NewRedactor knows the given secrets; empty ones are left out.
func NewRedactor(secrets ...string) *Redactor {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "[redacted]")
		}
	}
	return &Redactor{strings.NewReplacer(pairs...)}
}

// String is s without the secrets.
func (r *Redactor) String(s string) string { return r.replace.Replace(s) }

// Error is err, or when its text holds a secret, an error with the redacted
// text that does not lead back to err.
func (r *Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := r.String(text); clean != text {
		return errors.New(clean)
	}
	return err
}

// Logger is l with the secrets replaced in messages and values. A nil l
// discards.
func (r *Redactor) Logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(redactHandler{r, l.Handler()})
}

type redactHandler struct {
	r *Redactor
	slog.Handler
}

func (h redactHandler) Handle(ctx context.Context, rec slog.Record) error {
	clean := slog.NewRecord(rec.Time, rec.Level, h.r.String(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

func (h redactHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return redactHandler{h.r, h.Handler.WithAttrs(h.attrs(as))}
}

func (h redactHandler) WithGroup(name string) slog.Handler {
	return redactHandler{h.r, h.Handler.WithGroup(name)}
}

func (h redactHandler) attrs(as []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(as))
	for i, a := range as {
		clean[i] = h.attr(a)
	}
	return clean
}

func (h redactHandler) attr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(h.r.String(v.String()))
	case slog.KindGroup:
		a.Value = slog.GroupValue(h.attrs(v.Group())...)
	case slog.KindAny:
		// As text: a handler below that encodes by reflection could find a
		// secret where String shows none.
		format := "%+v"
		if _, ok := v.Any().([]byte); ok {
			format = "%s"
		}
		a.Value = slog.StringValue(h.r.String(fmt.Sprintf(format, v.Any())))
	}
	return a
}
