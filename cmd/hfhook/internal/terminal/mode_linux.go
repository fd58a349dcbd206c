package terminal

import "golang.org/x/sys/unix"

const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)

// NoKey stands in a mode for a character that no key is.
const NoKey = 0
