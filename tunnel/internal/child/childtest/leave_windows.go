package childtest

import "os/exec"

// leave does nothing: nobody leaves a job.
func leave(*exec.Cmd) {}
