package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// A settings file in a folder may be anybody's: whatever stands in it, it is
// refused with words, or sets flags; those that could do harm never.
func FuzzSettings(f *testing.F) {
	for _, text := range []string{
		"listen: 7861", "forward: [http://localhost:3000]\npath: /webhooks/my_bot\nkeep: 1000,7d\n", "forward:\n  docs-bot: http://localhost:3000 if scope=discussion*\n",
		"exec: rm -r x", "a: &a [*a]", "forward: &a {x: *a}", "forward: &a [&b [x], *b, *b]", "header: ['A: 1', 'B: 2']", "listen: {}", "path: !!binary aGk=", "? [a]\n: b", "json: yes\nno-probe: 0x1",
		"<<: {exec: x}", "path: 2026-01-01", "x: &x [1]\npath: *x", "\x00", "path: |\n  a\x1b[2J\n",
	} {
		f.Add([]byte(text))
	}
	file := filepath.Join(f.TempDir(), settingsName)
	app := readyApp()
	f.Fuzz(func(t *testing.T, text []byte) {
		require.NoError(t, os.WriteFile(file, text, 0o600))
		values, err := readSettings(file)
		if err != nil {
			return
		}
		dev := devCommand()
		dev.HelpName = "hfhook dev"
		flags := flag.NewFlagSet("dev", flag.ContinueOnError)
		for _, f := range dev.Flags {
			require.NoError(t, f.Apply(flags))
		}
		c := cli.NewContext(app, flags, nil)
		c.Command = dev
		err = setFromFile(c, file, values)
		for _, name := range []string{"exec", "env", "tunnel-cmd", "watch", "webhook", "takeover"} {
			require.False(t, c.IsSet(name), name)
			if _, named := values[name]; named {
				require.Error(t, err, name)
			}
		}
	})
}
