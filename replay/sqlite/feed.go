package sqlite

import (
	"sync"
	"sync/atomic"

	"github.com/hfhook/hfhook/replay"
)

const (
	maxFeed      = 4096
	maxFeedBytes = 32 << 20
)

// feed hands what this process writes to its readers without a way through the
// file. It holds the latest news only: who has fallen behind, or wants what
// another process wrote, looks into the file.
type feed struct {
	watchers atomic.Int64

	mu   sync.Mutex
	wake chan struct{} // closed and replaced when there is more
	// items are the events first, first+1, and so on, without a gap.
	first int64
	items []replay.News
	bytes int
}

func newFeed() *feed { return &feed{wake: make(chan struct{})} }

func (f *feed) enter() { f.watchers.Add(1) }

func (f *feed) leave() {
	if f.watchers.Add(-1) == 0 {
		f.mu.Lock()
		f.items, f.bytes = nil, 0
		f.mu.Unlock()
	}
}

// watched tells whether news are wanted.
func (f *feed) watched() bool { return f.watchers.Load() > 0 }

// publish adds the events after before, which have become durable.
func (f *feed) publish(before int64, news []replay.News) {
	if len(news) == 0 || !f.watched() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first+int64(len(f.items)) != before+1 { // another process was in between
		clear(f.items)
		f.first, f.items, f.bytes = before+1, f.items[:0], 0
	}
	f.items = append(f.items, news...)
	for _, n := range news {
		f.bytes += newsBytes(n)
	}
	drop := 0
	for drop < len(f.items) && (len(f.items)-drop > maxFeed || f.bytes > maxFeedBytes) {
		f.bytes -= newsBytes(f.items[drop])
		f.items[drop] = replay.News{}
		drop++
	}
	f.items = f.items[drop:]
	f.first += int64(drop)
	close(f.wake)
	f.wake = make(chan struct{})
}

func newsBytes(n replay.News) int {
	switch {
	case n.Arrival != nil:
		return len(n.Arrival.Body) + rowBytes
	case n.Attempt != nil:
		return len(n.Attempt.Body) + rowBytes
	}
	return 0
}

// after gives the event that follows cursor, if the feed has it, and a channel
// that is closed when there is more than now.
func (f *feed) after(cursor int64) (news replay.News, ok bool, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := cursor + 1 - f.first; i >= 0 && i < int64(len(f.items)) {
		news = f.items[i]
	}
	return news, news != replay.News{}, f.wake
}
