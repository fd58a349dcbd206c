package sqlite_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay/sqlite"
)

func TestAnswersTogether(t *testing.T) {
	s := open(t, sqlite.Options{})
	want := []int{200, 200, 0, 200, 503, 503, 200, 0, 0, 422, 200, 200, 200}
	var arrivals, deliveries []int64
	for i := range want {
		r := appendAll(t, s, 1, nil)
		arrivals, deliveries = append(arrivals, r.Arrival.ID), append(deliveries, r.DeliveryID)
		if i == 9 { // a gap, as attempts leave it
			appendAll(t, s, 3, nil)
		}
	}
	release := s.HoldWriter()
	require.NoError(t, s.Answered(t.Context(), arrivals[4], 200)) // the later one counts
	for _, i := range rand.Perm(len(want)) {
		if want[i] != 0 {
			require.NoError(t, s.Answered(t.Context(), arrivals[i], want[i]))
		}
	}
	release()
	appendAll(t, s, 1, nil) // what they go along with
	var got []int
	for _, id := range deliveries {
		d, err := s.Get(t.Context(), id)
		require.NoError(t, err)
		got = append(got, d.Arrivals[0].Answer)
	}
	assert.Equal(t, want, got)
}
