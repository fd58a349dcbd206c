package storetest

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

func testContent(t *testing.T, s replay.Store) {
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	large := make([]byte, 16<<20)
	random := rand.NewChaCha8([32]byte{})
	_, err := random.Read(large)
	require.NoError(t, err)

	for name, change := range map[string]func(d *replay.Delivery){
		"plain":         func(*replay.Delivery) {},
		"no body":       func(d *replay.Delivery) { d.Body = nil },
		"empty body":    func(d *replay.Delivery) { d.Body = []byte{} },
		"NUL":           func(d *replay.Delivery) { d.Body = []byte("a\x00b\x00") },
		"every byte":    func(d *replay.Delivery) { d.Body = everyByte },
		"invalid UTF-8": func(d *replay.Delivery) { d.Body = []byte("\xff\xfe\xc3\x28 \xed\xa0\x80") },
		"16 MiB":        func(d *replay.Delivery) { d.Body = large },
		"query and path": func(d *replay.Delivery) {
			d.Path, d.Query = "/webhooks/a%2Fb//c;d=\x00'\"", "secret=[redacted]&a=1&a=2&%zz"
		},
		"repeated values": func(d *replay.Delivery) {
			d.Header = http.Header{"X-Twice": {"b", "a", "", "b"}, "Accept": {"*/*"}, "X-Odd": {"\xff'%_\x00"}}
		},
		"no header": func(d *replay.Delivery) { d.Header = nil },
		"undecodable": func(d *replay.Delivery) {
			d.Verdict, d.Reason = replay.Undecodable, "no JSON object"
			d.Scope, d.Action, d.RepoType, d.Repo, d.Summary = "", "", "", "", ""
		},
		"unknown words": func(d *replay.Delivery) { d.Scope, d.Action, d.RepoType = "repo.moon.phase", "wax", "moon" },
		"odd text": func(d *replay.Delivery) {
			d.Summary, d.Host, d.Repo, d.Reason = "\x1b[31m \u202e ☃", "[::1]:80", `o'r"g/%_\[x]*`, "--; DROP TABLE"
		},
	} {
		for _, webhookID := range []string{"", "id of " + name} {
			want := delivery(webhookID, `{"a":1}`)
			change(&want)
			want.BodySize = int64(len(want.Body))
			r := add(t, s, incoming(want))
			want.ID = r.DeliveryID
			want.Arrivals = []replay.Arrival{{ID: r.Arrival.ID, DeliveryID: r.DeliveryID, Time: now, RemoteAddr: "192.0.2.1:80"}}

			got := get(t, s, r.DeliveryID)
			require.True(t, bytes.Equal(want.Body, got.Body), "%s: body differs", name)
			want.Body, got.Body = nil, nil
			assert.Equal(t, plain(&want), plain(got), name)
			assert.Equal(t, now, got.Received(), name)
		}
	}

	cut := delivery("cut", "only the beginning")
	cut.Verdict, cut.BodySize = replay.Rejected, 1<<30
	assert.Equal(t, int64(1<<30), get(t, s, add(t, s, incoming(cut)).DeliveryID).BodySize)

	_, err = s.Get(t.Context(), 1<<40)
	assert.ErrorIs(t, err, replay.ErrNotFound)
	_, err = s.Get(t.Context(), 0)
	assert.ErrorIs(t, err, replay.ErrNotFound)
}

func testIDs(t *testing.T, s replay.Store) {
	var arrival int64
	for want := int64(1); want <= 5; want++ {
		d := delivery("", "the same")
		d.ID = 77 // not read
		d.Arrivals = []replay.Arrival{{ID: 78}}
		d.Attempts = []replay.Attempt{{ID: 79}}
		d.Queued = []string{"elsewhere"}
		r := add(t, s, incoming(d))
		assert.Equal(t, want, r.DeliveryID)
		assert.Equal(t, replay.First, r.Arrival.Repeat)
		assert.Greater(t, r.Arrival.ID, arrival)
		arrival = r.Arrival.ID

		got := get(t, s, want)
		assert.Len(t, got.Arrivals, 1)
		assert.Empty(t, got.Attempts)
		assert.Empty(t, got.Queued)
	}

	// Times are kept in UTC, to the microsecond.
	in := incoming(delivery("", ""))
	in.Arrival.Time = now.Add(789 * time.Nanosecond).In(time.FixedZone("far", 5*3600))
	r := add(t, s, in)
	assert.Equal(t, now, r.Arrival.Time)
	assert.Equal(t, now, get(t, s, r.DeliveryID).Received())
}

