package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// hostileTitles are titles that do harm where they are taken for anything but text.
var hostileTitles = []string{
	"$(touch harmed)", "`touch harmed`", "'; touch harmed; '", `"; touch harmed; "`, "; touch harmed #", "| touch harmed", "$(harm)",
	"a:b\\:c", "tab\there", "line\nbreak", "cr\rback", "%F{red}%n", "\x1b[31mred\a", "*", "~", "!!", "-n", "\u202eabc", "한국어 🤗", "",
}

// hostileStore makes a home with a store of deliveries that have these titles,
// and with the files of all shells.
func hostileStore(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(home, "state", "hfhook", "deliveries.db"), sqlite.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	for _, title := range hostileTitles {
		d := replay.Delivery{Method: "POST", Path: "/" + title, Verdict: replay.Accepted, Scope: payload.ScopeDiscussion, Summary: title}
		_, err := store.Append(t.Context(), replay.Incoming{Delivery: d, Arrival: replay.Arrival{Time: time.Now()}})
		require.NoError(t, err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(home, "a file.db"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(home, "b.db"), nil, 0o600))
	for _, shell := range testShells {
		for name, text := range shell.files {
			require.NoError(t, os.WriteFile(filepath.Join(home, name), []byte(text), 0o600))
		}
	}
	return home
}

// testShell is a shell with the script, and a function args that prints its
// arguments.
type testShell struct {
	name  string
	files map[string]string // in the home
	args  []string
}

var testShells = []testShell{
	{"bash", map[string]string{".bashrc": `
eval "$(hfhook completion bash)"
args() { printf '<%s>' "$@"; printf 'END\n'; }
PS1='ready> '
`}, []string{"--noprofile", "-i"}},
	{"zsh", map[string]string{".zshrc": `
autoload -Uz compinit
compinit -u -D
source <(hfhook completion zsh)
bindkey -e
args() { printf '<%s>' "$@"; printf 'END\n'; }
PS1='ready> '
`}, []string{"-d", "-i"}},
	{"fish", map[string]string{"start.fish": `
hfhook completion fish | source
function args
    printf '<%s>' $argv
    printf 'END\n'
end
function fish_prompt
    echo 'ready> '
end
`}, []string{"--no-config", "-i", "-C", "source $HOME/start.fish"}},
}

// open starts the shell on a terminal, and waits until it reads.
func (s testShell) open(t *testing.T, home string) (*process, *os.File) {
	t.Helper()
	program, err := exec.LookPath(s.name)
	require.NoError(t, err, "there is no %s on this machine: apt-get install %[1]s", s.name)
	env := append(homeEnv(home), "TERM=xterm", "LC_ALL=C.UTF-8", "ZDOTDIR="+home, "COLUMNS=", "LINES=")
	p := &process{cmd: exec.Command(program, s.args...), exited: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = append(os.Environ(), env...), home
	keyboard := p.startOnTerminal(t)
	_, err = p.await(&p.err, `ready> `, 1)
	require.NoError(t, err)
	return p, keyboard
}

// typed gives the words of the line after somebody typed it and pressed TAB:
// the line is made one that prints its words.
func (s testShell) typed(t *testing.T, home, line string) string {
	t.Helper()
	p, keyboard := s.open(t, home)
	_, err := keyboard.WriteString(line + "\t")
	require.NoError(t, err)
	_, err = keyboard.WriteString("\x01args \r")
	require.NoError(t, err)
	found, err := p.await(&p.err, `(<hfhook>.*)END`, 1)
	require.NoError(t, err)
	return found[1]
}

func TestShellsCompleteWords(t *testing.T) {
	home := hostileStore(t)
	last := len(hostileTitles)
	require.Equal(t, 20, last)
	for _, shell := range testShells {
		for line, want := range map[string]string{
			"hfhook ins":                          "<hfhook><inspect>",
			"hfhook webhooks set":                 "<hfhook><webhooks><set-url>",
			"hfhook dev --ack h":                  "<hfhook><dev><--ack><handler>",
			"hfhook dev --ack=h":                  "<hfhook><dev><--ack=handler>",
			"hfhook dev --tunnel=ssh:p":           "<hfhook><dev><--tunnel=ssh:pinggy>",
			"hfhook dev --listen=:1 --tunnel cl":  "<hfhook><dev><--listen=:1><--tunnel><cloudflared>",
			"hfhook dev --watch mod":              "<hfhook><dev><--watch><model:>",
			"hfhook inspect --scope repo,discuss": "<hfhook><inspect><--scope><repo,discussion>",
			"hfhook replay --to 'http://a b' 20":  "<hfhook><replay><--to><http://a b><20>",
			"hfhook replay 2..2":                  "<hfhook><replay><2..20>",
			"hfhook replay --store nosuch.db 2":   "<hfhook><replay><--store><nosuch.db><2>",
			"hfhook dev --store b":                "<hfhook><dev><--store><b.db>",
			"hfhook dev --store=b":                "<hfhook><dev><--store=b.db>",
			"hfhook dev --store a":                "<hfhook><dev><--store><a file.db>",
			"hfhook nosuch ":                      "<hfhook><nosuch>",
		} {
			t.Run(shell.name+"/"+line, func(t *testing.T) {
				t.Parallel()
				assert.Equal(t, want, shell.typed(t, home, line))
			})
		}
	}
	t.Cleanup(func() { assert.NoFileExists(t, filepath.Join(home, "nosuch.db")) })
}

// plainText is a terminal's text without what steers it.
func plainScreen(text string) string {
	var out bytes.Buffer
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == 0x1b && i+1 < len(text) && text[i+1] == '[':
			for i += 2; i < len(text) && (text[i] < '@' || text[i] > '~'); i++ {
			}
		case c == 0x1b:
			i++
		case c >= ' ' || c == '\n':
			out.WriteByte(c)
		}
	}
	return out.String()
}

