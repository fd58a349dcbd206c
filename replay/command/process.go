package command

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// drain is what those who still hold a program's pipes have left when it has
// ended.
const drain = 250 * time.Millisecond

// process is a running program with everything that it started.
type process struct {
	done  chan struct{} // closed when all of it has ended
	state *os.ProcessState
	err   error // why there is no state

	mu    sync.Mutex
	group *group // nil: gone
}

func startProcess(cmd *exec.Cmd, out *output) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go p.run(cmd, out, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run lives as long as the program.
func (p *process) run(cmd *exec.Cmd, out *output, started chan<- error) {
	defer close(p.done)
	// The kernel ends a child with the thread that started it, and Go ends
	// threads when it likes: this one has to last.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	stdout, stderr := out.stream("stdout"), out.stream("stderr")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = drain
	var err error
	p.group, err = startGroup(cmd)
	started <- err
	if err != nil {
		return
	}
	p.err = cmd.Wait()
	p.state = cmd.ProcessState
	p.leave()
	stdout.flush()
	stderr.flush()
}

// leave ends whoever the program left behind.
func (p *process) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.group.kill()
	p.group.close()
	p.group = nil
}

// stop asks the program to end, for as long as grace, and then ends it by
// force. It reports false when the program had ended by itself.
func (p *process) stop(grace time.Duration) bool {
	if !p.signal((*group).terminate) {
		<-p.done
		return false
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
		p.signal((*group).kill)
		<-p.done
	}
	return true
}

// signal reports false when there is nobody any more.
func (p *process) signal(send func(*group)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.group == nil {
		return false
	}
	send(p.group)
	return true
}
