package redact

import "bytes"

// A layer is how a text is escaped, the outermost way first. It is undone byte
// by byte from wherever a secret may begin, so that what is found there does not
// depend on what stands before it.
type layer []unescape

// unescape is one way, and the byte that its escapes begin with. Two of them are
// known for URLs: most programs take a plus for a blank, and some do not.
type unescape struct {
	start byte
	// byte gives the byte that text, which is not empty, begins with, and how
	// many bytes it takes there.
	byte func(text []byte) (c byte, n int)
}

// escapeStarts are the bytes that an escape begins with.
const escapeStarts = `%\&+`

var (
	ways   = []unescape{{'%', percent}, {'\\', backslash}, {'&', entity}, {'+', query}}
	layers = allLayers()
)

// The layers of one way, and those of two.
const (
	once  uint = 1<<4 - 1
	twice uint = 1<<20 - 1 - once
)

func allLayers() (all []layer) {
	for _, way := range ways {
		all = append(all, layer{way})
	}
	for _, outer := range ways {
		for _, inner := range ways {
			all = append(all, layer{outer, inner})
		}
	}
	return all
}

// match gives how many bytes of text are want when they are unescaped; 0 when
// text does not begin with it.
func (l layer) match(text, want []byte) int {
	at := 0
	for _, c := range want {
		got, n := l.next(text[at:])
		if n == 0 || got != c {
			return 0
		}
		at += n
	}
	if at > growth*len(want) {
		return 0
	}
	return at
}

// next gives the byte that text begins with; n is 0 at its end.
func (l layer) next(text []byte) (c byte, n int) {
	if len(text) == 0 {
		return 0, 0
	}
	c, n = l[0].byte(text)
	if len(l) == 1 || c != l[1].start && (c != '%' || l[1].start != '+') {
		return c, n
	}
	// The inner escape, out of the outer one.
	var inner [maxEscape]byte
	var ends [maxEscape]int
	length := 0
	for end := 0; length < maxEscape && end < len(text); length++ {
		c, n := l[0].byte(text[end:])
		end += n
		inner[length], ends[length] = c, end
	}
	c, n = l[1].byte(inner[:length])
	return c, ends[n-1]
}

// maxEscape is the length of the longest escape that is undone: &#x0000;
const maxEscape = 9

func percent(text []byte) (byte, int) {
	if text[0] == '%' {
		if c, ok := number(text, 1, 3, 16); ok {
			return byte(c), 3
		}
	}
	return text[0], 1
}

func query(text []byte) (byte, int) {
	if text[0] == '+' {
		return ' ', 1
	}
	return percent(text)
}

// backslash undoes the escapes of JSON, and those of programs and shells.
func backslash(text []byte) (byte, int) {
	if text[0] != '\\' || len(text) < 2 {
		return text[0], 1
	}
	switch next := text[1]; next {
	case 'x':
		if c, ok := number(text, 2, 4, 16); ok {
			return byte(c), 4
		}
	case 'u':
		if c, ok := number(text, 2, 6, 16); ok && c < 0x80 {
			return byte(c), 6
		}
	case '0', '1', '2', '3':
		if c, ok := number(text, 1, 4, 8); ok {
			return byte(c), 4
		}
	default:
		if next > ' ' && next < 0x7f && (next < '0' || next > '9') && (next < 'a' || next > 'z') && (next < 'A' || next > 'Z') {
			return next, 2
		}
	}
	return text[0], 1
}

var entities = map[string]byte{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

// entity undoes the escapes of HTML and XML.
func entity(text []byte) (byte, int) {
	if text[0] != '&' {
		return text[0], 1
	}
	end := bytes.IndexByte(text[:min(len(text), maxEscape)], ';')
	if end < 0 {
		return text[0], 1
	}
	if c, ok := entities[string(text[1:end])]; ok {
		return c, end + 1
	}
	if end < 3 || text[1] != '#' {
		return text[0], 1
	}
	start, base := 2, 10
	if text[2]|0x20 == 'x' {
		start, base = 3, 16
	}
	if c, ok := number(text, start, end, base); ok && c < 0x80 {
		return byte(c), end + 1
	}
	return text[0], 1
}

// number reads the digits from one place of text to another; there have to be
// some.
func number(text []byte, from, to, base int) (n int, ok bool) {
	if from >= to || to > len(text) {
		return 0, false
	}
	for _, c := range text[from:to] {
		digit := base
		switch {
		case '0' <= c && c <= '9':
			digit = int(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			digit = int(c|0x20-'a') + 10
		}
		if digit >= base {
			return 0, false
		}
		n = n*base + digit
	}
	return n, true
}
