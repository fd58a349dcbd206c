package tunnel

import (
	"math/rand/v2"
	"time"
)

// Backoff is the pause after failed try n, counted from 0: a random time up to
// 0.5 s, 1 s, 2 s and so on, never above 30 s. The whole range is random so
// that programs that lost the same service do not come back in step.
func Backoff(n int) time.Duration {
	const first, limit = 500 * time.Millisecond, 30 * time.Second
	top := limit
	if n < 6 { // first << 6 is above the limit
		top = first << max(n, 0)
	}
	return rand.N(top)
}
