package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// browserTime is how long a program that opens a page may take to say that it
// cannot. One that goes on is the browser itself.
const browserTime = 3 * time.Second

// browse opens a page in the person's browser, through no shell. What that
// prints goes nowhere, and Ctrl-C is not for it. It may outlive hfhook.
// The commands are tried in turn.
func browse(ctx context.Context, commands [][]string, address string) (err error) {
	for _, words := range commands {
		if err = openWith(ctx, words, address); err == nil {
			break
		}
	}
	return err
}

// browserList gives the commands of $BROWSER, which is a list with colons between
// of commands with blanks between, as xdg-open and Python read it.
func browserList(value string) [][]string {
	var commands [][]string
	for command := range strings.SplitSeq(value, ":") {
		if words := strings.Fields(command); len(words) > 0 {
			commands = append(commands, words)
		}
	}
	return commands
}

// openWith runs a command with an address at its end, or where %s stands.
func openWith(ctx context.Context, words []string, address string) error {
	words = slices.Clone(words)
	put := false
	for i := range words {
		if i > 0 && strings.Contains(words[i], "%s") {
			words[i], put = strings.ReplaceAll(words[i], "%s", address), true
		}
	}
	if !put {
		words = append(words, address)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = environWithoutSecrets()
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s does not start: %w", words[0], pathProblem(err))
	}
	// Nothing ends a browser but the person: who waits for it ends with it, or
	// with hfhook.
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", words[0], err)
		}
	case <-time.After(browserTime):
	case <-ctx.Done():
	}
	return nil
}

// environWithoutSecrets is the environment for a program that is not to know
// any.
func environWithoutSecrets() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		return strings.Contains(name, "SECRET") || strings.Contains(name, "TOKEN")
	})
}