func testRepeats(t *testing.T, s replay.Store) {
	first := add(t, s, incoming(delivery("one", "body")))
	retry := add(t, s, incoming(delivery("one", "body")))
	assert.Equal(t, first.DeliveryID, retry.DeliveryID)
	assert.Equal(t, replay.Retry, retry.Arrival.Repeat, "no answer on record")

	require.NoError(t, s.Answered(t.Context(), retry.Arrival.ID, 503))
	retry = add(t, s, incoming(delivery("one", "body")))
	assert.Equal(t, replay.Retry, retry.Arrival.Repeat, "only a 503 on record")

	require.NoError(t, s.Answered(t.Context(), retry.Arrival.ID, 204))
	again := add(t, s, incoming(delivery("one", "body")))
	assert.Equal(t, replay.Replay, again.Arrival.Repeat, "a 204 on record")
	require.NoError(t, s.Answered(t.Context(), again.Arrival.ID, 500))
	again = add(t, s, incoming(delivery("one", "body")))
	assert.Equal(t, replay.Replay, again.Arrival.Repeat, "a 204 is still on record")

	d := get(t, s, first.DeliveryID)
	require.Len(t, d.Arrivals, 5)
	var repeats []replay.Repeat
	var answers []int
	for _, a := range d.Arrivals {
		repeats = append(repeats, a.Repeat)
		answers = append(answers, a.Answer)
	}
	assert.Equal(t, []replay.Repeat{replay.First, replay.Retry, replay.Retry, replay.Replay, replay.Replay}, repeats)
	assert.Equal(t, []int{0, 503, 204, 500, 0}, answers)

	// The first arrival's answer counts as well.
	first = add(t, s, incoming(delivery("two", "body")))
	require.NoError(t, s.Answered(t.Context(), first.Arrival.ID, 200))
	assert.Equal(t, replay.Replay, add(t, s, incoming(delivery("two", "body"))).Arrival.Repeat)

	// Another body, or no id, is a delivery of its own, and is found again.
	other := add(t, s, incoming(delivery("two", "another body")))
	assert.Equal(t, replay.First, other.Arrival.Repeat)
	assert.NotEqual(t, first.DeliveryID, other.DeliveryID)
	assert.Equal(t, other.DeliveryID, add(t, s, incoming(delivery("two", "another body"))).DeliveryID)
	assert.Equal(t, first.DeliveryID, add(t, s, incoming(delivery("two", "body"))).DeliveryID)
	assert.NotEqual(t, add(t, s, incoming(delivery("", "body"))).DeliveryID, add(t, s, incoming(delivery("", "body"))).DeliveryID)
	assert.NotEqual(t, add(t, s, incoming(delivery("ab", "c"))).DeliveryID, add(t, s, incoming(delivery("a", "bc"))).DeliveryID)

	odd := delivery("odd", "no object")
	odd.Verdict = replay.Undecodable
	assert.Equal(t, add(t, s, incoming(odd)).DeliveryID, add(t, s, incoming(odd)).DeliveryID)
}

func testRejected(t *testing.T, s replay.Store) {
	good := add(t, s, incoming(delivery("one", "body"), targetA))
	bad := delivery("one", "body")
	bad.Verdict, bad.Reason = replay.Rejected, "wrong secret"

	r := add(t, s, incoming(bad, targetA))
	assert.NotEqual(t, good.DeliveryID, r.DeliveryID)
	assert.Empty(t, r.Queued)
	assert.Len(t, get(t, s, good.DeliveryID).Arrivals, 1, "a stranger touched an accepted delivery")

	// From now on each finds its own.
	assert.Equal(t, good.DeliveryID, add(t, s, incoming(delivery("one", "body"))).DeliveryID)
	assert.Len(t, get(t, s, good.DeliveryID).Arrivals, 2)
	assert.Equal(t, replay.Rejected, get(t, s, r.DeliveryID).Verdict)
}

