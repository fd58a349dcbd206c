package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay/compare"
)

// comparisonRecord is one answer beside another, in --json.
type comparisonRecord struct {
	recordHead
	Delivery  int64          `json:"delivery"`
	Attempt   int64          `json:"attempt"`
	Target    string         `json:"target"`
	With      comparedWith   `json:"with"`
	Other     int64          `json:"other,omitempty"` // the attempt that it is compared with
	OtherURL  string         `json:"otherTarget,omitempty"`
	File      string         `json:"file,omitempty"`
	Same      bool           `json:"same"`
	Changes   []changeRecord `json:"changes"`
	More      int            `json:"more,omitempty"`    // changes beyond those
	Partial   bool           `json:"partial,omitempty"` // of a long answer only the beginning was compared
	MS        float64        `json:"durationMs"`
	OtherMS   float64        `json:"otherDurationMs,omitempty"`
	NotBeside string         `json:"reason,omitempty"` // why there is nothing to compare with
}

type changeRecord struct {
	Path string          `json:"path"`
	Kind compare.Kind    `json:"change"`
	Old  json.RawMessage `json:"old,omitempty"`
	New  json.RawMessage `json:"new,omitempty"`
}

func (k *comparison) record(one compared) comparisonRecord {
	a := one.attempt
	r := comparisonRecord{
		recordHead: head("comparison", time.Now()),
		Delivery:   one.delivery.ID, Attempt: a.ID, Target: a.Target, With: k.kind, File: k.file,
		Changes: []changeRecord{}, MS: inMillis(a.Duration),
	}
	if one.other != nil {
		r.Other, r.OtherURL, r.OtherMS = one.other.ID, one.other.Target, inMillis(one.other.Duration)
	}
	if one.difference == nil {
		r.NotBeside = one.with
		return r
	}
	r.Same, r.More, r.Partial = one.difference.Same(), one.difference.More, one.difference.Partial
	for _, c := range one.difference.Changes {
		r.Changes = append(r.Changes, changeRecord{c.Path, c.Kind, c.Old, c.New})
	}
	return r
}

// How many changes are shown, of one delivery alone and of one among many.
const (
	shownChanges     = 40
	shownChangesEach = 6
)

// show prints what differs. Of many, those that are the same are only counted.
func (k *comparison) show(s *screen, one compared, many bool) {
	d := one.difference
	prefix, limit := "", shownChanges
	if many {
		prefix, limit = fmt.Sprintf("#%d ", one.delivery.ID), shownChangesEach
	}
	say := func(paint paint, text string) {
		s.line("%s%s", blank, paint(s.cut(payload.Printable(prefix+text), blockIndent)))
	}
	switch {
	case d == nil:
		say(s.warn, "not compared: "+one.with)
		return
	case d.Same() && many:
		return
	case d.Same():
		say(s.good, "the same as "+one.with+tookText(d))
	default:
		say(s.bad, "differs from "+one.with+tookText(d))
	}
	for i, c := range d.Changes {
		if i == limit {
			s.line("%s%s", blank, s.dim(fmt.Sprintf("… %d more", len(d.Changes)-limit+d.More)))
			break
		}
		showChange(s, c)
	}
	if d.Partial {
		s.line("%s%s", blank, s.dim("of a long answer only the beginning was compared"))
	}
}

func tookText(d *compare.Difference) string {
	if d.Old == 0 {
		return ""
	}
	return fmt.Sprintf("; %s, and %s then", durationText(d.New), durationText(d.Old))
}

// pipeWidth is how wide a change may be to stand in one line where there is no
// terminal.
const pipeWidth = 100

func showChange(s *screen, c compare.Change) {
	path := payload.Printable(c.Path)
	before, after := changeText(c, c.Old), changeText(c, c.New)
	line := func(sign, text string, paint paint) {
		s.line("%s%s", blank, paint(s.cut(sign+" "+path+": "+text, blockIndent)))
	}
	width := s.width
	if width == 0 {
		width = pipeWidth
	}
	switch {
	case c.Kind == compare.Removed:
		line("-", before, s.bad)
	case c.Kind == compare.Added:
		line("+", after, s.good)
	case blockIndent+columns("~ "+path+":  → "+before+after) <= width:
		s.line("%s~ %s: %s → %s", blank, path, s.bad(before), s.good(after))
	default:
		line("-", before, s.bad)
		line("+", after, s.good)
	}
}

// maxValue is how much of a value is shown, in bytes.
const maxValue = 2000

// changeText is a value for people: JSON in a JSON body, plain text elsewhere.
func changeText(c compare.Change, value json.RawMessage) string {
	text := string(value)
	var plain string
	if c.Path != "body" && !strings.HasPrefix(c.Path, "body.") && json.Unmarshal(value, &plain) == nil {
		text = plain
	}
	if len(text) > maxValue {
		end := maxValue
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	return payload.Printable(text)
}

// plainFile escapes in a JSON text what could steer the terminal of who reads
// it.
type plainFile struct{ w io.Writer }

func (p plainFile) Write(text []byte) (int, error) {
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		lines[i] = payload.EscapeJSON(line)
	}
	if _, err := p.w.Write(bytes.Join(lines, []byte("\n"))); err != nil {
		return 0, err
	}
	return len(text), nil
}
