package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseKeep(t *testing.T) {
	for in, want := range map[string]Keep{
		"":              {},
		"all":           {NoLimit, NoLimit, NoLimit},
		"10000,7d,1GiB": {10_000, 7 * day, 1 << 30},
		"1GiB, 500":     {500, NoLimit, 1 << 30},
		"90m":           {NoLimit, 90 * time.Minute, NoLimit},
		"3B":            {NoLimit, NoLimit, 3},
	} {
		got, err := ParseKeep(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)

		again, err := ParseKeep(got.String())
		require.NoError(t, err, "String of %q: %q", in, got)
		assert.Equal(t, want.WithDefaults(), again.WithDefaults(), "String of %q: %q", in, got)
	}
	for _, in := range []string{"0", "-1", "x", "7d,8d", "1,2", ",", "0B", "9223372036854775807GiB", "99999999999d", "1GB"} {
		_, err := ParseKeep(in)
		assert.Error(t, err, in)
	}
}

func FuzzParseKeep(f *testing.F) {
	for _, s := range []string{"", "all", "10000,7d,1GiB", " 3B , 90m", "1h0m0.5s", "24h0m0.000000001s", "9223372036854775807", "+5,1_0", "106751d", "8388607TiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		keep, err := ParseKeep(s)
		if err != nil {
			assert.Zero(t, keep)
			return
		}
		for _, limit := range []int64{int64(keep.Deliveries), int64(keep.Age), keep.Bytes} {
			assert.True(t, limit > 0 || limit == NoLimit || keep == Keep{}, "%q is %+v", s, keep)
		}
		again, err := ParseKeep(keep.String())
		require.NoError(t, err, "String of %q: %q", s, keep)
		assert.Equal(t, keep.WithDefaults(), again.WithDefaults(), "String of %q: %q", s, keep)
	})
}
