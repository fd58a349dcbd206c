// Package command runs a program for each delivery, with the environment that a
// Job of the Hub gets from a webhook: a script can be tried on this machine
// before the Hub runs it, or instead.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/internal/redact"
)

// Options says how a Target runs its program.
type Options struct {
	// Secret is the value of WEBHOOK_SECRET. It must not be among the
	// arguments, which everybody on the machine can read. Default: none, and
	// no variable.
	Secret string

	// Env is what the program's environment has beside the variables that the
	// package passes anyway: "NAME" with the value that it has here, if any, or
	// "NAME=VALUE". Default: nothing.
	Env []string

	// Hide is what must not be kept or shown of the output, beside Secret:
	// tokens that the program is given. Values are of one line; those of less
	// than 8 bytes are ignored. Default: nothing.
	Hide []string

	// Timeout is how long a run may take; 10m.
	Timeout time.Duration

	// Grace is what a run has left after SIGTERM, when its time is over or the
	// context ends, before it is killed; 4s, which is less than a Dispatcher
	// has when it ends.
	Grace time.Duration

	// Concurrency is how many runs at once a Dispatcher makes; 1.
	Concurrency int

	// Output is told of each line of output as it comes, one at a time. The
	// program waits for it when it is slow. Default: nobody is told.
	Output func(Line)

	// Folder is where the folder for payloads is made, when the first is
	// needed; os.TempDir.
	Folder string
}

// Target runs a program for each delivery, without a shell.
//
// The payload is on its stdin and in the file that WEBHOOK_PAYLOAD_FILE names,
// which only the user can read and which is gone after the run. The environment
// is otherwise that of a Job, as
// https://huggingface.co/docs/hub/jobs-webhooks has it:
//
//   - WEBHOOK_PAYLOAD is the payload, byte for byte. It is not set when it has
//     a NUL, or is longer than the system takes: 128 KiB with the name, on
//     Windows 32,767 characters.
//   - WEBHOOK_REPO_ID is the name of the repo, "owner/name".
//   - WEBHOOK_REPO_TYPE is its type: "model", "dataset", "space", "bucket".
//   - WEBHOOK_SECRET is Options.Secret.
//   - WEBHOOK_ID is the delivery's Webhook-Id, the same for each of its runs.
//
// What is not known is not set. Beside these the program gets Options.Env, and
// from the environment of this process PATH, HOME, USER, LOGNAME, SHELL, LANG,
// LANGUAGE, LC_*, TZ and TMPDIR; on Windows the variables that name the system's
// and the user's folders, PATH, PATHEXT, ComSpec, USERNAME, OS,
// NUMBER_OF_PROCESSORS and PROCESSOR_ARCHITECTURE. Nothing else, so no token.
//
// The program runs in a process group of its own, on Windows in a job: Ctrl-C
// in the terminal is not for it, and what it started ends with it. When this
// process is killed, the program ends too on Linux, FreeBSD and Windows; what
// the program started then ends on Windows alone.
//
// The exit code is the Attempt's Exit, and the output its Body: stdout and
// stderr as they come, with the secret redacted, as replay.HTTPTarget does it. Of more than replay.MaxAnswer
// bytes the middle is left out. A run that was ended by the Target, or by a
// signal, has no exit code.
type Target struct {
	name    string
	path    string
	argv    []string
	environ []string // without what is in a delivery
	o       Options
	secrets *redact.Secrets // not to be kept or shown
	folder  folder

	telling sync.Mutex // held while Output is told

	mu      sync.Mutex
	running map[*process]struct{}
	killed  bool
}

// Prefix begins the name of every Target.
const Prefix = "exec:"

// New gives a Target that runs argv: a program, looked up in PATH unless it has
// a slash in it, and its arguments. For a program that cannot be found the error
// is an *exec.Error. It is exec.ErrDot when only the current folder has it, which
// is not looked into.
func New(argv []string, o Options) (*Target, error) {
	o.Timeout = cmp.Or(max(o.Timeout, 0), 10*time.Minute)
	o.Grace = cmp.Or(max(o.Grace, 0), 4*time.Second)
	o.Concurrency = max(o.Concurrency, 1)
	o.Folder = cmp.Or(o.Folder, os.TempDir())
	if len(argv) == 0 || argv[0] == "" {
		return nil, errors.New("there is no command")
	}
	hide := append(slices.DeleteFunc(slices.Clone(o.Hide), func(s string) bool { return len(s) < minHidden }), o.Secret)
	for _, word := range argv {
		if strings.ContainsRune(word, 0) {
			return nil, errors.New("a word of the command has a NUL in it")
		}
		if slices.ContainsFunc(hide, func(s string) bool { return shows(word, s) }) {
			return nil, ErrSecretShown
		}
	}
	environ, err := environFor(o)
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(argv[0])
	if err == nil {
		path, err = filepath.Abs(path) // wherever this process goes
	}
	if err != nil {
		return nil, err
	}
	return &Target{
		name:    Prefix + quoteAll(argv),
		path:    path,
		argv:    slices.Clone(argv),
		environ: environ,
		o:       o,
		secrets: redact.New(hide...),
		folder:  folder{parent: o.Folder},
		running: make(map[*process]struct{}),
	}, nil
}

