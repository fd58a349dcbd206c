//go:build linux || freebsd || windows

package command_test

import (
	"testing"

	"github.com/hfhook/hfhook/tunnel/command/commandtest"
)

func TestTheProgramEndsWithAKilledParent(t *testing.T) {
	service := commandtest.Start(t)
	service.Orphan(t, parentOf, service.Command, func() bool { return true })
}
