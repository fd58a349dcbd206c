package replay

import (
	"strconv"
	"strings"
	"time"
)

// maxDays keeps a number of days from overflowing.
const maxDays = 100_000

// parseTime reads a time as people write it; a duration means that long ago.
func parseTime(s string, now time.Time) (time.Time, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && 0 <= n && n <= maxDays {
			return now.AddDate(0, 0, -n), true
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), true
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, now.Location()), true
		}
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, true
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// timeWord is a time as parseTime reads it, in its own zone where that is
// exact.
func timeWord(t time.Time) string {
	word := t.Format(time.RFC3339Nano)
	if back, err := time.Parse(time.RFC3339Nano, word); err != nil || !back.Equal(t) {
		return t.UTC().Format(time.RFC3339Nano) // its offset has seconds
	}
	return word
}
