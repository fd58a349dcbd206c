package compare

import (
	"errors"
	"fmt"
	"strings"
)

// Ignore is places of answers that may differ. Its zero value is none.
type Ignore []pattern

// pattern is the steps of a path. In a step, * stands for any text; a step that
// is ** stands for any number of steps.
type pattern []string

// ParseIgnore reads places as Change.Path writes them: status,
// headers.x-request-id, body.items.0.id; items[0].id is the same as
// body.items.0.id, since what begins with none of status, exit, failure, headers
// and body is in the body. All that is inside of a place is ignored with it. *
// stands for any text in a step, as in items.*.id, and ** for any steps, as in
// **.updated_at. A backslash takes its meaning from a dot, a star, a bracket and
// a backslash.
func ParseIgnore(paths ...string) (Ignore, error) {
	var ignore Ignore
	for _, text := range paths {
		p, err := parsePattern(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no path: %w", text, err)
		}
		switch p[0] {
		case "headers":
			for i := range p {
				p[i] = strings.ToLower(p[i])
			}
		case "status", "exit", "failure", "body":
		default:
			p = append(pattern{"body"}, p...)
		}
		ignore = append(ignore, p)
	}
	return ignore, nil
}

const (
	maxPattern      = 1 << 10 // in bytes
	maxPatternSteps = 64
)

// parsePattern gives the steps, in which a star without a meaning is \*.
func parsePattern(text string) (pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("it has more than %d bytes", maxPattern)
	}
	var p pattern
	var step strings.Builder
	bracket := false // was just closed, so that an empty step is none
	end := func() error {
		if step.Len() == 0 && !bracket {
			return errors.New("a step is empty")
		}
		if step.Len() > 0 {
			p = append(p, step.String())
		}
		step.Reset()
		bracket = false
		return nil
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			i++
			if i == len(text) {
				return nil, errors.New("it ends in a backslash")
			}
			if text[i] == '*' || text[i] == '\\' {
				step.WriteByte('\\')
			}
			step.WriteByte(text[i])
		case '.':
			if err := end(); err != nil {
				return nil, err
			}
		case '[':
			if step.Len() > 0 {
				p = append(p, step.String())
				step.Reset()
			}
			inside, rest, ok := strings.Cut(text[i+1:], "]")
			if !ok || inside == "" || rest != "" && rest[0] != '.' && rest[0] != '[' {
				return nil, errors.New("in brackets is an index or *, and a dot comes after")
			}
			p, bracket = append(p, inside), true
			i = len(text) - len(rest) - 1
		default:
			step.WriteByte(c)
		}
	}
	if err := end(); err != nil {
		return nil, err
	}
	if len(p) > maxPatternSteps {
		return nil, fmt.Errorf("it has more than %d steps", maxPatternSteps)
	}
	return p, nil
}

// match reports whether a place, or one that it is in, is to be ignored. It is
// asked on the way down, so the place itself is enough.
func (g Ignore) match(path []string) bool {
	for _, p := range g {
		if p.match(path) {
			return true
		}
	}
	return false
}

// match goes back to the last ** only, which is enough to find a match.
func (p pattern) match(path []string) bool {
	at, i := 0, 0
	star, from := -1, 0
	for i < len(path) {
		switch {
		case at < len(p) && p[at] == "**":
			star, from = at, i
			at++
		case at < len(p) && matchStep(p[at], path[i]):
			at++
			i++
		case star >= 0:
			from++
			at, i = star+1, from
		default:
			return false
		}
	}
	for at < len(p) && p[at] == "**" {
		at++
	}
	return at == len(p)
}

// matchStep matches a step with its stars against a name, likewise.
func matchStep(step, name string) bool {
	at, i := 0, 0
	star, from := -1, 0
	for i < len(name) {
		switch {
		case at < len(step) && step[at] == '*':
			star, from = at, i
			at++
			continue
		case at+1 < len(step) && step[at] == '\\' && step[at+1] == name[i]:
			at, i = at+2, i+1
			continue
		case at < len(step) && step[at] != '\\' && step[at] == name[i]:
			at, i = at+1, i+1
			continue
		}
		if star < 0 {
			return false
		}
		from++
		at, i = star+1, from
	}
	for at < len(step) && step[at] == '*' {
		at++
	}
	return at == len(step)
}

func joinPath(path []string) string {
	var b strings.Builder
	for i, step := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(escapeStep.Replace(step))
	}
	return b.String()
}

var escapeStep = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`, `*`, `\*`)
