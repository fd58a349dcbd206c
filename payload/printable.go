package payload

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable gives s with everything replaced that could steer a terminal or
// deceive a reader: control characters, escape sequences, line breaks, bidi
// controls, zero-width and other invisible characters, private use, invalid
// UTF-8. In its place stands what it was, as in \x1b, \u202e or \xff. Letters,
// marks, digits, symbols, blanks of any width and emoji pass; the joiner and
// the variation selector of emoji pass between and after symbols only.
// Backslashes pass too, so the way back is not unique.
func Printable(s string) string { return printable(s, false) }

// PrintableLines is Printable for text of several lines: line feeds are kept,
// CR LF becomes a line feed, a tab becomes four blanks.
func PrintableLines(s string) string { return printable(s, true) }

func printable(s string, lines bool) string {
	clean := cleanPrefix(s, lines)
	if clean == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:clean])
	before := rune(0) // the last one that passed, for the joiner of emoji
	if clean > 0 {
		before, _ = utf8.DecodeLastRuneInString(s[:clean])
	}
	for i := clean; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case passes(before, r, size, s[i+size:]), lines && r == '\n':
			b.WriteString(s[i : i+size])
			before = r
			i += size
			continue
		case lines && r == '\t':
			b.WriteString("    ")
		case lines && r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
			// The line feed after it does the work.
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		before = 0
		i += size
	}
	return b.String()
}

// cleanPrefix gives the length of the longest prefix of s that passes as it is.
func cleanPrefix(s string, lines bool) int {
	before := rune(0)
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7f || lines && c == '\n' {
			before = rune(c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !passes(before, r, size, s[i+size:]) {
			return i
		}
		before = r
		i += size
	}
	return len(s)
}

const (
	zeroWidthJoiner = '\u200d'
	emojiStyle      = '\ufe0f' // variation selector 16
)

// passes reports whether r, size bytes long, may be shown between the rune
// before it, which passed (0 if none did), and the text after it.
func passes(before, r rune, size int, after string) bool {
	switch {
	case r == utf8.RuneError && size == 1:
		return false
	case r == emojiStyle:
		return symbol(before)
	case r == zeroWidthJoiner:
		next, _ := utf8.DecodeRuneInString(after)
		return (symbol(before) || before == emojiStyle) && symbol(next) && next != utf8.RuneError
	case pictograph(r):
		return true
	}
	return unicode.IsGraphic(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// symbol reports whether r is a symbol as emoji are made of, skin tones included.
func symbol(r rune) bool { return pictograph(r) || unicode.In(r, unicode.So, unicode.Sm) }

// pictograph reports whether r is in the blocks of Unicode that are for emoji
// and the like, also where it is younger than Go's tables.
func pictograph(r rune) bool { return r >= 0x1f000 && r <= 0x1faff }
