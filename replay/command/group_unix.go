//go:build unix

package command

import (
	"os/exec"
	"syscall"
)

// group is a process group, named by its leader.
type group struct{ leader int }

func startGroup(cmd *exec.Cmd) (*group, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &group{cmd.Process.Pid}, nil
}

func (g *group) terminate() { _ = syscall.Kill(-g.leader, syscall.SIGTERM) }
func (g *group) kill()      { _ = syscall.Kill(-g.leader, syscall.SIGKILL) }
func (g *group) close()     {}
