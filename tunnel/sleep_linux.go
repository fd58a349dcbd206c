package tunnel

import (
	"time"

	"golang.org/x/sys/unix"
)

// elapsed is the time since the computer was started, its sleep included. It is
// not that of the wall clock, which somebody may set.
func elapsed() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // every Linux has it
	return time.Duration(t.Nano())
}
