//go:build linux || freebsd || windows

package child_test

import "testing"

func TestAChildEndsWithAKilledParent(t *testing.T) {
	s := stage(t)
	s.Orphan(t, parentOf, s.Path, func() bool { return true })
}
