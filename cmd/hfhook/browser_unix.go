//go:build !windows

package main

import (
	"os/exec"
	"runtime"
	"syscall"
)

// browsers are the commands that open a page, the best first. Where there is no
// screen, they would try browsers for the terminal.
func browsers(getenv func(string) string) [][]string {
	if runtime.GOOS == "darwin" {
		return [][]string{{"open"}}
	}
	if chosen := browserList(getenv("BROWSER")); len(chosen) > 0 {
		return chosen
	}
	if getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" {
		return nil
	}
	return [][]string{{"xdg-open"}}
}

// detach has a program know no terminal.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
