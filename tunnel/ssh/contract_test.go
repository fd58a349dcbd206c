package ssh_test

import (
	"testing"

	"github.com/hfhook/hfhook/tunnel/ssh"
	"github.com/hfhook/hfhook/tunnel/ssh/sshtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func TestServiceKeepsTheContract(t *testing.T) {
	for _, preset := range ssh.Presets() {
		t.Run(preset.Name, func(t *testing.T) {
			tunneltest.Run(t, func(t *testing.T) tunneltest.Case {
				c := sshtest.StartService(t, preset).Case()
				if preset.Name != ssh.LocalhostRun.Name {
					c.Closes = 0 // the others close the same way
				}
				return c
			})
		})
	}
}
