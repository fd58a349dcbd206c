package main

import (
	"fmt"
	"strings"
)

// exitCode is what the program says to the one that started it. A test wants
// each constant of speak.go here, and the text in the README.
type exitCode struct {
	code  int
	text  string
	notes string // when this is the code; may be empty
}

var exitCodes = []exitCode{
	{exitDone, "done", "also when a signal ended hfhook dev or inspect --follow in order"},
	{exitFailed, "failed", "what happened is on stderr, with a hint what to do"},
	{exitUsage, "wrong usage", "nothing was done"},
	{exitNotFound, "not found", "no such delivery, store or webhook"},
	{exitAnswer, "a target answered outside 2xx, or a command or check failed", "of a replay; of hfhook dev with --fail-on-handler-error"},
	{exitDiffers, "an answer differs", "from what it was compared with, in a replay"},
	{exitNoTunnel, "no tunnel", "none could be opened, or it was lost for good"},
	{exitHub, "the Hub refused or cannot be reached", "the webhook is as it was, or stderr says how it is"},
	{exitInterrupted, "ended by a second Ctrl-C", "what was under way was not finished"},
}

func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes of hfhook:\n\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %3d  %s\n", e.code, e.text)
		if e.notes != "" {
			fmt.Fprintf(&b, "       %s\n", e.notes)
		}
	}
	return b.String()
}
