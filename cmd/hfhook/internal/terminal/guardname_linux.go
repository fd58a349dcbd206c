package terminal

import "os"

// nameGuard gives the process a name of its own, so that killing programs by
// the usual one leaves somebody to see to the terminal.
func nameGuard() { _ = os.WriteFile("/proc/self/comm", []byte("terminal-guard"), 0) }
