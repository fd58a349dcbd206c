package replay_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestSelect(t *testing.T) {
	s := memory.New()
	for i, id := range []string{"a", "b", "c", "99", "b", "2"} {
		_, err := s.Append(t.Context(), replay.Incoming{Delivery: replay.Delivery{WebhookID: id, Body: fmt.Append(nil, i), Verdict: replay.Accepted}})
		require.NoError(t, err)
	}
	for spec, want := range map[string][]int64{
		"1":            {1},
		"#3":           {3},
		"2":            {2},
		"last":         {6},
		"last~0":       {6},
		"last~5":       {1},
		"2..4":         {2, 3, 4},
		"#2..#2":       {2},
		"5..77":        {5, 6},
		"5..last":      {5, 6},
		"last~1..last": {5, 6},
		"b":            {2, 5},
		"99":           {4},
	} {
		got, err := replay.Select(t.Context(), s, spec)
		require.NoError(t, err, spec)
		assert.Equal(t, want, got, spec)
	}
	for _, spec := range []string{"7", "nobody", "last~6", "last~6..last", "50..60", "-3", "99999999999999999999"} {
		_, err := replay.Select(t.Context(), s, spec)
		require.ErrorIs(t, err, replay.ErrNotFound, spec)
		assert.Contains(t, err.Error(), spec[:1])
	}
	for _, spec := range []string{"", " 1", "0", "#", "#x", "#0", "last~", "last~x", "last~-1", "last~9999999999", "1..", "..1", "..", "4..2", "last..1", "1..2..3", "a..b", "1..b", "a\x1b"} {
		_, err := replay.Select(t.Context(), s, spec)
		var usage *replay.SpecError
		require.ErrorAs(t, err, &usage, "%q", spec)
		assert.Equal(t, spec, usage.Spec)
		assert.NotEmpty(t, usage.Reason)
	}
	require.NoError(t, s.Close())
	_, err := replay.Select(t.Context(), s, "last")
	require.ErrorIs(t, err, replay.ErrClosed)
	_, err = replay.Select(t.Context(), memory.New(), "last")
	require.ErrorIs(t, err, replay.ErrNotFound)
}

func TestSelectionCountsLastAmongSome(t *testing.T) {
	s := memory.New()
	for i, verdict := range []replay.Verdict{replay.Accepted, replay.Rejected, replay.Undecodable, replay.Accepted, replay.Rejected} {
		_, err := s.Append(t.Context(), replay.Incoming{Delivery: replay.Delivery{Body: fmt.Append(nil, i), Verdict: verdict}})
		require.NoError(t, err)
	}
	genuine := replay.Filter{Verdicts: []replay.Verdict{replay.Accepted, replay.Undecodable}}
	for spec, want := range map[string][2]int64{
		"last":         {4, 4},
		"last~1":       {3, 3},
		"last~2":       {1, 1},
		"5":            {5, 5},
		"last~1..last": {3, 5},
		"last~2..4":    {1, 4},
		"1..last~1":    {1, 3},
		"1..last":      {1, 5},
		"5..last":      {5, 5},
	} {
		f, err := replay.Selection(t.Context(), s, spec, genuine)
		require.NoError(t, err, spec)
		assert.Equal(t, replay.Filter{FromID: want[0], ToID: want[1]}, f, spec)
	}
	for _, spec := range []string{"last~3", "last~3..last"} {
		_, err := replay.Selection(t.Context(), s, spec, genuine)
		require.ErrorIs(t, err, replay.ErrNotFound, spec)
	}
}
