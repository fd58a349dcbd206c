package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	cmdtarget "github.com/hfhook/hfhook/replay/command"
	cmdtunnel "github.com/hfhook/hfhook/tunnel/command"
)

// execFlags say which programs are run for a delivery, and how. vars are those
// that may name one.
func execFlags(vars ...string) []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "exec", Usage: "run `COMMAND` for each delivery, without a shell, as a Job of the Hub; may be repeated", EnvVars: vars},
		&cli.StringSliceFlag{Name: "env", Usage: "pass the variable `NAME` on to that command too, or set NAME=VALUE; may be repeated"},
		&cli.DurationFlag{Name: "exec-timeout", Usage: "end a command after `TIME`", Value: 10 * time.Minute, EnvVars: []string{"HFHOOK_EXEC_TIMEOUT"}},
	}
}

// execConcurrencyFlag is for commands that send what arrives.
func execConcurrencyFlag() cli.Flag {
	return &cli.IntFlag{Name: "exec-concurrency", Usage: "run each command `N` times at once, still in order for each repo", Value: 1, EnvVars: []string{"HFHOOK_EXEC_CONCURRENCY"}}
}

// execTargets makes a target of each --exec. output is told of each line that
// they print.
func execTargets(c *cli.Context, secret string, output func(cmdtarget.Line)) ([]target, error) {
	if timeout := c.Duration("exec-timeout"); timeout <= 0 {
		return nil, usage(fmt.Sprintf("--exec-timeout is %s", timeout), "it is more than 0, for example 30s or 8h")
	}
	// A command without the flag has 0.
	if n := c.Int("exec-concurrency"); n < 0 || n == 0 && c.IsSet("exec-concurrency") {
		return nil, usage(fmt.Sprintf("--exec-concurrency is %d", n), "it is at least 1")
	}
	var targets []target
	for _, line := range c.StringSlice("exec") {
		made, err := newCommand(c, line, cmdtarget.Options{
			Secret: secret, Env: c.StringSlice("env"), Hide: ownSecrets(c),
			Timeout: c.Duration("exec-timeout"), Concurrency: c.Int("exec-concurrency"), Output: output,
		})
		if err != nil {
			return nil, err
		}
		targets = append(targets, made)
	}
	return targets, nil
}

func newCommand(c *cli.Context, line string, o cmdtarget.Options) (target, error) {
	const example = "for example --exec 'python train.py'"
	words, err := cmdtunnel.Split(line)
	switch {
	case err != nil:
		return nil, usage("--exec has "+err.Error(), "quote it as for a shell, "+example)
	case len(words) == 0:
		return nil, usage("--exec has no command", example)
	}
	name, _, isSet := strings.Cut(words[0], "=")
	if isSet && !strings.ContainsAny(name, `/\`) { // and what follows may be secret
		return nil, usage("--exec begins with a variable", "no shell runs it: pass --env "+name+"=... instead")
	}
	made, err := cmdtarget.New(words, o)
	missing, isMissing := errors.AsType[*exec.Error](err)
	switch {
	case errors.Is(err, cmdtarget.ErrSecretShown):
		return nil, usage("--exec: "+err.Error(), "the command has the secret in $WEBHOOK_SECRET; pass others with --env NAME")
	case isMissing:
		return nil, missingCommand(words[0], missing.Err)
	case err != nil:
		return nil, usage("--exec or --env: "+err.Error(), example+" --env HF_TOKEN --env EPOCHS=3")
	}
	commands.Lock()
	defer commands.Unlock()
	commands.all = append(commands.all, made)
	return made, nil
}

func missingCommand(name string, why error) error {
	if info, err := os.Stat(name); filepath.Base(name) == name && err == nil && info.Mode().IsRegular() {
		return usage(fmt.Sprintf("%s is in this folder, and not in PATH", name), fmt.Sprintf("name it ./%s, or what runs it: --exec 'python %[1]s'", name))
	}
	switch {
	case errors.Is(why, exec.ErrNotFound):
		return usage(name+" was not found in PATH", "install it, or name it with its path; no shell runs it, so ~ and $HOME stand as they are")
	case errors.Is(why, fs.ErrPermission):
		return usage(name+" is no program that you may run", "chmod +x it, or name what runs it: --exec 'python "+name+"'")
	}
	return usage(fmt.Sprintf("%s cannot be run: %s", name, why), "no shell runs it, so ~ and $HOME stand as they are")
}

// commands are those of the whole program: whoever ends that at once ends them.
var commands struct {
	sync.Mutex
	all []*cmdtarget.Target
}

// killCommands leaves none behind where the system would not end it.
func killCommands() {
	commands.Lock()
	defer commands.Unlock()
	for _, made := range commands.all {
		made.Kill()
	}
}

// ownSecrets are values that must not be kept, though a command may print them.
func ownSecrets(c *cli.Context) []string {
	values := []string{c.String("tunnel-token")}
	for _, name := range []string{
		"WEBHOOK_SECRET", "HFHOOK_SECRET", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "NGROK_AUTHTOKEN", "HFHOOK_TUNNEL_TOKEN",
	} {
		values = append(values, os.Getenv(name))
	}
	return values
}

// isCommand reports whether a target, by its name, is a command.
func isCommand(name string) bool { return strings.HasPrefix(name, cmdtarget.Prefix) }

// outputLine shows a line of a command's output, below its delivery where
// nothing else comes between.
func outputLine(s *screen, l cmdtarget.Line) {
	paint := s.dim
	if l.Stream == "stderr" {
		paint = s.warn
	}
	s.line("%s%s %s", blank, paint(fmt.Sprintf("#%d │", l.DeliveryID)), l.Text)
}

// outputRecord is a line of a command's output, in --json.
type outputRecord struct {
	recordHead
	Delivery int64  `json:"delivery"`
	Target   string `json:"target"`
	Stream   string `json:"stream"` // stdout or stderr
	Text     string `json:"text"`
}

func recordOutput(l cmdtarget.Line) outputRecord {
	return outputRecord{head("output", time.Now()), l.DeliveryID, l.Target, l.Stream, l.Text}
}
