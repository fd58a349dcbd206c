package compare

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"

	"github.com/hfhook/hfhook/payload/decimal"
)

func (c *comparer) body(before, after []byte) {
	path := []string{"body"}
	switch {
	case bytes.Equal(before, after) || c.ignore.match(path):
	case len(before) == 0:
		c.values(path, nil, whole(after))
	case len(after) == 0:
		c.values(path, whole(before), nil)
	default:
		x, ok := decode(before)
		y, okToo := decode(after)
		switch {
		case ok && okToo:
			c.json(path, x, y)
		case isText(before) && isText(after):
			c.lines(string(before), string(after))
		default:
			c.values(path, whole(before), whole(after))
		}
	}
}

// whole is a body as one value: JSON, else text, else how long it is.
func whole(body []byte) json.RawMessage {
	if v, ok := decode(body); ok {
		return encode(v)
	}
	if isText(body) {
		return encode(string(body))
	}
	return encode(fmt.Sprintf("%d bytes, sha256 %x", len(body), sha256.Sum256(body)))
}

func isText(b []byte) bool { return utf8.Valid(b) && !bytes.ContainsRune(b, 0) }

// decode reads JSON and leaves numbers as they are written.
func decode(body []byte) (v any, ok bool) {
	if !utf8.Valid(body) || !json.Valid(body) { // encoding/json would make all bad bytes the same
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err == nil
}

// encode writes a value that is known to be writable.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (c *comparer) json(path []string, before, after any) {
	if c.ignore.match(path) {
		return
	}
	switch x := before.(type) {
	case map[string]any:
		if y, ok := after.(map[string]any); ok {
			c.objects(path, x, y)
			return
		}
	case []any:
		if y, ok := after.([]any); ok {
			c.lists(path, x, y)
			return
		}
	case json.Number:
		if y, ok := after.(json.Number); ok && decimal.Canonical(x.String()) == decimal.Canonical(y.String()) {
			return
		}
	default:
		if before == after {
			return
		}
	}
	c.add(joinPath(path), Changed, encode(before), encode(after))
}

func (c *comparer) objects(path []string, before, after map[string]any) {
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		x, had := before[key]
		y, has := after[key]
		c.inside(append(path, key), x, y, had, has)
	}
}

func (c *comparer) lists(path []string, before, after []any) {
	for i := range max(len(before), len(after)) {
		var x, y any
		if i < len(before) {
			x = before[i]
		}
		if i < len(after) {
			y = after[i]
		}
		c.inside(append(path, strconv.Itoa(i)), x, y, i < len(before), i < len(after))
	}
}

// inside compares what is, or is not, at one place of both.
func (c *comparer) inside(path []string, before, after any, had, has bool) {
	switch {
	case had && has:
		c.json(path, before, after)
	case c.ignore.match(path):
	case had:
		c.add(joinPath(path), Removed, encode(before), nil)
	default:
		c.add(joinPath(path), Added, nil, encode(after))
	}
}

// lines compares texts line by line. How lines end does not count.
func (c *comparer) lines(before, after string) {
	before, after = unixLines(before), unixLines(after)
	at, added := 0, 0 // of before, in bytes; and in lines, how many after has more
	line := 1
	for _, e := range udiff.Lines(before, after) {
		line += strings.Count(before[at:e.Start], "\n")
		at = e.Start
		removed, inserted := splitLines(before[e.Start:e.End]), splitLines(e.New)
		both := min(len(removed), len(inserted))
		for i := range both {
			c.values([]string{fmt.Sprintf("body:%d", line+added+i)}, encode(removed[i]), encode(inserted[i]))
		}
		for i, text := range removed[both:] {
			c.values([]string{fmt.Sprintf("body:%d", line+both+i)}, encode(text), nil)
		}
		for i, text := range inserted[both:] {
			c.values([]string{fmt.Sprintf("body:%d", line+added+both+i)}, nil, encode(text))
		}
		added += len(inserted) - len(removed)
	}
}

func unixLines(text string) string {
	return strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n") + "\n"
}

func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
