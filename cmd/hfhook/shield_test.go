package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// from is a delivery of a webhook that arrives now.
func from(webhook string, answers ...int) *replay.Delivery {
	d := &replay.Delivery{
		WebhookID: fmt.Sprint(time.Now().UnixNano()), Verdict: replay.Accepted,
		Body: fmt.Appendf(nil, `{"event":{"action":"update","scope":"repo.content"},"webhook":{"id":%q,"version":3}}`, webhook),
	}
	for _, answer := range answers {
		d.Arrivals = append(d.Arrivals, replay.Arrival{Time: time.Now().UTC(), Answer: answer})
	}
	return d
}

func TestTheShieldWarnsAtFourFifthsOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := new(notebook)
		s := newShield(book, "store")
		for range 500 {
			s.arrived(from("one", 200))
		}
		time.Sleep(25 * time.Hour)
		for range 790 {
			s.arrived(from("one", 200))
			s.arrived(from("one", 500, 200)) // a retry
			s.arrived(&replay.Delivery{Verdict: replay.Rejected, Body: from("two").Body, Arrivals: from("two", 401).Arrivals})
		}
		assert.Empty(t, book.read(), "those of yesterday do not count")
		for range 100 {
			s.arrived(from("one", 200))
		}
		assert.Equal(t, []string{"warning webhook one had 800 of the 1000 deliveries that the Hub gives it in 24 hours"}, book.read())
		records := s.records()
		require.Len(t, records, 1)
		assert.Equal(t, "one", records[0].Webhook)
		assert.Equal(t, 890, records[0].Received)
	})
}

func TestTheShieldCountsWhatIsKept(t *testing.T) {
	store := memory.New()
	for range 3 {
		d := from("one", 200)
		receipt, err := store.Append(t.Context(), replay.Incoming{Delivery: *d, Arrival: d.Arrivals[0]})
		require.NoError(t, err)
		require.NoError(t, store.Answered(t.Context(), receipt.Arrival.ID, 503))
	}
	s := newShield(new(notebook), "store")
	require.NoError(t, s.load(t.Context(), store, time.Now().Add(time.Second)))
	records := s.records()
	require.Len(t, records, 1)
	assert.Equal(t, 3, records[0].Received)
	assert.Equal(t, map[string]int{"503": 3}, records[0].Failed)
}

// What was answered before the last 24 hours is no longer of interest.
func TestTheShieldForgetsYesterday(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShield(new(notebook), "store")
		s.failed(503)
		time.Sleep(23 * time.Hour)
		s.failed(500)
		assert.Equal(t, map[string]int{"500": 1, "503": 1}, s.records()[0].Failed)
		time.Sleep(2 * time.Hour)
		assert.Equal(t, map[string]int{"500": 1}, s.records()[0].Failed)
		time.Sleep(24 * time.Hour)
		assert.Empty(t, s.records()[0].Failed)
		for range 3 * 24 * 60 {
			s.failed(503)
			time.Sleep(time.Minute)
		}
		assert.LessOrEqual(t, len(s.all.of("").counts), 24*60+1, "bounded, whether somebody looks or not")
	})
}

// Anybody may fail before the Hub does: that is not to hide how the Hub fails.
func TestEachStatusIsWarnedOfOnce(t *testing.T) {
	book := new(notebook)
	s := newShield(book, "handler")
	for _, status := range []int{401, 401, 500, 403, 500, 401, 403} {
		s.failed(status)
	}
	said := book.read()
	require.Len(t, said, 3)
	assert.Contains(t, said[0], "got a 401")
	assert.NotContains(t, said[0], "the Hub got", "anybody can send none")
	assert.Contains(t, said[1], "the Hub got a 500 from your handler")
	assert.Contains(t, said[2], "got a 403")
	assert.NotContains(t, said[2], "the Hub got")
}

func TestTheFirstAnswerOutside2xxIsWarnedOf(t *testing.T) {
	for _, c := range []struct {
		status int
		ack    string
		want   string
	}{
		{401, "store", "warning a request without the secret got a 401; " + suspendText},
		{403, "store", "warning a request with another secret got a 403; " + suspendText},
		{413, "store", "warning the Hub got a 413: the body is too large; " + suspendText},
		{500, "handler", "warning the Hub got a 500 from your handler; " + suspendText},
		{503, "store", "warning the Hub got a 503; " + suspendText},
	} {
		book := new(notebook)
		h := newShield(book, c.ack).watch(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			assert.NoError(t, http.NewResponseController(w).Flush())
		}))
		post := func(id string) {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set(replay.HeaderWebhookID, id)
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		post("") // not the Hub's
		assert.Empty(t, book.read())
		post("one")
		post("two")
		assert.Equal(t, []string{c.want}, book.read())
	}
}

func TestFailWith(t *testing.T) {
	next, err := failWith("503:2")
	require.NoError(t, err)
	assert.Equal(t, []int{503, 503, 0, 0}, []int{next(), next(), next(), next()})
	next, err = failWith("404")
	require.NoError(t, err)
	assert.Equal(t, []int{404, 404, 404}, []int{next(), next(), next()})
	for _, wrong := range []string{"200", "x", "503:", "503:0", "503:-1", "600", ":3", ""} {
		_, err := failWith(wrong)
		assert.Error(t, err, wrong)
	}
}
