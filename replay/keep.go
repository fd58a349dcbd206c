package replay

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// NoLimit switches off one of the limits of a Keep.
const NoLimit = -1

// Keep says how much a store keeps. Whichever limit is reached first counts;
// the oldest deliveries go first, and never one that is still queued.
type Keep struct {
	Deliveries int           // 10,000
	Age        time.Duration // no limit
	Bytes      int64         // of bodies and headers, answers too; 1 GiB
}

// WithDefaults gives k with its zero fields set to what they stand for.
func (k Keep) WithDefaults() Keep {
	if k.Deliveries == 0 {
		k.Deliveries = 10_000
	}
	if k.Age == 0 {
		k.Age = NoLimit
	}
	if k.Bytes == 0 {
		k.Bytes = 1 << 30
	}
	return k
}

// ParseKeep reads limits such as "10000,7d,1GiB": a plain number of
// deliveries, an age (a Go duration, or days as "7d") and a size (B, KiB, MiB,
// GiB, TiB), in any order, each at most once. What is left out has no limit;
// "all" alone keeps everything, and an empty s means the defaults.
func ParseKeep(s string) (Keep, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Keep{}, nil
	}
	k := Keep{NoLimit, NoLimit, NoLimit}
	if s == "all" {
		return k, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if n, err := strconv.Atoi(part); err == nil && n > 0 && k.Deliveries == NoLimit {
			k.Deliveries = n
		} else if n, ok := parseSize(part); ok && k.Bytes == NoLimit {
			k.Bytes = n
		} else if d, ok := parseAge(part); ok && k.Age == NoLimit {
			k.Age = d
		} else {
			return Keep{}, fmt.Errorf("keep %q: %q is no number of deliveries, age (7d, 12h) or size (1GiB), or is given twice", s, part)
		}
	}
	return k, nil
}

// String gives what ParseKeep reads. Defaults are spelled out.
func (k Keep) String() string {
	k = k.WithDefaults()
	var parts []string
	if k.Deliveries > 0 {
		parts = append(parts, strconv.Itoa(k.Deliveries))
	}
	if k.Age > 0 {
		parts = append(parts, formatAge(k.Age))
	}
	if k.Bytes > 0 {
		parts = append(parts, formatSize(k.Bytes))
	}
	if parts == nil {
		return "all"
	}
	return strings.Join(parts, ",")
}

const day = 24 * time.Hour

func parseAge(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 64)
		return time.Duration(n) * day, err == nil && n > 0 && n <= int64(1<<63-1)/int64(day)
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

func formatAge(d time.Duration) string {
	if d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return d.String()
}

var sizeUnits = []struct {
	name  string
	shift int
}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}

func parseSize(s string) (int64, bool) {
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			return n << u.shift, err == nil && n > 0 && n <= (1<<63-1)>>u.shift
		}
	}
	return 0, false
}

func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if n%(1<<u.shift) == 0 {
			return strconv.FormatInt(n>>u.shift, 10) + u.name
		}
	}
	return ""
}
