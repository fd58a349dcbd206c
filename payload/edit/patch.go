package edit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/hfhook/hfhook/payload/decimal"
)

// Patch reads a patch: a list is a JSON Patch (RFC 6902), an object a merge
// patch (RFC 7396).
//
// Operations of a JSON Patch are made in order. Their test compares numbers by
// value, however large. Bodies with a key twice in one object are refused, since
// the standard does not say which of the two is meant.
func Patch(document []byte) (Edit, error) {
	document = bytes.TrimPrefix(document, []byte(mark))
	root, err := parse(bytes.Clone(document))
	if err != nil {
		hint := `a JSON Patch is like [{"op":"replace","path":"/discussion/status","value":"merged"}], a merge patch like {"discussion":{"status":"merged"}}`
		reason, bounds := strings.ReplaceAll(err.Error(), "body", "it"), error(nil)
		if errors.Is(err, ErrBounds) {
			bounds = ErrBounds
		}
		return Edit{}, &Error{Path: "patch", Reason: reason, Hint: hint, Err: bounds}
	}
	switch v := root.Value.(type) {
	case *hujson.Object:
		return Edit{
			text:  "merge patch of " + keys(v),
			apply: func(target *hujson.Value) error { merge(target, v); return nil },
		}, nil
	case *hujson.Array:
		operations := make([]operation, 0, len(v.Elements))
		for i := range v.Elements {
			o, err := parseOperation(i+1, v.Elements[i].Pack())
			if err != nil {
				return Edit{}, err
			}
			operations = append(operations, o)
		}
		return Edit{text: patchText(operations), apply: func(target *hujson.Value) error { return patch(target, operations) }}, nil
	}
	return Edit{}, &Error{Path: "patch", Reason: "it is " + kind(&root), Hint: "a JSON Patch is a list, a merge patch an object"}
}

func patchText(operations []operation) string {
	texts := make([]string, 0, 3)
	for i, o := range operations {
		if i == 2 && len(operations) > 3 {
			return strings.Join(texts, ", ") + fmt.Sprintf(" and %d more", len(operations)-2)
		}
		texts = append(texts, o.op+" "+clip(o.pointer))
	}
	return strings.Join(texts, ", ")
}

// operation is one of a JSON Patch.
type operation struct {
	op, pointer, fromPointer string
	value                    json.RawMessage

	name     string // in errors
	alone    []byte // a JSON Patch of this operation
	at, from path   // empty: the whole body
}

// members are those that an operation has besides op and path.
var members = map[string]string{"add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from", "remove": ""}

func parseOperation(n int, text []byte) (operation, error) {
	o := operation{name: fmt.Sprintf("operation %d of the patch", n)}
	wrong := func(reason string) (operation, error) {
		return o, &Error{Path: o.name, Reason: reason, Hint: `operations are like {"op":"replace","path":"/discussion/status","value":"merged"}`}
	}
	var given map[string]json.RawMessage
	if json.Unmarshal(text, &given) != nil || given == nil {
		return wrong("it is no object")
	}
	// Not into a struct: encoding/json would take "PATH" for "path" too.
	for name, s := range map[string]*string{"op": &o.op, "path": &o.pointer, "from": &o.fromPointer} {
		if given[name] != nil && json.Unmarshal(given[name], s) != nil {
			return wrong("op, path and from are strings")
		}
	}
	needs, known := members[o.op]
	switch {
	case o.op == "":
		return wrong("it has no op")
	case !known:
		return wrong(fmt.Sprintf("there is no op %q; there are add, remove, replace, move, copy and test", clip(o.op)))
	case given["path"] == nil:
		return wrong("it has no path")
	case needs != "" && given[needs] == nil:
		return wrong("it has no " + needs)
	}
	o.value = given["value"] // also null
	o.name += fmt.Sprintf(" (%s %s)", o.op, clip(o.pointer))
	for p, pointer := range map[*path]string{&o.at: o.pointer, &o.from: o.fromPointer} {
		if pointer == "" {
			continue
		}
		if pointer[0] != '/' {
			return wrong("paths in a patch begin with a slash: /discussion/status")
		}
		var err error
		if *p, err = parsePath(pointer); err != nil {
			return wrong(err.(*Error).Reason)
		}
	}
	switch {
	case o.op == "move" && strings.HasPrefix(o.pointer, o.fromPointer+"/"):
		return wrong("nothing can be moved into itself")
	case o.op == "replace" && o.pointer == "": // hujson replaces no root
		o.op = "add"
		fallthrough
	case o.op == "add":
		text = addition(o.pointer, o.value)
	}
	o.alone = slices.Concat([]byte("["), text, []byte("]"))
	return o, nil
}

func addition(pointer string, value []byte) []byte {
	at, _ := json.Marshal(pointer) // a string can be written
	return slices.Concat([]byte(`{"op":"add","path":`), at, []byte(`,"value":`), value, []byte("}"))
}

