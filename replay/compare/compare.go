// Package compare finds what differs between two answers of a handler to the
// same delivery, by what they mean: an older and a newer one, those of two
// handlers, or the one that is expected and the one that came.
package compare

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// Options says what of two answers is not compared.
type Options struct {
	Ignore Ignore // nothing
}

// Difference is what makes two answers differ.
type Difference struct {
	// Changes are in the order status, exit, failure, headers, body. There are
	// at most MaxChanges; More counts those beyond.
	Changes []Change
	More    int

	// Partial reports that an answer was longer than what is kept of it: what
	// was cut was not compared.
	Partial bool

	// How long the two took. It is no difference.
	Old, New time.Duration
}

// Same reports whether nothing differs.
func (d *Difference) Same() bool { return len(d.Changes) == 0 }

// MaxChanges is how many changes a Difference holds.
const MaxChanges = 1000

// Change is one difference.
type Change struct {
	// Path is status, exit, failure, headers.content-type, body, a place in a
	// JSON body such as body.items.0.id, or a line of a text, such as body:3.
	// A dot within a key is written \. and a backslash \\.
	Path string
	Kind Kind
	// Old and New are JSON: a value of a JSON body, with sorted keys; a number;
	// a string for all texts. Of a body that is no text they say how long it is,
	// and its SHA-256. Nil where there is none.
	Old, New json.RawMessage
}

// Kind says what kind of difference a Change is.
type Kind string

const (
	Added   Kind = "added"   // not in the old answer
	Removed Kind = "removed" // not in the new answer
	Changed Kind = "changed"
)

// Answers finds what differs between two answers, of which b is the newer one:
//
//   - the status, a command's exit code, the class of a failure;
//   - headers, but for those that differ by nature: Date, Server, Content-Length,
//     ages and what is about the connection; a media type counts by its meaning;
//   - JSON bodies by their structure: the order of keys does not count, numbers
//     count by value, elements of a list by their index;
//   - bodies that are text line by line, others as a whole.
//
// Where one of the two is no answer, its headers and body are not compared.
func Answers(a, b *replay.Attempt, o Options) *Difference {
	c := &comparer{ignore: o.Ignore, d: &Difference{Partial: a.BodyCut || b.BodyCut, Old: a.Duration, New: b.Duration}}
	c.values([]string{"status"}, number(a.Status), number(b.Status))
	c.values([]string{"exit"}, exitCode(a), exitCode(b))
	c.values([]string{"failure"}, word(string(a.Failure)), word(string(b.Failure)))
	if answered(a) && answered(b) {
		c.headers(a.Header, b.Header)
		c.body(a.Body, b.Body)
	}
	return c.d
}

// answered reports whether there is an answer, be it cut short.
func answered(a *replay.Attempt) bool { return a.Status != 0 || a.Exit != nil }

type comparer struct {
	ignore Ignore
	d      *Difference
}

func (c *comparer) add(path string, kind Kind, before, after json.RawMessage) {
	if len(c.d.Changes) == MaxChanges {
		c.d.More++
		return
	}
	c.d.Changes = append(c.d.Changes, Change{path, kind, before, after})
}

// values compares two values that have one notation only. Nil is none.
func (c *comparer) values(path []string, before, after json.RawMessage) {
	if string(before) == string(after) || c.ignore.match(path) {
		return
	}
	kind := Changed
	switch {
	case before == nil:
		kind = Added
	case after == nil:
		kind = Removed
	}
	c.add(joinPath(path), kind, before, after)
}

// passing are the headers that differ from one answer to the next without
// meaning anything to the Hub or to who reads them, besides those about the
// connection.
var passing = []string{
	"Age", "Content-Length", "Date", "Etag", "Expires", "Last-Modified", "Server", "Via", "X-Powered-By",
}

func (c *comparer) headers(before, after http.Header) {
	before, after = lasting(before), lasting(after)
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.values([]string{"headers", strings.ToLower(name)}, headerValue(name, before[name]), headerValue(name, after[name]))
	}
}

// lasting gives the headers that are compared.
func lasting(h http.Header) http.Header {
	h = (&replay.Delivery{Header: h}).EndToEnd()
	for _, name := range passing {
		delete(h, name)
	}
	return h
}

// headerValue gives a header's value, or the list of them.
func headerValue(name string, values []string) json.RawMessage {
	switch {
	case len(values) == 0:
		return nil
	case len(values) > 1:
		clean := make([]string, 0, len(values))
		for _, v := range values {
			clean = append(clean, legible(v))
		}
		return encode(clean)
	case name == "Content-Type":
		if kind, parameters, err := mime.ParseMediaType(values[0]); err == nil {
			if charset := parameters["charset"]; charset != "" {
				parameters["charset"] = strings.ToLower(charset)
			}
			if plain := mime.FormatMediaType(kind, parameters); plain != "" {
				return encode(plain)
			}
		}
	}
	return encode(legible(values[0]))
}

// legible spells out the bytes of what is no UTF-8, which JSON cannot hold: two
// such texts would become the same.
func legible(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return payload.Printable(s)
}

func number(n int) json.RawMessage {
	if n == 0 {
		return nil
	}
	return encode(n)
}

func word(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return encode(legible(s))
}

func exitCode(a *replay.Attempt) json.RawMessage {
	if a.Exit == nil {
		return nil
	}
	return encode(*a.Exit)
}
