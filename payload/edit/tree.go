package edit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tailscale/hujson"
)

// parse reads strict JSON within the bounds. The value refers to text, which
// must not be modified afterwards.
func parse(text []byte) (hujson.Value, error) {
	if err := within("it", len(text), measure(text)); err != nil {
		return hujson.Value{}, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return hujson.Value{}, fmt.Errorf("%w: it is empty", ErrNotJSON)
	}
	// hujson would take comments and trailing commas too.
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return hujson.Value{}, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	v, err := hujson.Parse(text)
	if err != nil {
		return hujson.Value{}, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	return v, nil
}

// extent is how much there is in a JSON text. Keys are values too.
type extent struct{ depth, values int }

// measure finds the extent of a JSON text, without recursion.
func measure(text []byte) (e extent) {
	e.values = 1
	open := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			open++
			e.depth = max(e.depth, open)
			e.values++
		case '}', ']':
			open--
		case ',', ':':
			e.values++
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return e
}

// measureTree finds the extent of a tree; no bounded operation makes it much
// deeper than MaxDepth at once.
func measureTree(v *hujson.Value) (e extent) {
	inside := func(v *hujson.Value) {
		inner := measureTree(v)
		e = extent{max(e.depth, inner.depth), e.values + inner.values}
	}
	switch v := v.Value.(type) {
	case *hujson.Object:
		for i := range v.Members {
			inside(&v.Members[i].Value)
		}
		e = extent{e.depth + 1, e.values + len(v.Members)}
	case *hujson.Array:
		for i := range v.Elements {
			inside(&v.Elements[i])
		}
		e.depth++
	}
	e.values++
	return e
}

// check holds a tree against the bounds.
func check(root *hujson.Value) error {
	root.UpdateOffsets()
	return within("the edited body", root.EndOffset+len(root.AfterExtra), measureTree(root))
}

func within(what string, size int, e extent) error {
	switch {
	case size > MaxSize:
		return fmt.Errorf("%w: %s has more than %d bytes", ErrBounds, what, MaxSize)
	case e.depth > MaxDepth:
		return fmt.Errorf("%w: %s is nested deeper than %d", ErrBounds, what, MaxDepth)
	case e.values > MaxValues:
		return fmt.Errorf("%w: %s has more than %d values", ErrBounds, what, MaxValues)
	}
	return nil
}

// member gives the index of the member that counts for a name, or -1.
func member(o *hujson.Object, name string) int {
	for i := len(o.Members) - 1; i >= 0; i-- {
		if nameOf(o.Members[i]) == name {
			return i
		}
	}
	return -1
}

func nameOf(m hujson.ObjectMember) string {
	return m.Name.Value.(hujson.Literal).String()
}

// addMember adds a null for a name, with the white space of its neighbour.
func addMember(o *hujson.Object, name string) *hujson.Value {
	m := hujson.ObjectMember{Name: hujson.Value{Value: hujson.String(name)}, Value: hujson.Value{Value: null}}
	if n := len(o.Members); n > 0 {
		m.Name.BeforeExtra = o.Members[n-1].Name.BeforeExtra
		m.Value.BeforeExtra = o.Members[n-1].Value.BeforeExtra
	}
	o.Members = append(o.Members, m)
	return &o.Members[len(o.Members)-1].Value
}

func addElement(a *hujson.Array) *hujson.Value {
	e := hujson.Value{Value: null}
	if n := len(a.Elements); n > 0 {
		e.BeforeExtra = a.Elements[n-1].BeforeExtra
	}
	a.Elements = append(a.Elements, e)
	return &a.Elements[len(a.Elements)-1]
}

// removeMember takes away all members of a name.
func removeMember(o *hujson.Object, name string) {
	o.Members = slices.DeleteFunc(o.Members, func(m hujson.ObjectMember) bool { return nameOf(m) == name })
	tidy(o)
}

// dropEarlier takes away the members before the one at i that have its name,
// and gives where that one is then.
func dropEarlier(o *hujson.Object, i int) int {
	name := nameOf(o.Members[i])
	others := slices.DeleteFunc(o.Members[:i], func(m hujson.ObjectMember) bool { return nameOf(m) == name })
	o.Members = slices.Delete(o.Members, len(others), i)
	return len(others)
}

func removeElement(a *hujson.Array, i int) {
	a.Elements = slices.Delete(a.Elements, i, i+1)
	tidy(a)
}

// tidy is for what lost its last value: white space after the one that is last
// now would be a trailing comma to hujson.
func tidy(v hujson.ValueTrimmed) {
	switch v := v.(type) {
	case *hujson.Object:
		if n := len(v.Members); n > 0 {
			v.Members[n-1].Value.AfterExtra = nil
		}
	case *hujson.Array:
		if n := len(v.Elements); n > 0 {
			v.Elements[n-1].AfterExtra = nil
		}
	}
}

var null = hujson.Literal("null")

// isNull reports whether v is null, which counts as nothing when something is
// to be put into it.
func isNull(v *hujson.Value) bool { return v.Value.Kind() == 'n' }

// bare is a value without the white space around it.
func bare(v hujson.Value) hujson.Value { return hujson.Value{Value: v.Clone().Value} }

// kind names what v is, with its article.
func kind(v *hujson.Value) string {
	switch v.Value.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "a boolean"
	}
	return "null"
}
