package main

import (
	"fmt"
	"strings"
)

// roff writes man(7).
type roff struct{ strings.Builder }

// Marks of fonts in a text, which no text has by itself.
const (
	boldMark   = "\x01"
	italicMark = "\x02"
	plainMark  = "\x03"
)

func bold(text string) string   { return boldMark + text + plainMark }
func italic(text string) string { return italicMark + text + plainMark }

// macro writes a request with its arguments.
func (r *roff) macro(name string, args ...string) {
	r.WriteString("." + name)
	for _, arg := range args {
		arg = strings.ReplaceAll(roffEscape(arg), `"`, `\(dq`)
		if arg == "" || strings.Contains(arg, " ") {
			arg = `"` + arg + `"`
		}
		r.WriteString(" " + arg)
	}
	r.WriteString("\n")
}

// text writes a text that is to be filled.
func (r *roff) text(text string) {
	for line := range strings.Lines(wrap(text, 0, 72) + "\n") {
		r.line(strings.TrimSuffix(line, "\n"))
	}
}

// lines writes a text that has lines: those that are indented stay as they are,
// but for rows of a word and what it is; the others are filled. A paragraph has
// begun before.
func (r *roff) lines(text string) {
	var filled []string
	asIs, gap := false, false
	column := 0 // where what it is stands in a row; 0: there was none
	flush := func() {
		if len(filled) > 0 {
			r.text(strings.Join(filled, " "))
		}
		if asIs {
			r.macro("fi")
			r.macro("RE")
		}
		filled, asIs, column = nil, false, 0
	}
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		word, about, row := rowOf(line)
		indent := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case line == "":
			flush()
			gap = true
			continue
		case row:
			flush()
			r.macro("TP")
			r.text(bold(word))
			filled, column = []string{about}, len(line)-len(about)
		case column > 0 && indent == column:
			filled = append(filled, strings.TrimSpace(line))
		case indent > 0:
			if !asIs {
				flush()
				if gap {
					r.macro("PP")
				}
				r.macro("RS", "4")
				r.macro("nf")
				asIs = true
			}
			r.line(strings.TrimPrefix(line, "  "))
		default:
			if asIs || column > 0 {
				flush()
				gap = true
			}
			if gap {
				r.macro("PP")
			}
			filled = append(filled, line)
		}
		gap = false
	}
	flush()
}

// rowOf takes a line of two columns apart: "  word  what it is".
func rowOf(line string) (word, about string, ok bool) {
	rest, ok := strings.CutPrefix(line, "  ")
	if !ok || strings.HasPrefix(rest, " ") {
		return "", "", false
	}
	word, about, ok = strings.Cut(rest, "  ")
	return word, strings.TrimLeft(about, " "), ok
}

// line writes one line of text.
func (r *roff) line(text string) {
	text = roffEscape(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, `\(aq`) || text == "" {
		text = `\&` + text
	}
	r.WriteString(text + "\n")
}

var roffMarks = strings.NewReplacer(
	`\`, `\(rs`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "~", `\(ti`, "^", `\(ha`,
	boldMark, `\fB`, italicMark, `\fI`, plainMark, `\fR`,
)

// roffEscape makes a text of what roff would take for something else, and of
// what it would print in another way: it is to be copied into a shell.
func roffEscape(text string) string {
	var b strings.Builder
	for _, r := range roffMarks.Replace(text) {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}
