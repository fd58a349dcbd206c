//go:build !linux

package sqlite

import "time"

var begun = time.Now()

// elapsed is a clock that nobody sets. Where it stands still while the computer
// sleeps, what is kept for some time is kept for longer.
func elapsed() time.Duration { return time.Since(begun) }
