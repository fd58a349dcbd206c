package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// The layout of --help: a flag on a line of its own, what it does below it, in
// lines that fit 80 columns.

const appHelpTop = `{{.Name}}: {{.Usage}}

Usage:
  {{.UsageText}}

Commands:{{range .VisibleCommands}}
  {{printf "%-12s" .Name}} {{.Usage}}{{end}}

Flags:{{range .VisibleFlags}}
{{.}}{{end}}

Topics:
`

const appHelpEnd = `
hfhook help COMMAND and hfhook help TOPIC tell more. Settings come from flags,
then HFHOOK_* variables, then .hfhook.yaml in this folder or above, then the
user's hfhook/config.yaml.
`

// appHelp is the template of the app's help.
func appHelp() string {
	text := appHelpTop
	for _, t := range topics() {
		text += fmt.Sprintf("  %-12s %s\n", t.name, t.about)
	}
	return text + appHelpEnd
}

const commandHelp = `{{.HelpName}}: {{.Usage}}

Usage:
  {{if .UsageText}}{{.UsageText}}{{else}}{{.HelpName}} [flags]{{end}}
{{if .Description}}
{{.Description}}
{{end}}
Flags:{{range .VisibleFlags}}
{{.}}{{end}}
`

const groupHelp = `{{.HelpName}}: {{.Usage}}

Usage:
  {{.UsageText}}
{{if .Description}}
{{.Description}}
{{end}}
Commands:{{range .VisibleCommands}}
  {{printf "%-9s" .Name}} {{.Usage}}{{end}}

{{.HelpName}} COMMAND --help tells more.
`

func init() { cli.FlagStringer = flagHelp }

func flagHelp(f cli.Flag) string {
	names, value, text := describeFlag(f)
	line := strings.Join(names, ", ")
	if value != "" {
		line += " " + value
	}
	return "  " + line + "\n" + wrap(text, 8, 78)
}

// describeFlag tells a flag's names with their dashes, the word for its value,
// empty when it takes none, and what it does.
func describeFlag(f cli.Flag) (names []string, value, text string) {
	for _, name := range f.Names() {
		dashes := "--"
		if len(name) == 1 {
			dashes = "-"
		}
		names = append(names, dashes+name)
	}
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return names, "", ""
	}
	// The word in backquotes stands for the value.
	text = doc.GetUsage()
	if before, rest, ok := strings.Cut(text, "`"); ok {
		value, rest, _ = strings.Cut(rest, "`")
		text = before + value + rest
	}
	if !doc.TakesValue() {
		value = ""
	} else if value == "" {
		value = "VALUE"
	}
	if byDefault := doc.GetDefaultText(); byDefault != "" && doc.TakesValue() {
		text += fmt.Sprintf(" (default: %s)", strings.Trim(byDefault, `"`))
	}
	if vars := doc.GetEnvVars(); len(vars) > 0 {
		text += " [$" + strings.Join(vars, ", $") + "]"
	}
	return names, value, text
}

// wrap breaks a text into lines of at most width columns, indented.
func wrap(text string, indent, width int) string {
	var lines []string
	line := strings.Repeat(" ", indent)
	for word := range strings.FieldsSeq(text) {
		if columns(line)+1+columns(word) > width && strings.TrimSpace(line) != "" {
			lines = append(lines, line)
			line = strings.Repeat(" ", indent)
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}