func testPromotion(t *testing.T, s replay.Store) {
	bad := delivery("one", "body")
	bad.Verdict, bad.Reason, bad.Query = replay.Rejected, "wrong secret", "secret=[redacted]"
	bad.Scope, bad.Action, bad.RepoType, bad.Repo, bad.Summary = "", "", "", "", ""
	rejected := add(t, s, incoming(bad, targetA))
	require.NoError(t, s.Answered(t.Context(), rejected.Arrival.ID, 403))

	other := add(t, s, incoming(delivery("one", "another body"), targetA))
	assert.NotEqual(t, rejected.DeliveryID, other.DeliveryID)

	good := delivery("one", "body")
	good.Path, good.Header = "/webhooks/other", http.Header{"X-New": {"1"}}
	r := add(t, s, incoming(good, targetA, targetB))
	assert.Equal(t, rejected.DeliveryID, r.DeliveryID)
	assert.Equal(t, replay.Retry, r.Arrival.Repeat)
	assert.ElementsMatch(t, []string{targetA, targetB}, r.Queued)

	got := get(t, s, r.DeliveryID)
	want := good
	want.ID = r.DeliveryID
	want.Queued = []string{targetA, targetB}
	want.Arrivals = []replay.Arrival{rejected.Arrival, r.Arrival}
	want.Arrivals[0].Answer = 403
	assert.Equal(t, plain(&want), plain(got))

	// It is an accepted one now, also for the next.
	again := add(t, s, incoming(good))
	assert.Equal(t, r.DeliveryID, again.DeliveryID)
	assert.NotEqual(t, r.DeliveryID, add(t, s, incoming(bad)).DeliveryID)
}

func testQueue(t *testing.T, s replay.Store) {
	r := add(t, s, incoming(delivery("one", "body"), targetA, targetB))
	assert.ElementsMatch(t, []string{targetA, targetB}, r.Queued)
	assert.ElementsMatch(t, []string{targetA, targetB}, get(t, s, r.DeliveryID).Queued)

	// A replay by hand takes nothing out, a live attempt does.
	byHand := attempt(r.DeliveryID, targetA)
	byHand.Kind = replay.Replayed
	require.NoError(t, s.Finish(t.Context(), byHand))
	assert.Len(t, get(t, s, r.DeliveryID).Queued, 2)
	require.NoError(t, s.Finish(t.Context(), attempt(r.DeliveryID, targetA)))
	assert.Equal(t, []string{targetB}, get(t, s, r.DeliveryID).Queued)

	// A retry is for who has it neither behind nor before him.
	retry := add(t, s, incoming(delivery("one", "body"), targetA, targetB))
	assert.Empty(t, retry.Queued)
	failed := attempt(r.DeliveryID, targetB)
	failed.Status = 500
	require.NoError(t, s.Finish(t.Context(), failed))
	assert.Empty(t, get(t, s, r.DeliveryID).Queued)
	retry = add(t, s, incoming(delivery("one", "body"), targetA, targetB, "third"))
	assert.ElementsMatch(t, []string{targetB, "third"}, retry.Queued)

	// A replay is for all, once.
	require.NoError(t, s.Answered(t.Context(), retry.Arrival.ID, 200))
	again := add(t, s, incoming(delivery("one", "body"), targetA, targetB))
	assert.Equal(t, replay.Replay, again.Arrival.Repeat)
	assert.ElementsMatch(t, []string{targetA, targetB}, again.Queued)
	assert.ElementsMatch(t, []string{targetA, targetB, "third"}, get(t, s, r.DeliveryID).Queued)

	for _, verdict := range []replay.Verdict{replay.Rejected, replay.Undecodable} {
		d := delivery("", "")
		d.Verdict = verdict
		r := add(t, s, incoming(d, targetA))
		assert.Empty(t, r.Queued, verdict)
		assert.Empty(t, get(t, s, r.DeliveryID).Queued, verdict)
	}
}

func testReplayInFlight(t *testing.T, s replay.Store) {
	first := add(t, s, incoming(delivery("one", "body"), targetA))
	require.NoError(t, s.Answered(t.Context(), first.Arrival.ID, 200))
	again := add(t, s, incoming(delivery("one", "body"), targetA))
	require.Equal(t, replay.Replay, again.Arrival.Repeat)

	// This attempt was under way when the replay came.
	a := attempt(first.DeliveryID, targetA)
	a.ArrivalID = first.Arrival.ID
	require.NoError(t, s.Finish(t.Context(), a))
	assert.Equal(t, []string{targetA}, get(t, s, first.DeliveryID).Queued, "the replay was not sent yet")

	a = attempt(first.DeliveryID, targetA)
	a.ArrivalID = again.Arrival.ID
	require.NoError(t, s.Finish(t.Context(), a))
	assert.Empty(t, get(t, s, first.DeliveryID).Queued)
}

