package time

import "sync/atomic"

// jumped is how far the wall clock was set ahead, in seconds.
var jumped atomic.Int64

// Jump sets the wall clock.
func Jump(d Duration) { jumped.Add(int64(d / Second)) }
