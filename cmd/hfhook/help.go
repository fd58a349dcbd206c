package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// The layout of --help: a flag on a line of its own, what it does below it, in
// lines that fit 80 columns.

const appHelp = `{{.Name}}: {{.Usage}}

Usage:
  {{.UsageText}}

Commands:{{range .VisibleCommands}}
  {{printf "%-9s" .Name}} {{.Usage}}{{end}}

Flags:{{range .VisibleFlags}}
{{.}}{{end}}

hfhook COMMAND --help tells more. Settings come from flags, then HFHOOK_*
variables, then .hfhook.yaml in this folder or above, then the user's
hfhook/config.yaml.
`

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
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	// The word in backquotes stands for the value.
	text, value := doc.GetUsage(), ""
	if before, rest, ok := strings.Cut(text, "`"); ok {
		value, rest, _ = strings.Cut(rest, "`")
		text = before + value + rest
	}
	var names []string
	for _, name := range f.Names() {
		dashes := "--"
		if len(name) == 1 {
			dashes = "-"
		}
		names = append(names, dashes+name)
	}
	line := strings.Join(names, ", ")
	if doc.TakesValue() {
		if value == "" {
			value = "VALUE"
		}
		line += " " + value
	}
	if byDefault := doc.GetDefaultText(); byDefault != "" && doc.TakesValue() {
		text += fmt.Sprintf(" (default: %s)", strings.Trim(byDefault, `"`))
	}
	if vars := doc.GetEnvVars(); len(vars) > 0 {
		text += " [$" + strings.Join(vars, ", $") + "]"
	}
	return "  " + line + "\n" + wrap(text, 8, 78)
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
