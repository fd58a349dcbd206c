package sqlite

import (
	"encoding/binary"
	"fmt"
	"net/http"
)

// A header is kept as a count of keys, and for each the key, a count of
// values, and the values. Counts and lengths are varints; bytes are as they
// came.

func encodeHeader(h http.Header) []byte {
	if len(h) == 0 {
		return nil
	}
	size := 1
	for key, values := range h {
		size += len(key) + 3
		for _, v := range values {
			size += len(v) + 2
		}
	}
	b := binary.AppendUvarint(make([]byte, 0, size), uint64(len(h)))
	for key, values := range h {
		b = appendString(b, key)
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = appendString(b, v)
		}
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errHeader = fmt.Errorf("%w: a header cannot be read", ErrDamaged)

func decodeHeader(b []byte) (http.Header, error) {
	if len(b) == 0 {
		return nil, nil
	}
	d := decoder{rest: b}
	keys := d.count()
	h := make(http.Header, min(keys, likelyCount))
	for range keys {
		key := d.string()
		n := d.count()
		values := make([]string, 0, min(n, likelyCount))
		for range n {
			values = append(values, d.string())
			if d.bad {
				return nil, errHeader
			}
		}
		h[key] = values
		if d.bad {
			return nil, errHeader
		}
	}
	if d.bad || len(d.rest) > 0 {
		return nil, errHeader
	}
	return h, nil
}

// likelyCount is how many there may be for room to be made before they are
// read: what a stranger claims takes no memory.
const likelyCount = 32

// decoder reads nothing more once it was bad.
type decoder struct {
	rest []byte
	bad  bool
}

// count reads a number of things that take at least one byte each.
func (d *decoder) count() int {
	n, size := binary.Uvarint(d.rest)
	if d.bad || size <= 0 || n > uint64(len(d.rest)-size) {
		d.bad = true
		return 0
	}
	d.rest = d.rest[size:]
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	if d.bad {
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}