// ErrSecretShown is returned by New when the secret, or something to hide, is
// among the arguments.
var ErrSecretShown = errors.New("a secret is among the words of the command, where everybody on this machine can read it")

// shows reports whether a word gives a secret away. A short one may be part of a
// word by chance.
func shows(word, secret string) bool {
	return secret != "" && (word == secret || len(secret) >= minHidden && strings.Contains(word, secret) ||
		strings.HasSuffix(word, "="+secret))
}

// Name is "exec:" and the words of the command, quoted as for a POSIX shell
// where they need it: "exec:python train.py". It is stored with each attempt.
func (t *Target) Name() string { return t.name }

// Limit implements replay.Limited.
func (t *Target) Limit() int { return t.o.Concurrency }

// Send runs the program once. A program that cannot be started, or is ended by
// a signal, is replay.FailOther.
func (t *Target) Send(ctx context.Context, d *replay.Delivery) *replay.Attempt {
	limited, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	if ctx.Err() != nil {
		return &replay.Attempt{Failure: gaveUp(ctx), Error: context.Cause(ctx).Error()}
	}
	file, err := t.folder.add(d.Body)
	if err != nil {
		return &replay.Attempt{Failure: replay.FailOther, Error: fmt.Sprintf("the payload cannot be put into a file: %v", err)}
	}
	defer os.Remove(file)
	out := newOutput(t, d.ID)
	p, err := t.start(d, file, out)
	if err != nil {
		return &replay.Attempt{Failure: replay.FailOther, Error: fmt.Sprintf("cannot start %s: %v", t.argv[0], innermost(err))}
	}
	defer t.forget(p)
	ended := false // by the Target
	select {
	case <-p.done:
	case <-limited.Done():
		ended = p.stop(t.o.Grace)
	}
	a := &replay.Attempt{}
	a.Body, a.BodyCut = out.body()
	switch {
	case ended && ctx.Err() != nil:
		a.Failure, a.Error = gaveUp(ctx), context.Cause(ctx).Error()
	case ended:
		a.Failure, a.Error = replay.FailTimeout, fmt.Sprintf("the command did not end within %v", t.o.Timeout)
	case p.state == nil:
		a.Failure, a.Error = replay.FailOther, p.err.Error()
	case p.state.Exited():
		a.Exit = new(p.state.ExitCode())
	default:
		a.Failure, a.Error = replay.FailOther, "the command was ended by a "+p.state.String()
	}
	return a
}

// gaveUp says how ctx ended.
func gaveUp(ctx context.Context) replay.Failure {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return replay.FailTimeout
	}
	return replay.FailCancelled
}

// start runs the program, with its payload in the environment if the system
// takes it there.
func (t *Target) start(d *replay.Delivery, file string, out *output) (*process, error) {
	env := append(slices.Clone(t.environ), deliveryEnviron(d, file)...)
	if payload := "WEBHOOK_PAYLOAD=" + string(d.Body); fits(payload) {
		p, err := t.startWith(append(slices.Clone(env), payload), file, out)
		if !errors.Is(err, syscall.E2BIG) { // a limit for the whole of it
			return p, err
		}
	}
	return t.startWith(env, file, out)
}

func (t *Target) startWith(env []string, file string, out *output) (*process, error) {
	stdin, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	cmd := exec.Command(t.path, t.argv[1:]...)
	cmd.Args[0] = t.argv[0]
	cmd.Env = env
	cmd.Stdin = stdin
	p, err := startProcess(cmd, out)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running[p] = struct{}{}
	if t.killed {
		p.signal((*group).kill)
	}
	return p, nil
}

func (t *Target) forget(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, p)
}

// Kill ends at once what runs, and what is started from now on. It is for a
// process that cannot wait for Send to return.
func (t *Target) Kill() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.killed = true
	for p := range t.running {
		p.signal((*group).kill)
	}
}

// Close removes the folder for payloads. Nothing may run any more.
func (t *Target) Close() error { return t.folder.remove() }

// innermost says why, without what is around it and repeats the path.
func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// quoteAll joins words for a reader, and for a POSIX shell.
func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

func quote(word string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@,+%"
	if word != "" && strings.Trim(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

var _ interface {
	replay.Target
	replay.Limited
} = (*Target)(nil)
