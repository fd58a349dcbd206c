package payload

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Decode reads the body of a delivery. It takes every JSON object, of any
// depth and size, in time and memory that grow with its length only. Whatever
// is odd about it is told by [Payload.Problems].
//
//   - A field of the wrong type is left at its zero value. That includes numbers
//     with a fraction or beyond 64 bits where an integer is due. Null in a field
//     that the Hub may leave out means left out.
//   - Of a known field that comes twice the last one counts, as a whole.
//   - Keys have to be spelt exactly. encoding/json would take "HEADSHA" for
//     "headSha"; here it is an unknown field.
//   - Invalid UTF-8 and lone surrogates become U+FFFD; a byte order mark in
//     front is passed over.
//
// Bytes that are no JSON object give a *SyntaxError. The body becomes
// Payload.Raw, uncopied, so it must not be modified afterwards.
func Decode(body []byte) (*Payload, error) {
	d := &decoder{reader: reader{b: body}}
	if bytes.HasPrefix(body, []byte("\ufeff")) {
		d.report(BadText, "", "byte order mark at the start")
		d.i = len("\ufeff")
	}
	p := &Payload{Raw: body}
	switch d.white() {
	case '{':
		d.payload(p)
		if d.white(); d.i < len(body) {
			d.failAs(ErrTrailing, "the end")
		}
	default:
		d.notObject()
	}
	if d.err != nil {
		return nil, d.err
	}
	p.problems, p.oldVersion = d.all(), d.old
	if p.Event == (Event{}) {
		if v := bareVersion(body); v != 0 {
			p.oldVersion = v
			p.problems = []Problem{{Kind: OldVersion, Detail: "shape of version " + strconv.FormatInt(v, 10)}}
		}
	}
	return p, nil
}

// notObject tells no bytes, another JSON value and no JSON apart.
func (d *decoder) notObject() {
	start := d.i
	if start == len(d.b) {
		d.failAs(ErrEmpty, "an object")
		return
	}
	d.skip()
	if d.white(); d.i < len(d.b) {
		d.fail("the end")
	}
	if d.err == nil {
		d.i = start
		d.failAs(ErrNotObject, "an object")
	}
}

// bareVersion recognises bodies of version 1 ({"add": "user/model"}) and 2
// (the event is a word, the scope stands on top), else gives 0.
// Source: dataset-viewer services/webhook, hub-docs webhooks.md of 2022.
func bareVersion(body []byte) int64 {
	r := reader{b: body, i: bytes.IndexByte(body, '{')}
	var keys int
	var verb, event, scope bool
	r.members(func(key []byte, _ bool) {
		keys++
		word := r.peek() == '"'
		switch string(key) {
		case "add", "update", "remove":
			verb = word
		case "event":
			event = word
		case "scope":
			scope = word
		}
		r.skip()
	})
	switch {
	case event && scope:
		return 2
	case verb && keys == 1:
		return 1
	}
	return 0
}

// decoder fills a Payload and collects what is odd. Its methods read one
// value each, of which the reader stands on the first byte.
type decoder struct {
	reader
	problems
	path  [4]step // as deep as known fields nest, with an index in between
	depth int
	old   int64 // the version, when it is older than 3
}

// step is a field, or an element of a list when its name is empty.
type step struct {
	name  string
	index int
}

// shape lists the fields of an object: first those that are always sent.
type shape struct {
	always int
	names  []string
}

func (s *shape) find(key []byte) int {
	for i, name := range s.names {
		if string(key) == name {
			return i
		}
	}
	return -1
}

// object reads an object of the given shape. It calls field for every known
// one, which has to read it. It reports whether there was an object.
func (d *decoder) object(s *shape, field func(name string)) bool {
	if d.peek() != '{' {
		d.wrongType("an object")
		return false
	}
	var seen uint32
	d.members(func(key []byte, bad bool) {
		i := s.find(key)
		if i < 0 {
			d.unknown(s, key, bad)
			d.skip()
			return
		}
		name := s.names[i]
		if seen&(1<<i) != 0 {
			d.report(Duplicate, name, "")
		}
		seen |= 1 << i
		d.path[d.depth] = step{name: name}
		d.depth++
		field(name)
		d.depth--
	})
	if d.err != nil {
		return false
	}
	for i, name := range s.names[:s.always] {
		if seen&(1<<i) == 0 {
			d.report(Missing, name, "")
		}
	}
	return true
}

