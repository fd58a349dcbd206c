package command

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/child"
)

// programTunnel makes the sessions of one tunnel, one after the other: each is
// a run of the program.
type programTunnel struct {
	Provider
	path    string
	args    []string       // the program's name first
	pattern *regexp.Regexp // nil: the URL is given
	given   *url.URL
	log     *slog.Logger
	redact  *tunnel.Redactor
	opening child.Opening
	last    *url.URL // of the run before; nil: none was online
}

// shownLines of a program are in an error.
const shownLines = 5

// run is one session.
func (t *programTunnel) run(ctx context.Context, s *tunnel.Session) error {
	near, err := child.Listen(s)
	if err != nil {
		return t.opening.Missing(missing(t.args[0], err))
	}
	defer near.Close()
	addr := near.Addr()
	fill := strings.NewReplacer("{addr}", addr.String(), "{host}", addr.IP.String(), "{port}", strconv.Itoa(addr.Port))
	args := make([]string, len(t.args)-1)
	for i, a := range t.args[1:] {
		args[i] = fill.Replace(a)
	}
	found := make(chan *url.URL, 1)
	program, err := child.Start(child.Program{
		Path:   t.path,
		Args:   args,
		Env:    child.Environ(t.Pass, nil),
		Line:   t.find(found, near),
		Redact: t.redact,
		Log:    t.log,
	})
	if err != nil {
		return t.opening.Missing(missing(t.args[0], err))
	}
	defer program.Stop()

	err = t.forward(ctx, s, program, found)
	if how, ended := program.Ended(); ended && ctx.Err() == nil {
		return t.opening.Failed(&tunnel.Error{Provider: "command", Code: "program",
			Detail: fmt.Sprintf("the tunnel command ended with %s (%s)", how, said(program))})
	}
	return err
}

// maxMatches are looked at in one line.
const maxMatches = 10

// find sends the first URL among the lines of a program, and looks at no other:
// programs print the requests that come through them, and whoever asks for
// /https://his.example.test must not get what the Hub sends. Once requests came
// before it said where it is, as they do when it comes back, it is believed to
// be where it was and nowhere else: a new name nobody could have asked yet.
func (t *programTunnel) find(to chan<- *url.URL, near *child.Near) func([]byte) {
	if t.pattern == nil {
		return nil
	}
	last := t.last
	found := false
	return func(line []byte) {
		if found || !bytes.Contains(line, []byte("://")) {
			return // cheaper than most patterns, when lines come in floods
		}
		for _, m := range t.pattern.FindAllSubmatch(line, maxMatches) {
			u, err := tunnel.ParsePublicURL(string(m[min(1, len(m)-1)]), false)
			if err != nil || last != nil && near.Used() && u.String() != last.String() {
				continue
			}
			found = true
			to <- u
			return
		}
	}
}

// forward brings a session online, and keeps it until the program ends. When
// ctx ends it gives what the session waited for.
func (t *programTunnel) forward(ctx context.Context, s *tunnel.Session, program *child.Process, found <-chan *url.URL) error {
	ctx, cancel := program.Within(ctx)
	defer cancel()
	patience := t.URLTimeout
	if t.given != nil {
		patience = t.Steady
	}
	wait := time.NewTimer(patience)
	defer wait.Stop()

	u := t.given
	select {
	case u = <-found:
	case <-wait.C:
		if u == nil {
			e := t.noURL(program, "within "+t.URLTimeout.String())
			e.Permanent = !t.opening.Over() // the pattern is wrong, or the program is
			return e
		}
	case <-ctx.Done():
		if u == nil {
			return t.noURL(program, "yet")
		}
		return ctx.Err()
	}
	t.opening.Online()
	t.last = u
	s.Online(u)
	<-ctx.Done()
	return ctx.Err()
}

func (t *programTunnel) noURL(program *child.Process, when string) *tunnel.Error {
	return &tunnel.Error{Provider: "command", Code: "nourl",
		Detail: fmt.Sprintf("the tunnel command printed no URL matching %s %s (%s)", child.Show(t.pattern.String()), when, said(program)),
		Hint:   "see --tunnel-url-pattern: its first group, or all of it, has to be an https URL"}
}

// said are the last lines of a program.
func said(program *child.Process) string {
	lines := program.Last(shownLines)
	if len(lines) == 0 {
		return "it printed nothing"
	}
	for i, line := range lines {
		lines[i] = child.Show(line)
	}
	return "last lines: " + strings.Join(lines, " | ")
}
