package payload

import (
	"strconv"
	"unicode/utf8"
)

// reader walks once over the bytes of a JSON text. Its first error stays: it
// moves the reader to the end, where every method gives up at once, so callers
// look at err when they are done. Objects and arrays nest on the Go stack only
// as deep as a Payload does; skip goes through the rest without recursion.
type reader struct {
	b    []byte
	i    int
	err  *SyntaxError
	open []byte // what skip has yet to close, innermost last
	buf  []byte // the last string with escapes, spelt out
}

func (r *reader) fail(expected string) { r.failAs(ErrNotJSON, expected) }

func (r *reader) failAs(why error, expected string) {
	if r.err == nil {
		r.err = &SyntaxError{Offset: r.i, Expected: expected, Found: found(r.b[r.i:]), Err: why}
	}
	r.i = len(r.b)
}

// white skips white space and gives the byte after it, 0 at the end.
func (r *reader) white() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\n', '\t', '\r':
			r.i++
		default:
			return c
		}
	}
	return 0
}

// peek gives the next byte, 0 at the end.
func (r *reader) peek() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

// members reads an object, of which the reader stands on the brace. It calls
// each for every key; each has to read the value. The key is good until then.
func (r *reader) members(each func(key []byte, bad bool)) {
	r.i++
	if r.white() == '}' {
		r.i++
		return
	}
	for r.err == nil {
		key, bad := r.key()
		if r.err != nil {
			return
		}
		each(key, bad)
		switch r.white() {
		case ',':
			r.i++
			r.white()
		case '}':
			r.i++
			return
		default:
			r.fail("',' or '}'")
		}
	}
}

// key reads a key, its colon, and the white space before the value.
func (r *reader) key() (key []byte, bad bool) {
	if r.peek() != '"' {
		r.fail("a key")
		return nil, false
	}
	key, bad = r.str()
	r.colon()
	return key, bad
}

func (r *reader) colon() {
	if r.white() != ':' {
		r.fail("':'")
		return
	}
	r.i++
	r.white()
}

// elements reads an array, of which the reader stands on the bracket. It
// calls each for every element; each has to read it.
func (r *reader) elements(each func(i int)) {
	r.i++
	if r.white() == ']' {
		r.i++
		return
	}
	for i := 0; r.err == nil; i++ {
		each(i)
		switch r.white() {
		case ',':
			r.i++
			r.white()
		case ']':
			r.i++
			return
		default:
			r.fail("',' or ']'")
		}
	}
}

// skip reads a value of any kind and depth.
func (r *reader) skip() {
	r.open = r.open[:0]
	for r.err == nil {
		if r.enter() {
			continue
		}
		if !r.leave() {
			return
		}
	}
}

// enter reads a value, or as far as to the first value inside of it; then it
// reports true.
func (r *reader) enter() bool {
	switch c := r.peek(); c {
	case '{':
		r.i++
		if r.white() == '}' {
			r.i++
			return false
		}
		r.open = append(r.open, '}')
		r.skipKey()
		return true
	case '[':
		r.i++
		if r.white() == ']' {
			r.i++
			return false
		}
		r.open = append(r.open, ']')
		return true
	case '"':
		r.scan()
	case 't':
		r.literal("true")
	case 'f':
		r.literal("false")
	case 'n':
		r.literal("null")
	default:
		r.number()
	}
	return false
}

// leave reads what follows a value: closing brackets, and a comma with what
// stands before the next value. It reports whether a value is due.
func (r *reader) leave() bool {
	for n := len(r.open); n > 0 && r.err == nil; n = len(r.open) {
		closing := r.open[n-1]
		switch r.white() {
		case closing:
			r.i++
			r.open = r.open[:n-1]
		case ',':
			r.i++
			r.white()
			if closing == '}' {
				r.skipKey()
			}
			return true
		default:
			r.fail("',' or '" + string(rune(closing)) + "'")
		}
	}
	return false
}

func (r *reader) skipKey() {
	if r.peek() != '"' {
		r.fail("a key")
		return
	}
	r.scan()
	r.colon()
}

