package edit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tailscale/hujson"
)

// Set puts a value at a path. A value that is JSON is put in as it stands; any
// other text is a string. So 5 and true and [] and "5" are JSON, and merged and
// refs/heads/main are strings.
//
// Objects and lists on the way that are not there, or null, are made: a list
// where the path goes on with [0], 0 or -. What is neither object nor list is
// not replaced by one; that is an error of Apply, and so is an index that is
// more than one behind the end.
func Set(at, value string) (Edit, error) {
	p, err := parsePath(at)
	if err != nil {
		return Edit{}, err
	}
	v, err := parseValue(value)
	if err != nil {
		return Edit{}, &Error{Path: clip(at), Reason: "the value is " + strings.TrimPrefix(err.Error(), ErrBounds.Error()+": "), Err: ErrBounds}
	}
	return Edit{
		text:  fmt.Sprintf("%s = %s", clip(at), clip(v.String())),
		apply: func(root *hujson.Value) error { return p.set(root, v) },
	}, nil
}

// ParseSet is Set with path=value in one word. Of the equals signs, the first
// without a backslash in front counts.
func ParseSet(text string) (Edit, error) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '=':
			return Set(text[:i], text[i+1:])
		}
	}
	return Edit{}, (&Error{Path: clip(text), Reason: "there is no value"}).with("write a path, =, and a value: discussion.status=merged")
}

// Unset takes away what is at a path; elements behind it move up. When there is
// nothing, Apply gives an Error with ErrAbsent.
func Unset(at string) (Edit, error) {
	p, err := parsePath(at)
	if err != nil {
		return Edit{}, err
	}
	if last := p[len(p)-1]; last.index && last.name == "-" {
		return Edit{}, (&Error{Path: clip(at), Reason: "there is nothing behind the last element"}).with("say which: updatedRefs.0")
	}
	return Edit{text: clip(at) + " taken away", apply: p.unset}, nil
}

// UnsetIfThere is Unset that leaves a body alone in which there is nothing.
func UnsetIfThere(at string) (Edit, error) {
	e, err := Unset(at)
	if err != nil {
		return e, err
	}
	strict := e.apply
	e.apply = func(root *hujson.Value) error {
		if err := strict(root); !errors.Is(err, ErrAbsent) {
			return err
		}
		return nil
	}
	return e, nil
}

// parseValue reads a value. It is JSON within the bounds, else a string.
func parseValue(text string) (hujson.Value, error) {
	if !json.Valid([]byte(text)) || strings.TrimSpace(text) == "" {
		if len(text) > MaxSize {
			return hujson.Value{}, fmt.Errorf("longer than %d bytes", MaxSize)
		}
		return hujson.Value{Value: hujson.String(text)}, nil
	}
	v, err := parse([]byte(text))
	if err != nil {
		return hujson.Value{}, err
	}
	return bare(v), nil
}

func (p path) set(root *hujson.Value, value hujson.Value) error {
	at := root
	for i := range p {
		next, err := p.into(i, at)
		if err != nil {
			return err
		}
		at = next
	}
	at.Value = value.Clone().Value
	return nil
}

// into gives the value one step further, and makes it when it is not there.
func (p path) into(i int, at *hujson.Value) (*hujson.Value, error) {
	s := p[i]
	if isNull(at) {
		at.Value = &hujson.Object{}
		if s.list() {
			at.Value = &hujson.Array{}
		}
	}
	switch v := at.Value.(type) {
	case *hujson.Object:
		if s.index {
			return nil, p.wrong(i, at)
		}
		found := member(v, s.name)
		if found < 0 {
			return addMember(v, s.name), nil
		}
		if i == len(p)-1 { // or who takes the first of two would not see the new value
			found = dropEarlier(v, found)
		}
		return &v.Members[found].Value, nil
	case *hujson.Array:
		n, ok := index(s.name)
		switch {
		case s.name == "-", ok && n == len(v.Elements):
			return addElement(v), nil
		case ok && n < len(v.Elements):
			return &v.Elements[n], nil
		}
		return nil, p.wrong(i, at)
	}
	return nil, p.wrong(i, at)
}

func (p path) unset(root *hujson.Value) error {
	at := root
	for i, s := range p {
		last := i == len(p)-1
		switch v := at.Value.(type) {
		case *hujson.Object:
			found := member(v, s.name)
			switch {
			case s.index:
				return p.wrong(i, at)
			case found < 0:
				return p.absent(i, at)
			case last:
				removeMember(v, s.name)
				return nil
			}
			at = &v.Members[found].Value
		case *hujson.Array:
			n, ok := index(s.name)
			switch {
			case !ok && s.name != "-":
				return p.wrong(i, at)
			case !ok || n >= len(v.Elements):
				return p.absent(i, at)
			case last:
				removeElement(v, n)
				return nil
			}
			at = &v.Elements[n]
		default:
			return p.absent(i, at)
		}
	}
	return nil
}
