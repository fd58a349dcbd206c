package payload

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// EscapeJSON gives a JSON text in which every character that is invisible, or
// more than a character, stands as a \u escape: line breaks and other control
// characters, bidi and format characters, line separators, private use. JSON has
// them inside strings only, where the escape means the same. What is no UTF-8
// becomes U+FFFD. A text without any is given back as it is.
func EscapeJSON(text []byte) []byte {
	clean := true
	for _, r := range string(text) {
		if risky(r) {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for _, r := range string(text) {
		switch {
		case !risky(r):
			out = utf8.AppendRune(out, r)
		case r == utf8.RuneError:
			out = append(out, `\ufffd`...)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = appendEscape(appendEscape(out, high), low)
		default:
			out = appendEscape(out, r)
		}
	}
	return out
}

func appendEscape(out []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// risky reports whether r is invisible or more than a character: C0, DEL, C1,
// bidi and other format characters, line separators, private use.
func risky(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7F
	}
	return r == utf8.RuneError || !unicode.IsPrint(r) && r != 0x00A0
}
