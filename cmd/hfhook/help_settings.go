package main

import (
	"fmt"
	"strings"
)

// ownFile is one that hfhook reads or writes by itself.
type ownFile struct{ name, about string }

var ownFiles = []ownFile{
	{settingsName, "settings, in the working folder or the nearest one above it that has one"},
	{"~/.config/hfhook/config.yaml", "your own settings; in $XDG_CONFIG_HOME where that is set, ~/Library/Application Support on macOS, %AppData% on Windows"},
	{"~/.local/state/hfhook/", "the state folder, for you alone; in $XDG_STATE_HOME where that is set, ~/Library/Application Support on macOS, %LocalAppData% on Windows"},
	{"deliveries.db", "there: the deliveries, unless --store names another file"},
	{"secret", "there: the generated secret"},
	{"journal/", "there: what is to be undone at the Hub"},
}

func settingsHelp() string {
	var b strings.Builder
	b.WriteString(wrap("Flags come first, then variables (hfhook help environment), then these files, the first before the second. What none of them says is as --help tells.", 0, 80))
	b.WriteString("\n\n")
	for _, f := range ownFiles[:2] {
		fmt.Fprintf(&b, "  %s\n%s\n", f.name, wrap(f.about, 6, 80))
	}
	b.WriteString("\n" + wrap("They hold flags of hfhook dev by their long names; other commands read those that they have too. Several values are a list.", 0, 80) + `

  forward: [http://localhost:3000]
  path: /webhooks/my_bot
  ack: handler

`)
	b.WriteString(wrap(foldersHelp(), 0, 80))
	b.WriteString("\n\nWhat hfhook keeps:\n\n")
	for _, f := range ownFiles[2:] {
		fmt.Fprintf(&b, "  %s\n%s\n", f.name, wrap(f.about, 6, 80))
	}
	return b.String()
}
