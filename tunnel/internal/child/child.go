// Package child is what tunnels out of a program have in common: the program
// runs beside hfhook and forwards what is public to a listener on this machine.
package child

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/hfhook/hfhook/tunnel"
)

// Stop asks for at most grace and then ends by force; what still holds the
// pipes after that has drain. Both together are well within
// tunnel.CloseTimeout.
const (
	grace = time.Second
	drain = 250 * time.Millisecond
)

// Program is what Start runs.
type Program struct {
	Path string   // as exec.LookPath gives it
	Args []string // without the program's own name
	Env  []string // all of it, see Environ

	// Line takes each line of stdout and stderr, one at a time: printable,
	// cut where it is too long, and valid until Line returns. Default: none.
	Line func(line []byte)

	// Redact knows what must not be in Last and Log. Required.
	Redact *tunnel.Redactor

	// Log takes the lines too, at debug level. Default: none.
	Log *slog.Logger
}

// Process is a running program, with everything that it started: a process
// group, or a job on Windows.
//
// It ends with this program, also when that is killed: at once on Linux,
// FreeBSD and Windows. Elsewhere nothing ends it but Stop and, if it reads it,
// the end of its stdin, which never has anything in it. What the program
// started itself ends with a killed hfhook on Windows alone.
type Process struct {
	out  *output
	life context.Context // ends with the program
	how  string          // it ended; set when life is over

	mu    sync.Mutex
	group *group // nil: gone
}

// Start runs a program, without a shell.
func Start(p Program) (*Process, error) {
	life, end := context.WithCancel(context.Background())
	process := &Process{out: newOutput(p), life: life}
	started := make(chan error)
	go process.run(p, started, end)
	if err := <-started; err != nil {
		return nil, err
	}
	return process, nil
}

// run lives as long as the program.
func (p *Process) run(program Program, started chan<- error, end context.CancelFunc) {
	defer end()
	// The kernel ends a child with the thread that started it, and Go ends
	// threads when it likes: this one has to last.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	cmd := exec.Command(program.Path, program.Args...)
	cmd.Env = program.Env
	cmd.WaitDelay = drain
	stdout, stderr := &lines{to: p.out}, &lines{to: p.out}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	_, err := cmd.StdinPipe() // Wait closes it
	if err == nil {
		p.group, err = startGroup(cmd)
	}
	started <- err
	if err != nil {
		return
	}
	err = cmd.Wait()
	stdout.flush()
	stderr.flush()
	switch state := cmd.ProcessState; {
	case state == nil:
		p.how = err.Error()
	case state.Exited():
		p.how = fmt.Sprintf("exit code %d", state.ExitCode())
	default:
		p.how = state.String()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.group.kill() // whoever it left behind
	p.group.close()
	p.group = nil
}

// Within is ctx that also ends with the program.
func (p *Process) Within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(p.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// Ended tells how the program ended, as "exit code 3"; false: it runs.
func (p *Process) Ended() (how string, ended bool) {
	if p.life.Err() == nil {
		return "", false
	}
	return p.how, true
}

// Last are the last lines of the program, at most n of them, printable and
// redacted.
func (p *Process) Last(n int) []string { return p.out.last(n) }

// Stop ends the program and waits until it is gone.
func (p *Process) Stop() {
	p.signal((*group).terminate)
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.life.Done():
		return
	case <-patience.C:
	}
	p.signal((*group).kill)
	<-p.life.Done()
}

func (p *Process) signal(send func(*group)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.group != nil {
		send(p.group)
	}
}

// Missing is the error for a program that cannot be found or started, for good
// as far as a tunnel goes that was never online. name is what the user calls it.
func Missing(provider, name, hint string, err error) *tunnel.Error {
	e := &tunnel.Error{Provider: provider, Code: "missing", Permanent: true, Hint: hint, Err: err}
	if errors.Is(err, exec.ErrNotFound) {
		e.Detail = name + " was not found in PATH"
		return e
	}
	why := err
	for { // the innermost says why; those around it repeat the path
		inner := errors.Unwrap(why)
		if inner == nil {
			break
		}
		why = inner
	}
	e.Detail = fmt.Sprintf("cannot start %s (%v)", name, why)
	return e
}