func testAttempts(t *testing.T, s replay.Store) {
	one := add(t, s, incoming(delivery("", "one")))
	two := add(t, s, incoming(delivery("", "two")))
	full := &replay.Attempt{
		DeliveryID: one.DeliveryID, ArrivalID: one.Arrival.ID, Target: targetB, Kind: replay.Replayed,
		Started: now.Add(time.Microsecond), Duration: 1234567 * time.Nanosecond,
		Status: 502, Header: http.Header{"Set-Cookie": {"a=1", "b=2"}}, Body: []byte("no\x00\xff"), BodyCut: true,
		Failure: replay.FailBroken, Error: "unexpected EOF ☃",
	}
	bare := &replay.Attempt{DeliveryID: two.DeliveryID, Target: targetA, Kind: replay.Live, Started: now}
	require.NoError(t, s.Finish(t.Context()))
	require.NoError(t, s.Finish(t.Context(), full, bare))
	assert.Positive(t, full.ID)
	assert.Greater(t, bare.ID, full.ID)
	later := attempt(one.DeliveryID, targetA)
	require.NoError(t, s.Finish(t.Context(), later))
	assert.Greater(t, later.ID, bare.ID)
	edited := attempt(one.DeliveryID, targetA)
	edited.Kind, edited.Sent = replay.Replayed, &replay.Sent{Header: http.Header{"X-New": {"1"}}, Body: []byte("other\x00\xff")}
	command := attempt(one.DeliveryID, targetA)
	command.Status, command.Exit = 0, new(3)
	emptied := attempt(one.DeliveryID, targetA)
	emptied.Exit, emptied.Sent = new(0), &replay.Sent{}
	require.NoError(t, s.Finish(t.Context(), edited, command, emptied))

	got := get(t, s, one.DeliveryID)
	require.Len(t, got.Attempts, 5)
	assert.Equal(t, *full, got.Attempts[0])
	assert.Equal(t, plainAttempt(*later), plainAttempt(got.Attempts[1]))
	assert.Equal(t, *edited.Sent, *got.Attempts[2].Sent)
	assert.Equal(t, "one", string(got.Body), "an edit changed what is kept")
	assert.Equal(t, new(3), got.Attempts[3].Exit)
	assert.False(t, got.Attempts[3].OK())
	assert.Equal(t, new(0), got.Attempts[4].Exit)
	require.NotNil(t, got.Attempts[4].Sent)
	assert.Empty(t, got.Attempts[4].Sent.Body)
	assert.Nil(t, got.Attempts[1].Sent)
	assert.Nil(t, got.Attempts[1].Exit)
	got = get(t, s, two.DeliveryID)
	require.Len(t, got.Attempts, 1)
	assert.Equal(t, plainAttempt(*bare), plainAttempt(got.Attempts[0]))

	// A command's exit code says whether it was a success.
	failed := attempt(two.DeliveryID, targetA)
	failed.Exit = new(1)
	require.NoError(t, s.Finish(t.Context(), failed))
	for status, want := range map[replay.AttemptStatus]int64{"ok": one.DeliveryID, "failed": two.DeliveryID} {
		found := list(t, s, replay.Filter{Attempts: []replay.AttemptStatus{status}})
		require.Len(t, found, 1, status)
		assert.Equal(t, want, found[0].ID, status)
	}
}

func testFinishUnknown(t *testing.T, s replay.Store) {
	r := add(t, s, incoming(delivery("", ""), targetA))
	good, bad := attempt(r.DeliveryID, targetA), attempt(r.DeliveryID+1, targetA)
	assert.ErrorIs(t, s.Finish(t.Context(), good, bad), replay.ErrNotFound)
	assert.Zero(t, good.ID)
	got := get(t, s, r.DeliveryID)
	assert.Empty(t, got.Attempts)
	assert.Equal(t, []string{targetA}, got.Queued)
	require.NoError(t, s.Finish(t.Context(), good))
}

func testReopen(t *testing.T, f Factory) {
	s := f.Open(t)
	r := add(t, s, incoming(delivery("one", "body"), targetA, targetB))
	require.NoError(t, s.Answered(t.Context(), r.Arrival.ID, 200))
	require.NoError(t, s.Finish(t.Context(), attempt(r.DeliveryID, targetA)))
	want := get(t, s, r.DeliveryID)
	last := add(t, s, incoming(delivery("", "last")))

	s = f.Reopen(t, s)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	got := get(t, s, r.DeliveryID)
	want.Arrivals[0].Answer = 200
	assert.Equal(t, plain(want), plain(got))
	again := add(t, s, incoming(delivery("one", "body"), targetA))
	assert.Equal(t, replay.Replay, again.Arrival.Repeat, "answers outlive the process")
	assert.Equal(t, r.DeliveryID, again.DeliveryID)
	assert.Greater(t, again.Arrival.ID, last.Arrival.ID)
	assert.Equal(t, last.DeliveryID+1, add(t, s, incoming(delivery("", "next"))).DeliveryID)
}
