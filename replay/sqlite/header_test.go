package sqlite

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzHeader(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(encodeHeader(http.Header{"A": {"1", "", "2"}, "B": nil, "": {"\xff\x00"}}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{1, 1, 'A', 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHeader(b)
		if err != nil {
			return
		}
		again, err := decodeHeader(encodeHeader(h))
		require.NoError(t, err)
		assert.Equal(t, len(h), len(again))
		for key, values := range h {
			assert.Equal(t, values, again[key], key)
		}
	})
}

func TestDamagedHeader(t *testing.T) {
	whole := encodeHeader(http.Header{"Accept": {"*/*", "b"}})
	for n := 1; n < len(whole); n++ {
		_, err := decodeHeader(whole[:n])
		assert.ErrorIs(t, err, errHeader, "first %d bytes", n)
	}
	_, err := decodeHeader(append(whole, 0))
	assert.ErrorIs(t, err, errHeader)
}
