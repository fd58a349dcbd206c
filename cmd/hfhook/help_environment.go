package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// envVar is one of the environment. Those of flags are derived from the app.
type envVar struct{ name, about string }

// ownVariables are those that no flag names.
var ownVariables = []envVar{
	{"HF_TOKEN", "the token for the Hub; else the one that hf auth login keeps"},
	{"HF_TOKEN_PATH", "the file of that one"},
	{"HF_HOME", "the folder that it is in, as token"},
	{"HF_ENDPOINT", "another Hub than https://huggingface.co"},
	{"HF_HUB_OFFLINE", "1: do not talk to the Hub"},
	{"NGROK_AUTHTOKEN", "the authtoken for ngrok"},
	{"NO_COLOR", "plain text, also on a terminal"},
	{"HTTPS_PROXY", "the way out to the Hub, to ngrok and to SSH servers; NO_PROXY leaves hosts out"},
	{"SSH_AUTH_SOCK", "the SSH agent, for a server of your own"},
	{"XDG_STATE_HOME", "the folder of the store and the secret, under hfhook"},
	{"XDG_CONFIG_HOME", "the folder of hfhook/config.yaml"},
	{"SPACE_ID", "set on a Space of the Hub, as are SPACE_HOST and PORT: receive there, without a tunnel"},
}

// flagVariables are the variables that set flags, by name, with the flags.
func flagVariables(app *cli.App) []envVar {
	type setter struct {
		flag     string
		commands []string // by the first word of their names; none for the app
	}
	found := map[string][]setter{}
	add := func(command string, flags []cli.Flag) {
		command, _, _ = strings.Cut(command, " ")
		for _, flag := range flags {
			doc, ok := flag.(cli.DocGenerationFlag)
			if !ok {
				continue
			}
			for _, name := range doc.GetEnvVars() {
				i := slices.IndexFunc(found[name], func(s setter) bool { return s.flag == flag.Names()[0] })
				if i < 0 {
					i = len(found[name])
					found[name] = append(found[name], setter{flag: flag.Names()[0]})
				}
				s := &found[name][i]
				if command != "" && !slices.Contains(s.commands, command) {
					s.commands = append(s.commands, command)
				}
			}
		}
	}
	add("", app.Flags)
	eachCommand(app.Commands, "", func(name string, cmd *cli.Command) { add(name, cmd.Flags) })
	var all []envVar
	for _, name := range slices.Sorted(maps.Keys(found)) {
		var texts []string
		for _, s := range found[name] {
			text := "--" + s.flag
			if len(s.commands) > 0 {
				text += " of " + strings.Join(s.commands, ", ")
			}
			texts = append(texts, text)
		}
		all = append(all, envVar{name, strings.Join(texts, "; ")})
	}
	return all
}

// unsetEmpty has variables that are empty set nothing. urfave/cli would take
// them, in place of others that may be set.
func unsetEmpty(variables []envVar) {
	for _, v := range variables {
		if os.Getenv(v.name) == "" {
			_ = os.Unsetenv(v.name)
		}
	}
}

// eachCommand visits all commands that are to be seen, with their whole names.
func eachCommand(commands []*cli.Command, before string, f func(name string, cmd *cli.Command)) {
	for _, cmd := range commands {
		if cmd.Hidden {
			continue
		}
		name := strings.TrimSpace(before + " " + cmd.Name)
		f(name, cmd)
		eachCommand(cmd.Subcommands, name, f)
	}
}

func environmentHelp(app *cli.App) string {
	flags := flagVariables(app)
	width := 0
	for _, v := range slices.Concat(flags, ownVariables) {
		width = max(width, len(v.name)+2)
	}
	var b strings.Builder
	list := func(all []envVar) {
		for _, v := range all {
			text := wrap(v.about, width+2, 80)
			fmt.Fprintf(&b, "  %-*s%s\n", width, v.name, strings.TrimSpace(text))
		}
	}
	b.WriteString("These set a flag, where it is not given. One that is empty sets nothing.\n\n")
	list(flags)
	b.WriteString("\nThese are read besides:\n\n")
	list(ownVariables)
	return b.String()
}
