package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// model is a store in its simplest form: the rules of Append, Answered and
// Finish, and nothing else.
type model struct {
	deliveries []*replay.Delivery
	// queuedFor is the arrival that a delivery is in a queue for.
	queuedFor map[[2]string]int64
}

func (m *model) append(in replay.Incoming, id, arrivalID int64) replay.Receipt {
	d := m.find(in.Delivery, in.Delivery.Verdict == replay.Rejected)
	a := replay.Arrival{ID: arrivalID, Time: in.Arrival.Time, RemoteAddr: in.Arrival.RemoteAddr, Repeat: replay.Retry}
	if d != nil {
		if slices.ContainsFunc(d.Arrivals, func(a replay.Arrival) bool { return a.Answer/100 == 2 }) {
			a.Repeat = replay.Replay
		}
	} else if d = m.find(in.Delivery, true); d != nil && in.Delivery.Verdict != replay.Rejected {
		old := *d
		*d = in.Delivery
		d.ID, d.Arrivals, d.Attempts = old.ID, old.Arrivals, old.Attempts
	} else {
		d = new(in.Delivery)
		d.ID, a.Repeat = id, replay.First
		m.deliveries = append(m.deliveries, d)
	}
	a.DeliveryID = d.ID
	d.Arrivals = append(d.Arrivals, a)
	r := replay.Receipt{DeliveryID: d.ID, Arrival: a}
	if in.Delivery.Verdict != replay.Accepted {
		return r
	}
	for _, target := range in.Targets {
		served := slices.Contains(d.Queued, target) || slices.ContainsFunc(d.Attempts, func(a replay.Attempt) bool {
			return a.Target == target && a.Kind == replay.Live && a.OK()
		})
		if a.Repeat == replay.Retry && served {
			continue
		}
		if !slices.Contains(d.Queued, target) {
			d.Queued = append(d.Queued, target)
		}
		m.queuedFor[[2]string{fmt.Sprint(d.ID), target}] = a.ID
		r.Queued = append(r.Queued, target)
	}
	return r
}

func (m *model) find(want replay.Delivery, rejected bool) *replay.Delivery {
	for _, d := range m.deliveries {
		if want.WebhookID != "" && d.WebhookID == want.WebhookID && string(d.Body) == string(want.Body) && (d.Verdict == replay.Rejected) == rejected {
			return d
		}
	}
	return nil
}

func (m *model) finish(a replay.Attempt) {
	d := m.deliveries[a.DeliveryID-1]
	d.Attempts = append(d.Attempts, a)
	key := [2]string{fmt.Sprint(d.ID), a.Target}
	if a.Kind == replay.Live && (a.ArrivalID == 0 || m.queuedFor[key] <= a.ArrivalID) {
		d.Queued = slices.DeleteFunc(d.Queued, func(t string) bool { return t == a.Target })
	}
}