// literal reads true, false or null.
func (r *reader) literal(word string) {
	for i := range len(word) {
		if r.peek() != word[i] {
			r.fail("the rest of " + word)
			return
		}
		r.i++
	}
}

// number reads a number and gives its digits.
func (r *reader) number() []byte {
	start := r.i
	if r.peek() == '-' {
		r.i++
		if !digit(r.peek()) {
			r.fail("a digit")
			return nil
		}
	}
	switch c := r.peek(); {
	case c == '0':
		r.i++
	case digit(c):
		r.digits()
	default:
		r.fail("a value")
		return nil
	}
	if r.peek() == '.' {
		r.i++
		r.digits()
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.i++
		if c := r.peek(); c == '+' || c == '-' {
			r.i++
		}
		r.digits()
	}
	if r.err != nil {
		return nil
	}
	return r.b[start:r.i]
}

// digits reads at least one digit.
func (r *reader) digits() {
	if !digit(r.peek()) {
		r.fail("a digit")
		return
	}
	for digit(r.peek()) {
		r.i++
	}
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// plain holds the bytes that a string may contain and that are nothing but
// themselves.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// scan reads a string and gives what stands between its quotes, and whether
// this is to be read as it is: ASCII without escapes.
func (r *reader) scan() (inner []byte, asIs bool) {
	r.i++
	start := r.i
	asIs = true
	for r.i < len(r.b) {
		c := r.b[r.i]
		switch {
		case plain[c]:
			r.i++
		case c == '"':
			r.i++
			return r.b[start : r.i-1], asIs
		case c == '\\':
			asIs = false
			r.escape()
		case c < ' ':
			r.fail("no control character in a string")
		default:
			asIs = false
			r.i++
		}
	}
	r.fail("the end of a string")
	return nil, false
}

// escape checks an escape sequence.
func (r *reader) escape() {
	r.i++
	switch r.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		r.i++
	case 'u':
		r.i++
		for range 4 {
			if c := r.peek(); !digit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				r.fail("four hexadecimal digits")
				return
			}
			r.i++
		}
	default:
		r.fail("an escape sequence")
	}
}

// str reads a string, of which the reader stands on the quote. Bad tells
// that part of it was no text and is now U+FFFD. The result is good until the
// next string.
func (r *reader) str() (s []byte, bad bool) {
	s, asIs := r.scan()
	if asIs || r.err != nil {
		return s, false
	}
	out := r.buf[:0]
	if cap(out) < len(s) {
		out = make([]byte, 0, len(s))
	}
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\\' && s[i+1] == 'u':
			u, size := unescape(s[i:])
			bad = bad || u < 0
			out = utf8.AppendRune(out, u)
			i += size
		case c == '\\':
			out = append(out, control(s[i+1]))
			i += 2
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			u, size := utf8.DecodeRune(s[i:])
			bad = bad || u == utf8.RuneError && size == 1
			out = utf8.AppendRune(out, u)
			i += size
		}
	}
	r.buf = out
	return out, bad
}

// control gives what the letter after a backslash stands for.
func control(letter byte) byte {
	switch letter {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return letter
}

// unescape gives the rune of a checked \uXXXX, or of a pair of them, and its
// length. A surrogate that has no partner is -1, which is written as U+FFFD.
func unescape(s []byte) (rune, int) {
	const size = len(`\uXXXX`)
	first := hex4(s)
	switch {
	case first < 0xd800 || first > 0xdfff:
		return first, size
	case first < 0xdc00 && len(s) >= 2*size && s[size] == '\\' && s[size+1] == 'u':
		if second := hex4(s[size:]); second >= 0xdc00 && second <= 0xdfff {
			return (first-0xd800)<<10 | (second - 0xdc00) + 0x10000, 2 * size
		}
	}
	return -1, size
}

// hex4 gives the number in a checked \uXXXX.
func hex4(s []byte) rune {
	n, _ := strconv.ParseUint(string(s[2:6]), 16, 16)
	return rune(n)
}
