package replay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// faulty is a store whose methods fail as long as fail says so.
type faulty struct {
	replay.Store
	fail func(method string) error
}

func (s *faulty) Finish(ctx context.Context, attempts ...*replay.Attempt) error {
	if err := s.fail("Finish"); err != nil {
		return err
	}
	return s.Store.Finish(ctx, attempts...)
}

func (s *faulty) Get(ctx context.Context, id int64) (*replay.Delivery, error) {
	if err := s.fail("Get"); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, id)
}

func (s *faulty) List(ctx context.Context, f replay.Filter) iter.Seq2[*replay.Delivery, error] {
	if err := s.fail("List"); err != nil {
		return func(yield func(*replay.Delivery, error) bool) { yield(nil, err) }
	}
	return s.Store.List(ctx, f)
}

func (s *faulty) Watch(ctx context.Context) iter.Seq2[replay.News, error] {
	news := s.Store.Watch(ctx)
	return func(yield func(replay.News, error) bool) {
		for n, err := range news {
			if fault := s.fail("Watch"); fault != nil {
				n, err = replay.News{}, fault
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}

func TestDispatcherOutlivesStoreErrors(t *testing.T) {
	for _, method := range []string{"Finish", "Get", "List", "Watch"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				faults := 0
				s := &faulty{memory.New(), func(m string) error {
					mu.Lock()
					defer mu.Unlock()
					if m == method && faults < 3 {
						faults++
						return errors.New("disk full")
					}
					return nil
				}}
				h := &handler{name: "h"}
				_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
				for i := range 20 {
					appendTo(t, s, incoming(fmt.Sprint(i), "a/b", "h"))
				}
				time.Sleep(time.Minute)
				require.NoError(t, stop())
				h.assertOrder(t, 20)
				assert.Positive(t, faults)
				for id := range int64(20) {
					assert.Len(t, get(t, s, id+1).Attempts, 1)
				}
			})
		})
	}
}

func TestDispatcherSaysWhatItCouldNotRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		s := &faulty{memory.New(), func(m string) error {
			if m == "Finish" {
				return full
			}
			return nil
		}}
		h := &handler{name: "h"}
		_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		for i := range 300 {
			appendTo(t, s, incoming(fmt.Sprint(i), fmt.Sprint(i%10), "h"))
		}
		time.Sleep(time.Hour)
		sent := len(h.seen())
		assert.Equal(t, 10, sent, "what is not recorded is bounded: one of each repo")
		start := time.Now()
		err := stop()
		assert.LessOrEqual(t, time.Since(start), 10*time.Second, "twice the grace")
		require.ErrorIs(t, err, full)
		assert.Contains(t, err.Error(), fmt.Sprint(sent, " attempts"))
	})
}

// A process may be killed at any moment. What it has sent and not recorded is
// sent again: one delivery of each repo, and nothing that came before it.
func TestNothingOvertakesWhatIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		full.Store(true)
		s := &faulty{memory.New(), func(m string) error {
			if m == "Finish" && full.Load() {
				return errors.New("disk full")
			}
			return nil
		}}
		h := &handler{name: "h"}
		_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		for i := range 30 {
			appendTo(t, s, incoming(fmt.Sprint(i), fmt.Sprint("a/", i%3), "h"))
		}
		time.Sleep(time.Minute)
		assert.ElementsMatch(t, []int64{1, 2, 3}, h.seen(), "the first of each repo")
		full.Store(false)
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		assert.Len(t, h.seen(), 30)
	})
}

func TestDispatcherEndsWithItsStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		h := &handler{name: "h"}
		d, err := replay.NewDispatcher(replay.DispatcherOptions{Store: s, Targets: []replay.Target{h}})
		require.NoError(t, err)
		done := make(chan error)
		go func() { done <- d.Run(context.Background()) }()
		synctest.Wait()
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-done, replay.ErrClosed)
	})
}

// deleting is a store in which a delivery is gone when its attempt is to be
// kept.
type deleting struct {
	replay.Store
	id int64
}

func (s *deleting) Finish(ctx context.Context, attempts ...*replay.Attempt) error {
	time.Sleep(time.Second) // so that others wait, and come together
	for _, a := range attempts {
		if a.DeliveryID == s.id {
			return fmt.Errorf("delivery %d: %w", s.id, replay.ErrNotFound)
		}
	}
	return s.Store.Finish(ctx, attempts...)
}

func TestDispatcherLosesOnlyWhatWasDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &deleting{memory.New(), 2}
		for i := range 5 {
			appendTo(t, s, incoming(fmt.Sprint(i), fmt.Sprint(i), "h"))
		}
		_, stop := run(t, replay.DispatcherOptions{Store: s, Targets: []replay.Target{&handler{name: "h"}}})
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		for id := range int64(5) {
			assert.Equal(t, id+1 == 2, len(get(t, s, id+1).Attempts) == 0)
		}
	})
}
