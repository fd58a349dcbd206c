package sqlite_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

var variants = flag.Int("variants", 20, "how many damaged stores the tests try")

// strangers is a store as somebody passes one on, with all that a store has.
func strangers(t *testing.T, sql ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for n := range int64(40) {
		wg.Go(func() { // as a group
			in := incoming(n)
			in.Delivery.WebhookID = fmt.Sprintf("w-%d", n/2)
			in.Targets = []string{fmt.Sprintf("http://localhost:%d", n%3)}
			if n%7 == 0 {
				in.Delivery.Body = bytes.Repeat([]byte("large"), 8000)
			}
			r, err := s.Append(t.Context(), in)
			if !assert.NoError(t, err) || n%4 == 0 {
				return // still to be sent
			}
			assert.NoError(t, s.Finish(t.Context(), &replay.Attempt{
				DeliveryID: r.DeliveryID, ArrivalID: r.Arrival.ID, Target: in.Targets[0], Kind: replay.Live, Started: time.Now(), Status: 200, Header: in.Delivery.Header, Body: in.Delivery.Body,
			}))
		})
	}
	wg.Wait()
	require.NoError(t, s.Close())
	raw(t, path, sql...)()
	return path
}

// tour does everything with a store that there is to do, and gives the errors.
func tour(ctx context.Context, path string) (errs []error) {
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	_, err := sqlite.Newest(ctx, path, 20)
	note(err)
	_, err = sqlite.Check(ctx, path)
	note(err)
	s, err := sqlite.Open(ctx, path, sqlite.Options{Exclusive: true, Retain: true, Keep: replay.Keep{Deliveries: 12}})
	note(err)
	if err != nil {
		return errs
	}
	for _, f := range []replay.Filter{
		{}, {Limit: 5, Newest: true}, {Repos: []string{"some-org/some-model-7"}}, {Refs: []string{"refs/heads/main"}}, {Text: "pad"}, {Failed: true}, {Queued: "http://localhost:1"},
	} {
		for _, err := range s.List(ctx, f) {
			note(err)
		}
		_, err := s.Count(ctx, f)
		note(err)
	}
	for id := range int64(25) {
		if _, err := s.Get(ctx, id+1); !errors.Is(err, replay.ErrNotFound) {
			note(err)
		}
	}
	watching, end := context.WithCancel(ctx)
	defer end()
	news := s.Watch(watching)
	for n := range int64(6) { // and retention along with it
		in := incoming(n)
		in.Delivery.WebhookID, in.Targets = fmt.Sprintf("w-%d", 17+n), []string{"http://localhost:1", fmt.Sprintf("http://localhost/%d", n)}
		r, err := s.Append(ctx, in)
		note(err)
		if err == nil {
			note(s.Finish(ctx, &replay.Attempt{DeliveryID: r.DeliveryID, ArrivalID: r.Arrival.ID, Target: in.Targets[0], Kind: replay.Live, Started: time.Now(), Status: 200}))
		}
	}
	end()
	for _, err := range news {
		note(err)
	}
	note(s.Close())
	return errs
}

// allocated is how many bytes f asks for in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Somebody has changed bytes all over a store. Each time there are errors or
// data, at once.
func TestDamagedPages(t *testing.T) {
	whole, err := os.ReadFile(strangers(t))
	require.NoError(t, err)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	said := 0
	for variant := range *variants {
		b := bytes.Clone(whole)
		switch page := 8192 * random.IntN(len(b)/8192); variant % 4 {
		case 0: // anywhere
			for range 1 + random.IntN(200) {
				b[random.IntN(len(b))] ^= 1 << random.IntN(8)
			}
		case 1: // where a page says what is where
			for range 1 + random.IntN(12) {
				b[max(100, page+random.IntN(64))] = byte(random.Uint32())
			}
		case 2: // one page in place of another
			copy(b[max(8192, page):], b[8192*random.IntN(len(b)/8192):][:8192])
		case 3: // the end is missing
			b = b[:max(8192, page+random.IntN(8192))]
		}
		path := filepath.Join(t.TempDir(), "store.db")
		write(t, path, b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var errs []error
		bytes := allocated(func() { errs = tour(ctx, path) })
		require.NoError(t, ctx.Err(), "variant %d of seed %d does not end", variant, seed)
		cancel()
		assert.Less(t, bytes, uint64(512<<20), "variant %d of seed %d", variant, seed)
		for _, err := range errs {
			assert.NotErrorIs(t, err, context.DeadlineExceeded)
			if errors.Is(err, sqlite.ErrDamaged) {
				said++
			} else {
				assert.NotContains(t, err.Error(), "malformed", "variant %d of seed %d", variant, seed)
			}
		}
	}
	assert.Positive(t, said, "no damage was seen")
}

// What is in a stranger's store is no lie of a page, but of a row.
func TestAStrangersRows(t *testing.T) {
	for name, c := range map[string]struct {
		sql  []string
		want string // of one of the errors; none: there are none
	}{
		"as it should be": {nil, ""},
		"the last id that there can be": {[]string{
			"INSERT INTO arrivals SELECT 9223372036854775806, 9223372036854775807, NULL, time, answer, '', remote FROM arrivals WHERE id = 1",
			"UPDATE deliveries SET id = 9223372036854775807, arrival_id = 9223372036854775806 WHERE id = 20",
		}, ""},
		"arrivals of other deliveries": {[]string{"UPDATE arrivals SET delivery_id = 1"}, ""},
		"no state":                     {[]string{"DELETE FROM state"}, "store is damaged: it has lost its state"},
		"no more ids":                  {[]string{"UPDATE state SET delivery = 9223372036854775807, event = 9223372036854775807"}, "store is damaged: its ids have come to an end"},
		"weights that are none":        {[]string{"UPDATE deliveries SET weight = -9223372036854775807", "UPDATE state SET kept_bytes = 9223372036854775807"}, ""},
		"one target for all":           {[]string{"DELETE FROM targets", "CREATE UNIQUE INDEX only ON targets ((1))"}, "store is damaged: it keeps no target"},
		"headers that are none":        {[]string{"UPDATE deliveries SET header = x'" + hex.EncodeToString([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01no header")) + "'"}, "store is damaged: a header cannot be read"},
		"a header that claims a lot":   {[]string{"UPDATE deliveries SET header = CAST(x'e084ee01' || zeroblob(4000000) AS blob) WHERE id = 3"}, "store is damaged: a header cannot be read"},
		"a huge body":                  {[]string{"UPDATE deliveries SET body = zeroblob(9000000) WHERE id = 3"}, ""},
		"queued for nobody":            {[]string{"INSERT INTO queue SELECT 4711, id, 9999 FROM deliveries", "UPDATE queue SET arrival_id = -1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := strangers(t, c.sql...)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var errs []error
			bytes := allocated(func() { errs = tour(ctx, path) })
			require.NoError(t, ctx.Err(), "it does not end")
			assert.Less(t, bytes, uint64(1<<30))
			if c.want == "" {
				assert.NoError(t, errors.Join(errs...))
			} else {
				assert.ErrorContains(t, errors.Join(errs...), c.want)
			}
		})
	}
}