// testModel does the same at random to the store and to a model.
func testModel(t *testing.T, s replay.Store) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	oneOf := func(of ...string) string { return of[random.IntN(len(of))] }
	m := &model{queuedFor: map[[2]string]int64{}}
	lastArrival := int64(0)

	for step := range 600 {
		switch random.IntN(10) {
		case 0, 1, 2, 3:
			d := delivery(oneOf("", "a", "b", "c"), oneOf("x", `{"updatedRefs":[{"ref":"refs/heads/main"}]}`, `{"discussion":{"num":3,"isPullRequest":true}}`))
			d.Scope = payload.Scope(oneOf("repo", "repo.content", "discussion", ""))
			d.Verdict = replay.Verdict(oneOf("accepted", "accepted", "accepted", "rejected"))
			d.Path = fmt.Sprint("/webhooks/", step)
			d.Repo = oneOf("org/one", "org/two")
			in := incoming(d)
			for _, target := range []string{targetA, targetB} {
				if random.IntN(3) > 0 {
					in.Targets = append(in.Targets, target)
				}
			}
			got, err := s.Append(t.Context(), in)
			require.NoError(t, err)
			want := m.append(in, int64(len(m.deliveries)+1), got.Arrival.ID)
			slices.Sort(got.Queued)
			slices.Sort(want.Queued)
			require.Equal(t, want, got, "step %d", step)
			require.Greater(t, got.Arrival.ID, lastArrival)
			lastArrival = got.Arrival.ID
		case 4, 5:
			if len(m.deliveries) == 0 {
				continue
			}
			d := m.deliveries[random.IntN(len(m.deliveries))]
			a := &d.Arrivals[random.IntN(len(d.Arrivals))]
			a.Answer = []int{200, 403, 503}[random.IntN(3)]
			require.NoError(t, s.Answered(t.Context(), a.ID, a.Answer))
		case 6, 7, 8:
			if len(m.deliveries) == 0 {
				continue
			}
			var batch []*replay.Attempt
			for range 1 + random.IntN(2) {
				d := m.deliveries[random.IntN(len(m.deliveries))]
				a := attempt(d.ID, oneOf(targetA, targetB))
				a.Kind = replay.Kind(oneOf("live", "live", "replay"))
				a.Status = []int{200, 500}[random.IntN(2)]
				if random.IntN(2) == 0 {
					a.ArrivalID = d.Arrivals[random.IntN(len(d.Arrivals))].ID
				}
				batch = append(batch, a)
			}
			require.NoError(t, s.Finish(t.Context(), batch...))
			for _, a := range batch {
				m.finish(*a)
			}
		case 9:
			// Also what Answered noted is there once a later write is.
			add(t, s, incoming(delivery("", "sync")))
			m.append(incoming(delivery("", "sync")), int64(len(m.deliveries)+1), 0)
			got := list(t, s, replay.Filter{})
			last := m.deliveries[len(m.deliveries)-1]
			last.Arrivals[0].ID = got[len(got)-1].Arrivals[0].ID
			requireSame(t, step, m.deliveries, got)

			target := oneOf(targetA, targetB)
			queued := slices.DeleteFunc(slices.Clone(m.deliveries), func(d *replay.Delivery) bool { return !slices.Contains(d.Queued, target) })
			requireSame(t, step, queued, list(t, s, replay.Filter{Queued: target}))

			for range 5 {
				f := randomFilter(random, len(m.deliveries), 2)
				chosen := slices.DeleteFunc(slices.Clone(m.deliveries), func(d *replay.Delivery) bool { return !f.Match(d) })
				requireSame(t, step, chosen, list(t, s, f), f)
			}

			limit := 1 + random.IntN(len(m.deliveries))
			requireSame(t, step, m.deliveries[:limit], list(t, s, replay.Filter{Limit: limit}))
			requireSame(t, step, m.deliveries[len(m.deliveries)-limit:], list(t, s, replay.Filter{Limit: limit, Newest: true}))
		}
	}
}

// randomFilter gives one of a few conditions; deep is how many levels of
// exceptions it may have.
func randomFilter(random *rand.Rand, last, deep int) replay.Filter {
	var f replay.Filter
	some := func(of ...string) []string {
		random.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return of[:1+random.IntN(2)]
	}
	for range 1 + random.IntN(3) {
		switch random.IntN(10) {
		case 0:
			f.FromID = 1 + random.Int64N(int64(last))
		case 1:
			f.Scopes = as[payload.Scope](some("repo", "repo*", "*.content", "disc*", "r?po"))
		case 2:
			f.Repos = some("org/one", "ORG/t*", "*", "nobody/?")
		case 3:
			f.Refs = some("refs/heads/main", "refs/*", "refs/pr/3", "none")
		case 4:
			f.Verdicts = as[replay.Verdict](some("accepted", "rejected", "undecodable"))
		case 5:
			f.Attempts = as[replay.AttemptStatus](some("ok", "failed", "none", "500", "2xx"))
		case 6:
			f.Queued = some(targetA, targetB)[0]
		case 7:
			f.Text = some("REFS/", "x", "nothing")[0]
		case 8:
			f.WebhookID = some("a", "b", "sync")[0]
		case 9:
			if deep > 0 {
				f.Except = append(f.Except, randomFilter(random, last, deep-1))
			}
		}
	}
	return f
}

func as[T ~string](values []string) (list []T) {
	for _, v := range values {
		list = append(list, T(v))
	}
	return list
}

func requireSame(t *testing.T, step int, want, got []*replay.Delivery, about ...any) {
	t.Helper()
	require.Equal(t, ids(want), ids(got), "step %d %+v", step, about)
	for i := range want {
		require.Equal(t, plain(want[i]), plain(got[i]), "step %d", step)
	}
}
