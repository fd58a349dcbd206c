//go:build unix

package childtest

import (
	"os/exec"
	"syscall"
)

// leave starts cmd outside the group of its parent.
func leave(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
