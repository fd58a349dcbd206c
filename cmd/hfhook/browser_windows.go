package main

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// browsers are the commands that open a page. A command line of its own, as
// start is, would read & in an address.
func browsers(func(string) string) [][]string {
	return [][]string{{"rundll32", "url.dll,FileProtocolHandler"}}
}

// detach has a program know no console.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
