package main

import "unicode/utf8"

// Keys that are no characters.
const (
	keyEscape    rune = 0x1b
	keyEnter     rune = '\r'
	keyErase     rune = 0x7f
	keyEraseWord rune = 'W' - '@'
	keyEraseLine rune = 'U' - '@'
	keyInterrupt rune = 'C' - '@'
	keyEnd       rune = 'D' - '@'

	// keyOther is a whole escape sequence, as arrows and other keys send.
	keyOther rune = -1

	// Between these two stands what was pasted.
	keyPasteBegin rune = -2
	keyPasteEnd   rune = -3
)

// maxSequence is how long an escape sequence may be, in bytes: what is longer
// is none.
const maxSequence = 64

// decoder makes keys of what a terminal sends, which may come in pieces.
type decoder struct{ rest []byte }

// decode gives the keys that are complete.
func (d *decoder) decode(chunk []byte) (keys []rune) {
	b := append(d.rest, chunk...)
	d.rest = nil
	for len(b) > 0 {
		key, n := oneKey(b)
		if n == 0 {
			d.rest = b
			break
		}
		keys = append(keys, key)
		b = b[n:]
	}
	return keys
}

// pending reports whether something has begun that is not complete.
func (d *decoder) pending() bool { return len(d.rest) > 0 }

// flush gives what has begun as the keys that it is when nothing follows.
func (d *decoder) flush() []rune {
	b := d.rest
	d.rest = nil
	switch {
	case len(b) == 0:
		return nil
	case len(b) == 1 && b[0] == byte(keyEscape):
		return []rune{keyEscape}
	}
	return []rune{keyOther}
}

// oneKey gives the first key of b, and its length; 0 when more has to come.
func oneKey(b []byte) (key rune, n int) {
	switch {
	case b[0] == byte(keyEscape):
		n := sequence(b)
		switch {
		case string(b[:n]) == "\x1b[200~":
			return keyPasteBegin, n
		case string(b[:n]) == "\x1b[201~":
			return keyPasteEnd, n
		case n == 0 && len(b) >= maxSequence:
			n = len(b)
		}
		return keyOther, n
	case b[0] == '\n':
		return keyEnter, 1
	case b[0] == '\b':
		return keyErase, 1
	case !utf8.FullRune(b):
		return 0, 0
	}
	key, n = utf8.DecodeRune(b)
	if key == utf8.RuneError {
		key = keyOther
	}
	return key, n
}

// sequence is the length of the escape sequence that b begins with; 0 when more
// has to come.
// Source: ECMA-48, sections 5.3 and 5.4; xterm's control sequences for SS3.
func sequence(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '[':
		for i, c := range b[2:] {
			switch {
			case c == '[' && i == 0: // the function keys of Linux' own console
			case c >= 0x40 && c <= 0x7e:
				return i + 3
			case c < 0x20 || c > 0x7e:
				return i + 2 // broken off; c is a key of its own
			}
		}
		return 0
	case 'O':
		if len(b) < 3 {
			return 0
		}
		return 3
	case byte(keyEscape): // Escape twice, or with Alt
		return 1
	}
	// Alt and a character, of any length.
	if !utf8.FullRune(b[1:]) {
		return 0
	}
	_, n := utf8.DecodeRune(b[1:])
	return 1 + n
}
