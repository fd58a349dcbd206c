package memory_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// incoming is an accepted arrival for one target.
func incoming(id, body string) replay.Incoming {
	return replay.Incoming{
		Delivery: replay.Delivery{WebhookID: id, Verdict: replay.Accepted, Body: []byte(body)},
		Targets:  []string{"t"},
	}
}

type fixture struct {
	*testing.T
	s *memory.Store
}

func (f fixture) append(in replay.Incoming) replay.Receipt {
	f.Helper()
	r, err := f.s.Append(f.Context(), in)
	require.NoError(f, err)
	return r
}

func (f fixture) get(id int64) *replay.Delivery {
	f.Helper()
	d, err := f.s.Get(f.Context(), id)
	require.NoError(f, err)
	return d
}

func (f fixture) ids(filter replay.Filter) []int64 {
	f.Helper()
	var ids []int64
	for d, err := range f.s.List(f.Context(), filter) {
		require.NoError(f, err)
		ids = append(ids, d.ID)
	}
	return ids
}

func (f fixture) live(r replay.Receipt, status int) {
	f.Helper()
	require.NoError(f, f.s.Finish(f.Context(), &replay.Attempt{
		DeliveryID: r.DeliveryID, ArrivalID: r.Arrival.ID, Target: "t", Kind: replay.Live, Status: status,
	}))
}

func (f fixture) answered(r replay.Receipt, status int) {
	f.Helper()
	require.NoError(f, f.s.Answered(f.Context(), r.Arrival.ID, status))
}

func TestACutBodyPromotesNothing(t *testing.T) {
	f := fixture{t, memory.New()}
	cut := incoming("w", "{}")
	cut.Delivery.Verdict, cut.Delivery.BodySize = replay.Rejected, 1<<30
	a, b := f.append(cut), f.append(incoming("w", "{}"))
	assert.NotEqual(t, a.DeliveryID, b.DeliveryID)
}

func TestKeptIsTheStores(t *testing.T) {
	f := fixture{t, memory.New()}
	in := incoming("w", "{}")
	in.Delivery.Header = http.Header{"A": {"1"}}
	in.Arrival.Time = time.Date(2026, 1, 1, 1, 0, 0, 1234, time.FixedZone("", 3600))
	r := f.append(in)
	before := f.get(r.DeliveryID)
	in.Delivery.Body[0], in.Delivery.Header["A"][0] = 'x', "x"
	f.answered(r, 200)
	f.live(r, 200)
	f.append(incoming("w", "{}"))

	assert.Equal(t, "{}", string(before.Body))
	assert.Equal(t, "1", before.Header.Get("A"))
	assert.EqualValues(t, 2, before.BodySize)
	assert.Len(t, before.Arrivals, 1)
	assert.Zero(t, before.Arrivals[0].Answer, "what was given out stays as it was")
	assert.Empty(t, before.Attempts)
	assert.Equal(t, []string{"t"}, before.Queued)
	assert.Equal(t, time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC), before.Received())
}
