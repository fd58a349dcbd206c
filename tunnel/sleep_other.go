//go:build !linux

package tunnel

import "time"

// elapsed is the wall clock. Setting it ahead is taken for sleep, which costs a
// look at the tunnel.
func elapsed() time.Duration { return time.Duration(time.Now().UnixNano()) }
