package sqlite

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/replay"
)

// The clock may be set while a process runs, to 1970 too, and what arrives then
// says so for ever.
func TestAgesOutliveAClockThatIsSet(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	begun := func(ago time.Duration) retention {
		return retention{
			keep: replay.Keep{Age: time.Hour}, since: time.Now().Add(-ago), up: func() time.Duration { return ago },
			marks: [2]ageMark{{newest: 5}, {newest: 5}},
		}
	}
	for _, c := range []struct {
		about    string
		running  time.Duration
		id       int64
		received time.Time
		old      bool
	}{
		{"of an earlier process", time.Minute, 5, time.Now().Add(-2 * time.Hour), true},
		{"of an earlier process, not long ago", time.Minute, 5, time.Now().Add(-30 * time.Minute), false},
		{"arrived while the clock was at 1970", time.Minute, 6, year(1970), false},
		{"arrived while the clock was far ahead", time.Minute, 6, year(2100), false},
		{"the process runs for longer than that", 2 * time.Hour, 6, year(1970), true},
		{"which is too soon for this one", 2 * time.Hour, 6, time.Now().Add(-30 * time.Minute), false},
	} {
		r := begun(c.running)
		assert.Equal(t, c.old, r.old(&candidate{id: c.id, received: c.received}), c.about)
	}
	r := begun(0)
	for up := range 100 * time.Hour / (10 * time.Minute) { // one delivery each
		r.up = func() time.Duration { return up * 10 * time.Minute }
		r.mark(6 + int64(up))
		lie := func(ago int64) *candidate { return &candidate{id: 6 + int64(up) - ago, received: year(1970)} }
		if up >= 9 {
			assert.False(t, r.old(lie(2)), "arrived 20 minutes ago")
			assert.True(t, r.old(lie(9)), "arrived 90 minutes ago")
		}
	}
	r.keep.Age = replay.NoLimit
	assert.False(t, r.old(&candidate{id: 1, received: year(1970)}))
}