// Titles are anybody's text. They are shown, and nothing else.
func TestShellsShowHostileTitles(t *testing.T) {
	for _, shell := range testShells {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			home := hostileStore(t)
			p, keyboard := shell.open(t, home)
			_, err := keyboard.WriteString("hfhook replay \t")
			require.NoError(t, err)
			if shell.name == "bash" {
				_, err = keyboard.WriteString("\t")
				require.NoError(t, err)
			}
			_, err = p.await(&p.err, `(?s)touch harmed\).*`, 1)
			require.NoError(t, err)
			_, err = keyboard.WriteString("20\x01args \r")
			require.NoError(t, err)
			_, err = p.await(&p.err, `<hfhook><replay><20>END`, 1)
			require.NoError(t, err)
			assert.NoFileExists(t, filepath.Join(home, "harmed"))
			screen := plainScreen(p.err.String())
			for _, title := range hostileTitles[:8] {
				assert.Contains(t, screen, title)
			}
			assert.Contains(t, screen, `tab\x09here`)
			assert.Contains(t, screen, `line\x0abreak`)
			assert.Contains(t, screen, `%F{red}%n`)
			assert.Contains(t, screen, `\x1b[31mred\x07`)
			assert.NotContains(t, p.err.String(), "\x1b[31mred")
		})
	}
}

// What the scripts of fish and zsh get from the program stays data, also where
// nobody looks at a terminal.
func TestFishTellsWhatTheProgramTells(t *testing.T) {
	home := hostileStore(t)
	program, err := exec.LookPath("fish")
	require.NoError(t, err, "there is no fish on this machine: apt-get install fish")
	cmd := exec.Command(program, "--no-config", "-c", `hfhook completion fish | source; complete -C "hfhook replay "`)
	cmd.Env, cmd.Dir = append(append(os.Environ(), homeEnv(home)...), "LC_ALL=C.UTF-8"), home
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	require.Len(t, lines, len(hostileTitles)+2)
	assert.Equal(t, "last\tPOST /, 0 B", lines[0])
	for i, title := range hostileTitles[:len(hostileTitles)-1] {
		assert.Contains(t, lines[len(lines)-1-i], "\t"+payload.Printable(title))
	}
	assert.NoFileExists(t, filepath.Join(home, "harmed"))
}
