package hub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// Secret is a text that shows in no print, log or JSON. string(s) is the text.
type Secret string

// Format writes "[redacted]" for every verb, and nothing for no secret.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.shown()) }

// LogValue is what Format writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

// MarshalText is what Format writes: what goes to the Hub is encoded elsewhere.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

func (s Secret) shown() string {
	if s == "" {
		return ""
	}
	return redacted
}

// redactor replaces secrets in texts that come from elsewhere.
type redactor struct{ replace *strings.Replacer }

func newRedactor(secrets ...string) redactor {
	var all []string
	for _, s := range secrets {
		if s != "" {
			inJSON, _ := json.Marshal(s)
			all = append(all, s, url.QueryEscape(s), url.PathEscape(s), string(inJSON[1:len(inJSON)-1]))
		}
	}
	// The longest first: one may begin with another.
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, s := range all {
		pairs = append(pairs, s, redacted)
	}
	return redactor{strings.NewReplacer(pairs...)}
}

func (r redactor) text(s string) string { return r.replace.Replace(s) }

// line is s without secrets, in one printable line of at most 500 runes.
func (r redactor) line(s string) string {
	// Twice: taking out what does not print must not put a secret together.
	return bounded(r.text(printable(r.text(s))), 500)
}
