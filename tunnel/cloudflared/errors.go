package cloudflared

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/child"
)

var (
	// cloudflared logs the answer of the service that it could not read.
	rateLimited = regexp.MustCompile(`\b429 Too Many Requests\b|\berror code: 1015\b`)

	// The texts around the service that gives names all have these words.
	apiBroken = regexp.MustCompile(`(?i)\bfailed to [a-z ]*quick[ -]tunnel`)
)

// ended explains why the program ended by itself.
func (t *quickTunnel) ended(program *child.Process, how string) *tunnel.Error {
	lines := program.Last(5)
	has := func(what *regexp.Regexp) bool {
		return t.inVain && what.MatchString(strings.Join(lines, "\n"))
	}
	e := &tunnel.Error{Provider: "cloudflared"}
	switch {
	case has(rateLimited):
		e.Code = "rate"
		e.Detail = "Cloudflare limits new quick tunnels from your address right now (429)"
		e.Hint = "wait a few minutes, or use another tunnel"
	case has(apiBroken):
		e.Code = "refused"
		e.Detail = "Cloudflare could not create a quick tunnel" + t.lastLine(program)
		e.Hint = "wait a few minutes, or use another tunnel"
	default:
		e.Code = "program"
		e.Detail = fmt.Sprintf("cloudflared ended with %s%s", how, t.lastLine(program))
	}
	return t.opening.Failed(e)
}

// late is for a session that did not come online in time.
func (t *quickTunnel) late(code, detail, hint string, program *child.Process) *tunnel.Error {
	return &tunnel.Error{Provider: "cloudflared", Code: code, Detail: detail + t.lastLine(program), Hint: hint}
}

// lastLine is what the program said last, in brackets after a text. Of a line
// of JSON it is what a person would want to read.
func (t *quickTunnel) lastLine(program *child.Process) string {
	lines := program.Last(1)
	if len(lines) == 0 {
		return ""
	}
	line := lines[0]
	var entry struct{ Message, Error string }
	if json.Unmarshal([]byte(line), &entry) == nil && entry.Message+entry.Error != "" {
		line = entry.Message
		if entry.Message != "" && entry.Error != "" {
			line += ": "
		}
		line = t.redact.String(line + entry.Error) // again: JSON can hide a secret
	}
	return " (last line: " + child.Show(line) + ")"
}
