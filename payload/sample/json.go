package sample

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// object is a JSON object whose keys keep their order. Values are strings,
// numbers, booleans, nil, objects and lists.
type object []field

type field struct {
	key   string
	value any
}

type list []any

// with adds a field. Room in o is never shared, so o stays as it was.
func (o object) with(key string, value any) object {
	return append(o[:len(o):len(o)], field{key, value})
}

// without gives o without a field.
func (o object) without(key string) object {
	var rest object
	for _, f := range o {
		if f.key != key {
			rest = append(rest, f)
		}
	}
	return rest
}

// set gives o with another value for a field that it has.
func (o object) set(key string, value any) object {
	changed := append(object(nil), o...)
	for i := range changed {
		if changed[i].key == key {
			changed[i].value = value
		}
	}
	return changed
}

// at gives the object in a field.
func (o object) at(key string) object {
	for _, f := range o {
		if f.key == key {
			return f.value.(object)
		}
	}
	return nil
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case list:
		b = append(b, '[')
		for i, element := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, element)
		}
		return append(b, ']')
	case object:
		b = append(b, '{')
		for i, f := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, f.key), ':')
			b = appendValue(b, f.value)
		}
		return append(b, '}')
	}
	panic("sample: a value of no kind that JSON has")
}

// appendString writes a string as the Hub would, but for characters that do
// something to a terminal or an editor: those are escaped too.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i, r := range s {
		if !escaped(r) {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + utf8.RuneLen(r)
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = appendUnit(appendUnit(b, high), low)
		default:
			b = appendUnit(b, r)
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendUnit(b []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// escaped names characters by number: the tables of package unicode change.
func escaped(r rune) bool {
	return r < ' ' || r == '"' || r == '\\' ||
		r >= 0x7f && r <= 0x9f ||
		r >= 0x200b && r <= 0x200f ||
		r >= 0x2028 && r <= 0x202e ||
		r >= 0x2060 && r <= 0x206f ||
		r >= 0xe000 && r <= 0xf8ff || r == 0xfeff ||
		r >= 0xe0000 && r <= 0xe007f
}
