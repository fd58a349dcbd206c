package memory_test

import (
	"context"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
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

func rejected(in replay.Incoming) replay.Incoming {
	in.Delivery.Verdict = replay.Rejected
	in.Delivery.Reason = "wrong secret"
	return in
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

func TestRepeats(t *testing.T) {
	for name, test := range map[string]func(fixture){
		"no id is never a repeat": func(f fixture) {
			a, b := f.append(incoming("", "{}")), f.append(incoming("", "{}"))
			assert.NotEqual(f, a.DeliveryID, b.DeliveryID)
			assert.Equal(f, replay.First, b.Arrival.Repeat)
		},
		"another body is another delivery": func(f fixture) {
			a, b := f.append(incoming("w", "{}")), f.append(incoming("w", "{ }"))
			assert.NotEqual(f, a.DeliveryID, b.DeliveryID)
			assert.Equal(f, replay.First, b.Arrival.Repeat)
		},
		"unanswered is a retry": func(f fixture) {
			a := f.append(incoming("w", "{}"))
			f.answered(a, 503)
			b := f.append(incoming("w", "{}"))
			assert.Equal(f, a.DeliveryID, b.DeliveryID)
			assert.Equal(f, replay.Retry, b.Arrival.Repeat)
			assert.Empty(f, b.Queued, "it is in the queue still")
			assert.Len(f, f.get(a.DeliveryID).Arrivals, 2)
		},
		"answered is a replay": func(f fixture) {
			a := f.append(incoming("w", "{}"))
			f.answered(a, 204)
			f.live(a, 200)
			b := f.append(incoming("w", "{}"))
			assert.Equal(f, replay.Replay, b.Arrival.Repeat)
			assert.Equal(f, []string{"t"}, b.Queued)
		},
		"retry leaves out who answered": func(f fixture) {
			a := f.append(incoming("w", "{}"))
			f.live(a, 200)
			assert.Empty(f, f.append(incoming("w", "{}")).Queued)
		},
		"retry goes again to who failed": func(f fixture) {
			a := f.append(incoming("w", "{}"))
			f.live(a, 500)
			assert.Equal(f, []string{"t"}, f.append(incoming("w", "{}")).Queued)
		},
		"a manual replay answers no retry": func(f fixture) {
			a := f.append(incoming("w", "{}"))
			f.live(a, 500)
			require.NoError(f, f.s.Finish(f.Context(), &replay.Attempt{
				DeliveryID: a.DeliveryID, Target: "t", Kind: replay.Replayed, Status: 200,
			}))
			assert.Equal(f, []string{"t"}, f.append(incoming("w", "{}")).Queued)
		},
		"replay during the first attempt is sent afterwards": func(f fixture) {
			a := f.append(incoming("w", "{}"))
			f.answered(a, 200)
			b := f.append(incoming("w", "{}"))
			assert.Equal(f, []string{"t"}, f.get(a.DeliveryID).Queued, "once")
			f.live(a, 200)
			assert.Equal(f, []string{"t"}, f.get(a.DeliveryID).Queued)
			f.live(b, 200)
			assert.Empty(f, f.get(a.DeliveryID).Queued)
		},
		"a target is queued once": func(f fixture) {
			in := incoming("w", "{}")
			in.Targets = []string{"t", "t", "u"}
			assert.Equal(f, []string{"t", "u"}, f.append(in).Queued)
		},
		"only accepted ones are queued": func(f fixture) {
			in := incoming("w", "[]")
			in.Delivery.Verdict = replay.Undecodable
			assert.Empty(f, f.append(in).Queued)
			assert.Empty(f, f.append(rejected(incoming("x", "{}"))).Queued)
		},
		"rejected never touches accepted": func(f fixture) {
			a := f.append(incoming("w", "{}"))
			f.answered(a, 200)
			b := f.append(rejected(incoming("w", "{}")))
			assert.NotEqual(f, a.DeliveryID, b.DeliveryID)
			assert.Equal(f, replay.First, b.Arrival.Repeat)
			c := f.append(rejected(incoming("w", "{}")))
			assert.Equal(f, b.DeliveryID, c.DeliveryID)
			assert.Equal(f, replay.Retry, c.Arrival.Repeat)
			d := f.append(incoming("w", "{}"))
			assert.Equal(f, a.DeliveryID, d.DeliveryID)
			assert.Equal(f, replay.Replay, d.Arrival.Repeat)
			assert.Equal(f, replay.Rejected, f.get(b.DeliveryID).Verdict)
		},
		"accepted promotes rejected": func(f fixture) {
			a := f.append(rejected(incoming("w", "{}")))
			f.answered(a, 403)
			in := incoming("w", "{}")
			in.Delivery.Header = http.Header{"New": {"yes"}}
			in.Delivery.Path, in.Delivery.Query, in.Delivery.Repo = "/new", "q", "o/r"
			b := f.append(in)
			assert.Equal(f, a.DeliveryID, b.DeliveryID)
			assert.Equal(f, replay.Retry, b.Arrival.Repeat)
			assert.Equal(f, []string{"t"}, b.Queued)
			d := f.get(a.DeliveryID)
			assert.Len(f, d.Arrivals, 2)
			assert.Equal(f, replay.Accepted, d.Verdict)
			assert.Empty(f, d.Reason)
			assert.Equal(f, "yes", d.Header.Get("New"))
			assert.Equal(f, []string{"/new", "q", "o/r"}, []string{d.Path, d.Query, d.Repo})
			c := f.append(rejected(incoming("w", "{}")))
			assert.NotEqual(f, a.DeliveryID, c.DeliveryID)
		},
		"a cut body promotes nothing": func(f fixture) {
			cut := rejected(incoming("w", "{}"))
			cut.Delivery.BodySize = 1 << 30
			a, b := f.append(cut), f.append(incoming("w", "{}"))
			assert.NotEqual(f, a.DeliveryID, b.DeliveryID)
		},
	} {
		t.Run(name, func(t *testing.T) { test(fixture{t, memory.New()}) })
	}
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

func TestList(t *testing.T) {
	f := fixture{t, memory.New()}
	for _, body := range []string{"a", "b", "ab", "b", "a"} {
		f.append(incoming("", body))
	}
	for name, c := range map[string]struct {
		f    replay.Filter
		want []int64
	}{
		"all":        {replay.Filter{}, []int64{1, 2, 3, 4, 5}},
		"newest all": {replay.Filter{Newest: true}, []int64{1, 2, 3, 4, 5}},
		"oldest":     {replay.Filter{Limit: 2, Text: "b"}, []int64{2, 3}},
		"newest":     {replay.Filter{Limit: 2, Text: "b", Newest: true}, []int64{3, 4}},
		"range":      {replay.Filter{FromID: 2, ToID: 3}, []int64{2, 3}},
		"beyond":     {replay.Filter{FromID: 9}, nil},
		"few":        {replay.Filter{Limit: 9, Newest: true, Text: "ab"}, []int64{3}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, f.ids(c.f))
		})
	}
}

func TestFinishKeepsAllOrNone(t *testing.T) {
	f := fixture{t, memory.New()}
	r := f.append(incoming("", "{}"))
	err := f.s.Finish(t.Context(), &replay.Attempt{DeliveryID: r.DeliveryID}, &replay.Attempt{DeliveryID: 99})
	require.ErrorIs(t, err, replay.ErrNotFound)
	assert.Empty(t, f.get(r.DeliveryID).Attempts)
	require.ErrorIs(t, f.s.Answered(t.Context(), 99, 200), replay.ErrNotFound)
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fixture{t, memory.New()}
		f.append(incoming("w", "old"))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		watch := f.s.Watch(ctx)
		a := f.append(incoming("w", "{}"))
		f.append(incoming("w", "{}"))
		f.live(a, 200)

		var got []replay.News
		go func() {
			for n, err := range watch {
				assert.NoError(t, err)
				got = append(got, n)
			}
		}()
		synctest.Wait()
		require.Len(t, got, 3, "from the call on")
		assert.Len(t, got[0].Arrival.Arrivals, 1, "the news is the last arrival")
		assert.Len(t, got[1].Arrival.Arrivals, 2)
		assert.Equal(t, 200, got[2].Attempt.Status)
		f.append(incoming("", "{}"))
		synctest.Wait()
		require.Len(t, got, 4)
		cancel()
		synctest.Wait()
	})
}

func TestClosed(t *testing.T) {
	f := fixture{t, memory.New()}
	watch := f.s.Watch(t.Context())
	require.NoError(t, f.s.Close())
	require.NoError(t, f.s.Close(), "twice does no harm")
	_, err := f.s.Append(t.Context(), incoming("", ""))
	require.ErrorIs(t, err, replay.ErrClosed)
	_, err = f.s.Get(t.Context(), 1)
	require.ErrorIs(t, err, replay.ErrClosed)
	require.ErrorIs(t, first(watch), replay.ErrClosed)
	require.ErrorIs(t, first(f.s.List(t.Context(), replay.Filter{})), replay.ErrClosed)
}

// first gives the error that comes first.
func first[T any](seq iter.Seq2[T, error]) error {
	for _, err := range seq {
		return err
	}
	return nil
}
