package main

import (
	"fmt"
	"os"
	"strings"
)

// editorProgram is the editor of a user: a program of its own that is called as
// testeditor OLD NEW FILE. It puts NEW in the place of OLD, or of all when OLD
// is "all"; it fails when OLD is "fail", and after it has done so when NEW is.
func editorProgram() {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	was, now, file := os.Args[1], os.Args[2], os.Args[3]
	if len(os.Args) > 4 {
		fail(fmt.Errorf("too many arguments: %q", os.Args))
	}
	info, err := os.Stat(file)
	if err != nil {
		fail(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		fail(err)
	}
	fmt.Printf("editing %q, mode %o:\n%s", file, info.Mode().Perm(), text)
	switch was {
	case "fail":
		fail(os.ErrPermission)
	case "all":
		text = []byte(now)
	default:
		text = []byte(strings.ReplaceAll(string(text), was, now))
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		fail(err)
	}
	if now == "fail" {
		fail(os.ErrPermission)
	}
}