func patch(root *hujson.Value, operations []operation) error {
	if name := twice(root); name != "" {
		return &Error{
			Path: "patch", Reason: fmt.Sprintf("the key %s comes twice in an object of the body", clip(name)),
			Hint: "a patch does not say which one it means; --set and --unset take the last",
		}
	}
	for _, o := range operations {
		if err := o.run(root); err != nil {
			return err
		}
	}
	return nil
}

// run makes an operation. hujson does the work; it would take an index far
// behind the end, and its test knows neither null nor large numbers.
func (o operation) run(root *hujson.Value) error {
	switch o.op {
	case "move":
		return o.move(root)
	case "test":
		return o.test(root)
	case "copy":
		if _, err := o.from.find(root, len(o.from)); err != nil {
			return o.wrong(err)
		}
	}
	if len(o.at) > 0 {
		parent, err := o.at.find(root, len(o.at)-1)
		if err == nil {
			err = o.at.room(parent, o.op == "add" || o.op == "copy")
		}
		if err != nil {
			return o.wrong(err)
		}
		defer tidy(parent.Value)
	}
	if err := root.Patch(o.alone); err != nil {
		return o.wrong(err)
	}
	if o.op == "copy" { // a few of them could fill the memory
		return check(root)
	}
	return nil
}

// move takes a value away, and adds it where it belongs then.
func (o operation) move(root *hujson.Value) error {
	v, err := o.from.find(root, len(o.from))
	if err != nil {
		return o.wrong(err)
	}
	if len(o.from) == 0 || o.fromPointer == o.pointer {
		return nil // the whole, to where it is
	}
	text := bare(*v).Pack()
	from, _ := json.Marshal(o.fromPointer)
	take := operation{op: "remove", name: o.name, at: o.from, alone: slices.Concat([]byte(`[{"op":"remove","path":`), from, []byte("}]"))}
	put := operation{op: "add", name: o.name, at: o.at, alone: slices.Concat([]byte("["), addition(o.pointer, text), []byte("]"))}
	if err := take.run(root); err != nil {
		return err
	}
	return put.run(root)
}

func (o operation) test(root *hujson.Value) error {
	v, err := o.at.find(root, len(o.at))
	if err != nil {
		return o.wrong(err)
	}
	if !same(v.Pack(), o.value) {
		return &Error{Path: o.name, Reason: o.at.place() + " is " + clip(bare(*v).String()), Hint: "the patch is for another body"}
	}
	return nil
}

func (o operation) wrong(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Path: o.name, Reason: e.Reason, Hint: e.Hint, Err: e.Err}
	}
	return &Error{Path: o.name, Reason: clip(strings.TrimPrefix(err.Error(), "hujson: patch operation 0: "))}
}

// find gives the value at the first n steps.
func (p path) find(root *hujson.Value, n int) (*hujson.Value, error) {
	at := root
	for i := range n {
		switch v := at.Value.(type) {
		case *hujson.Object:
			found := member(v, p[i].name)
			if found < 0 {
				return nil, p.absent(i, at)
			}
			at = &v.Members[found].Value
		case *hujson.Array:
			found, ok := index(p[i].name)
			if !ok && p[i].name != "-" {
				return nil, p.wrong(i, at)
			}
			if !ok || found >= len(v.Elements) {
				return nil, p.absent(i, at)
			}
			at = &v.Elements[found]
		default:
			return nil, p.absent(i, at)
		}
	}
	return at, nil
}

// room reports whether the last step leads to a value in parent, or to where
// one may be added.
func (p path) room(parent *hujson.Value, adding bool) error {
	i := len(p) - 1
	switch v := parent.Value.(type) {
	case *hujson.Object:
		if !adding && member(v, p[i].name) < 0 {
			return p.absent(i, parent)
		}
	case *hujson.Array:
		n, ok := index(p[i].name)
		switch {
		case !ok && p[i].name != "-":
			return p.wrong(i, parent)
		case !ok && !adding, ok && n > len(v.Elements), ok && n == len(v.Elements) && !adding:
			return p.absent(i, parent)
		}
	default:
		return p.absent(i, parent)
	}
	return nil
}

// twice gives a key that an object in v has two times.
func twice(v *hujson.Value) string {
	for v := range v.All() {
		o, ok := v.Value.(*hujson.Object)
		if !ok {
			continue
		}
		seen := make(map[string]bool, len(o.Members))
		for i := range o.Members {
			name := nameOf(o.Members[i])
			if seen[name] {
				return name
			}
			seen[name] = true
		}
	}
	return ""
}

// same compares two JSON texts; the order of keys does not count, and numbers
// count by value.
func same(a, b []byte) bool {
	return reflect.DeepEqual(decoded(a), decoded(b))
}

func decoded(text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return exact(v)
}

// exact replaces numbers by what is equal when they are.
func exact(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(decimal.Canonical(v.String()))
	case []any:
		for i := range v {
			v[i] = exact(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = exact(v[key])
		}
	}
	return v
}
