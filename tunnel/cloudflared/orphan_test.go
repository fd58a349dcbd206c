//go:build linux || freebsd || windows

package cloudflared_test

import (
	"testing"

	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
)

func TestTheProgramEndsWithAKilledParent(t *testing.T) {
	service := cloudflaredtest.Start(t)
	service.Orphan(t, parentOf, service.Path, func() bool { return service.Looks() > 1 }) // online, and watched
}
