package edit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// step is a key, or the index of an element.
type step struct {
	name  string // "-": behind the last element
	index bool   // stood in brackets, so it is never a key
}

type path []step

// maxPath bounds a path, in bytes.
const maxPath = 16 << 10

func parsePath(text string) (path, error) {
	wrong := func(reason string) error {
		return (&Error{Path: clip(text), Reason: reason}).with(`paths are like discussion.status or updatedRefs[0].ref; \. is a dot inside a key`)
	}
	switch {
	case strings.TrimSpace(text) == "":
		return nil, &Error{Path: `""`, Reason: "the path is empty", Hint: "paths are like discussion.status or updatedRefs[0].ref"}
	case len(text) > maxPath:
		return nil, wrong(fmt.Sprintf("the path has more than %d bytes", maxPath))
	case !utf8.ValidString(text):
		return nil, wrong("the path is not UTF-8")
	}
	var p path
	var reason string
	if text[0] == '/' {
		p, reason = parsePointer(text)
	} else {
		p, reason = parseDotted(text)
	}
	switch {
	case reason != "":
		return nil, wrong(reason)
	case len(p) > MaxDepth:
		return nil, wrong(fmt.Sprintf("the path has more than %d steps", MaxDepth))
	}
	return p, nil
}

func parsePointer(text string) (p path, reason string) {
	for name := range strings.SplitSeq(text[1:], "/") {
		for _, rest := range strings.Split(name, "~")[1:] {
			if rest == "" || rest[0] != '0' && rest[0] != '1' {
				return nil, "in a JSON pointer ~ is written ~0, and / is written ~1"
			}
		}
		p = append(p, step{name: strings.NewReplacer("~1", "/", "~0", "~").Replace(name)})
	}
	return p, ""
}

func parseDotted(text string) (p path, reason string) {
	var key strings.Builder
	due := true // a key or an index is to come
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			i++
			if i == len(text) {
				return nil, "the path ends in a backslash"
			}
			key.WriteByte(text[i])
		case '.':
			if key.Len() > 0 {
				p, due = append(p, step{name: key.String()}), false
			}
			if due {
				return nil, "a key is empty"
			}
			key.Reset()
			due = true
		case '[':
			if key.Len() > 0 {
				p = append(p, step{name: key.String()})
			} else if due && len(p) > 0 {
				return nil, "a key is empty"
			}
			key.Reset()
			inside, rest, ok := strings.Cut(text[i+1:], "]")
			if _, isIndex := index(inside); !ok || inside != "" && inside != "-" && !isIndex {
				return nil, "in brackets is the index of an element, or nothing to append one"
			}
			if rest != "" && rest[0] != '.' && rest[0] != '[' {
				return nil, "after a bracket comes a dot"
			}
			if inside == "" {
				inside = "-"
			}
			p, due = append(p, step{name: inside, index: true}), false
			i = len(text) - len(rest) - 1
		default:
			key.WriteByte(c)
		}
	}
	if key.Len() > 0 {
		return append(p, step{name: key.String()}), ""
	}
	if due {
		return nil, "a key is empty"
	}
	return p, ""
}

// index reads the index of an element.
func index(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && (s == "0" || s[0] != '0')
}

// list reports whether a step makes a list when there is nothing yet.
func (s step) list() bool { return s.index || s.name == "-" || s.name == "0" }

// String writes the path with dots, harmless to print.
func (p path) String() string {
	var b strings.Builder
	for i, s := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`).Replace(s.name))
	}
	return clip(b.String())
}

// place names what a path leads to.
func (p path) place() string {
	if len(p) == 0 {
		return "the body"
	}
	return p.String()
}

// wrong is about the step after p[:i], at a value of another kind.
func (p path) wrong(i int, at *hujson.Value) *Error {
	e := &Error{Path: p.String(), Reason: p[:i].place() + " is " + kind(at)}
	switch v := at.Value.(type) {
	case *hujson.Object:
		return e.with("an object has keys: %s", keys(v))
	case *hujson.Array:
		return e.with("a list has elements: %s", elements(v))
	}
	e.Reason += ", there is nothing inside of it"
	return e.with("set the whole of it: %s={...}", p[:i].place())
}

// absent is about a step that leads nowhere.
func (p path) absent(i int, at *hujson.Value) *Error {
	e := &Error{Path: p.String(), Err: ErrAbsent}
	switch v := at.Value.(type) {
	case *hujson.Object:
		e.Reason = fmt.Sprintf("there is no %s in %s", clip(p[i].name), p[:i].place())
		return e.with("%s has %s", p[:i].place(), keys(v))
	case *hujson.Array:
		e.Reason = fmt.Sprintf("there is no element %s in %s", clip(p[i].name), p[:i].place())
		return e.with("%s has %s", p[:i].place(), elements(v))
	}
	e.Reason = p[:i].place() + " is " + kind(at) + ", there is nothing inside of it"
	return e
}

// maxKeys is how many keys a hint names.
const maxKeys = 12

func keys(o *hujson.Object) string {
	var names []string
	for i := range o.Members {
		if len(names) == maxKeys {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", len(o.Members)-maxKeys)
		}
		names = append(names, clip(nameOf(o.Members[i])))
	}
	if len(names) == 0 {
		return "no keys"
	}
	return strings.Join(names, ", ")
}

func elements(a *hujson.Array) string {
	switch n := len(a.Elements); n {
	case 0:
		return "none yet, - appends one"
	case 1:
		return "0, - appends one more"
	default:
		return fmt.Sprintf("0 to %d, - appends one more", n-1)
	}
}