// array reads an array. It calls element for each, which has to read it. It
// reports whether there was an array.
func (d *decoder) array(element func()) bool {
	if d.peek() != '[' {
		d.wrongType("a list")
		return false
	}
	d.elements(func(i int) {
		d.path[d.depth] = step{index: i}
		d.depth++
		element()
		d.depth--
	})
	return d.err == nil
}

// raw reads a string. The result is good until the next one.
func (d *decoder) raw() ([]byte, bool) {
	if d.peek() != '"' {
		d.wrongType("a string")
		return nil, false
	}
	s, bad := d.str()
	if bad {
		d.report(BadText, "", "")
	}
	return s, d.err == nil
}

// text reads a string.
func (d *decoder) text() string {
	s, _ := d.raw()
	return string(s)
}

// optional reads a string that may be null instead.
func (d *decoder) optional() string {
	if d.null() {
		return ""
	}
	return d.text()
}

// nullable reads a string or null, and tells them apart.
func (d *decoder) nullable() Nullable[string] {
	if d.null() {
		return Null[string]()
	}
	if s, ok := d.raw(); ok {
		return Set(string(s))
	}
	return Nullable[string]{}
}

// oneOf reads one of an open set of words.
func oneOf[T ~string](d *decoder, known func(T) bool) T {
	s, ok := d.raw()
	if !ok {
		return ""
	}
	w := T(s)
	if !known(w) {
		d.report(UnknownValue, "", quoted(string(w), wordRunes))
	}
	return w
}

func (d *decoder) integer() (int64, bool) {
	if c := d.peek(); c != '-' && !digit(c) {
		d.wrongType("an integer")
		return 0, false
	}
	n, err := strconv.ParseInt(string(d.number()), 10, 64)
	if err != nil {
		d.report(WrongType, "", "want an integer of 64 bits, got another number")
		return 0, false
	}
	return n, true
}

func (d *decoder) boolean() bool {
	switch d.peek() {
	case 't':
		d.literal("true")
		return true
	case 'f':
		d.literal("false")
	default:
		d.wrongType("a boolean")
	}
	return false
}

// null reads null if it is there.
func (d *decoder) null() bool {
	if d.peek() != 'n' {
		return false
	}
	d.literal("null")
	return true
}

// wrongType reads a value and reports it.
func (d *decoder) wrongType(want string) {
	got := "a number"
	switch d.peek() {
	case '{':
		got = "an object"
	case '[':
		got = "a list"
	case '"':
		got = "a string"
	case 't', 'f':
		got = "a boolean"
	case 'n':
		got = "null"
	}
	d.report(WrongType, "", "want "+want+", got "+got)
	d.skip()
}

// unknown reports a key that the shape does not have.
func (d *decoder) unknown(s *shape, key []byte, bad bool) {
	shown := clip(string(key[:min(len(key), utf8.UTFMax*nameRunes+1)]), nameRunes)
	if bad {
		d.report(BadText, shown, "")
	}
	for _, name := range s.names {
		if looksLike(key, name) {
			d.report(Misspelt, shown, "the Hub spells it "+name)
			return
		}
	}
	d.report(UnknownField, shown, "")
}

// looksLike reports whether key is name but for case and joining signs.
func looksLike(key []byte, name string) bool {
	i := 0
	for _, c := range key {
		if c == '_' || c == '-' {
			continue
		}
		if i == len(name) || c|0x20 != name[i]|0x20 {
			return false
		}
		i++
	}
	return i == len(name)
}

// report notes a problem with the present field, or with the one of this name
// inside of it.
func (d *decoder) report(kind ProblemKind, name, detail string) {
	if !d.room(kind) {
		return
	}
	var path strings.Builder
	for _, s := range d.path[:d.depth] {
		if s.name == "" {
			fmt.Fprintf(&path, "[%d]", s.index)
			continue
		}
		if path.Len() > 0 {
			path.WriteByte('.')
		}
		path.WriteString(s.name)
	}
	if name != "" {
		if path.Len() > 0 {
			path.WriteByte('.')
		}
		path.WriteString(name)
	}
	d.kept = append(d.kept, Problem{Path: path.String(), Kind: kind, Detail: detail})
}
