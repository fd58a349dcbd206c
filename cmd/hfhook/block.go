package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// A block is what a person reads of one delivery: a headline, where to look at
// it, and the fields that matter for its scope. Every text from a delivery goes
// through payload.Printable before it is cut or coloured.

const (
	blockIndent = 10 // columns in front of everything below the headline
	maxRefs     = 8
	maxFiles    = 8
	maxComment  = 6 // lines
	maxProblems = 6
	maxAnswer   = 8 // lines
)

var blank = strings.Repeat(" ", blockIndent)

// deliveryBlock shows d as it arrived now, that is, by its last arrival.
func deliveryBlock(s *screen, d *replay.Delivery) {
	var arrival replay.Arrival
	if n := len(d.Arrivals); n > 0 {
		arrival = d.Arrivals[n-1]
	}
	id := fmt.Sprintf("#%d", d.ID)
	prefix := clock(arrival.Time) + "  " + id + "  "
	what := headline(d)
	s.line("%s  %s  %s", s.dim(clock(arrival.Time)), s.key(id), s.bold(s.cut(what, columns(prefix))))
	if mark := repeatMark(d, arrival); mark != "" {
		s.line("%s%s", blank, s.warn(s.cut(mark, blockIndent)))
	}
	if d.Verdict != replay.Accepted {
		from := ", from " + payload.Printable(arrival.RemoteAddr)
		s.line("%s%s", blank, s.bad(s.cut(verdictText(d)+from, blockIndent)))
		return
	}
	if strings.HasPrefix(d.Endpoint, "/") { // nothing under /webhooks/: perhaps entered wrong
		field{name: "path", text: []string{payload.Printable(d.Path)}}.print(s)
	}
	p, err := payload.Decode(d.Body)
	if err != nil {
		return
	}
	for _, field := range payloadFields(p) {
		field.print(s)
	}
	for _, text := range problemTexts(p) {
		s.line("%s%s", blank, s.warn(s.cut(text, blockIndent)))
	}
}

// problemTexts says what is odd about p: the fields that are not known in one
// line, everything else in one of its own.
func problemTexts(p *payload.Payload) []string {
	var unknown, texts []string
	for _, problem := range p.Problems() {
		if problem.Kind == payload.UnknownField {
			unknown = append(unknown, problem.Path)
			continue
		}
		texts = append(texts, payload.Printable(problem.String()))
	}
	if len(texts) > maxProblems {
		texts = append(texts[:maxProblems], "and more; hfhook inspect --json lists them")
	}
	if len(unknown) > 0 {
		texts = append(texts, payload.Printable(plural(len(unknown), "unknown field: ", "unknown fields: ")+strings.Join(unknown, ", ")))
	}
	return texts
}

// headline says in words what happened.
func headline(d *replay.Delivery) string {
	if d.Summary != "" {
		return payload.Printable(d.Summary)
	}
	return payload.Printable(fmt.Sprintf("%s %s, %s", d.Method, d.Path, bytesText(d.BodySize)))
}

func verdictText(d *replay.Delivery) string {
	text := string(d.Verdict)
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return payload.Printable(text)
}

func repeatMark(d *replay.Delivery, a replay.Arrival) string {
	switch a.Repeat {
	case replay.Retry:
		return fmt.Sprintf("retry: arrival %d of this delivery, since an earlier one got no 2xx", len(d.Arrivals))
	case replay.Replay:
		return fmt.Sprintf("replay: arrival %d of this delivery, sent again from the Hub", len(d.Arrivals))
	}
	return ""
}

// field is one line, or a few, of a block.
type field struct {
	name string
	text []string // clean
	link bool
	cont bool // continuation lines are quoted text
}

func (f field) print(s *screen) {
	for i, text := range f.text {
		switch {
		case f.cont:
			s.line("%s%s %s", blank, s.dim("│"), s.cut(text, blockIndent+2))
		case f.link:
			s.line("%s%s", blank, s.link(text)) // never cut: it has to work
		default:
			name := f.name
			if i > 0 {
				name = ""
			}
			s.line("%s%s %s", blank, s.dim(pad(name, 8)), s.cut(text, blockIndent+9))
		}
	}
}

// payloadFields are the fields that matter for what p is about.
func payloadFields(p *payload.Payload) []field {
	var fields []field
	add := func(name string, text ...string) {
		if len(text) == 1 && text[0] == "" {
			return // it was not sent, which is told as a problem
		}
		for i := range text {
			text[i] = payload.Printable(text[i])
		}
		fields = append(fields, field{name: name, text: text})
	}
	if link := webLink(p); link != "" {
		fields = append(fields, field{link: true, text: []string{payload.Printable(link)}})
	}
	add("event", eventText(p))
	if d := p.Discussion; d != nil {
		into := ""
		if d.Changes != nil {
			into = prefixed("into ", d.Changes.Base) + prefixed(" as ", payload.Short(d.Changes.MergeCommitID))
		}
		add("status", joined(string(d.Status), prefixed("by author ", d.Author.ID), into))
		add("title", d.Title)
	}
	if c := p.Comment; c != nil {
		add("comment", cmp.Or(prefixed("by author ", c.Author.ID), "without an author"))
		content, there := c.Content.Get()
		switch {
		case c.Hidden:
			add("", "hidden: the Hub sends no text")
		case there && content != "":
			fields = append(fields, field{cont: true, text: firstLines(content, maxComment)})
		case there:
			add("", "empty")
		}
	}
	if m := p.MovedTo; m != nil {
		text := fmt.Sprintf("%s → %s", p.Repo.Name, m.Name)
		if m.Owner.ID != p.Repo.Owner.ID {
			text += fmt.Sprintf(", new owner %s", m.Owner.ID)
		}
		add("moved", text)
	}
	if n := len(p.UpdatedRefs); n > 0 {
		var lines []string
		for _, r := range p.UpdatedRefs[:min(n, maxRefs)] {
			lines = append(lines, refText(r))
		}
		add("refs", more(lines, n-maxRefs)...)
	}
	if p.UpdatedConfig != nil {
		add("config", configText(p)...)
	}
	if n := len(p.UpdatedFiles); n > 0 {
		var lines []string
		for _, f := range p.UpdatedFiles[:min(n, maxFiles)] {
			lines = append(lines, fileText(f))
		}
		lines = more(lines, n-maxFiles)
		if p.UpdatedFilesTruncated {
			lines = append(lines, "the Hub cut this list: list the bucket for all changes")
		}
		add("files", lines...)
	}
	return fields
}

func more(lines []string, n int) []string {
	if n > 0 {
		return append(lines, fmt.Sprintf("and %d more", n))
	}
	return lines
}

func webLink(p *payload.Payload) string {
	switch {
	case p.Comment != nil && p.Comment.URL.Web != "":
		return p.Comment.URL.Web
	case p.Discussion != nil && p.Discussion.URL.Web != "":
		return p.Discussion.URL.Web
	}
	return p.Repo.URL.Web
}

func eventText(p *payload.Payload) string {
	text := strings.TrimSpace(fmt.Sprintf("%s %s", p.Event.Scope, p.Event.Action))
	treated, private := "", ""
	if e := p.Event.Effective(); e != p.Event {
		treated = fmt.Sprintf("to be treated as %s %s", e.Scope, e.Action)
	}
	if p.Repo.Private {
		private = "private"
	}
	return joined(text, treated, private)
}

// joined puts commas between what is not empty.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// prefixed is text behind a word, or empty as text is.
func prefixed(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

func refText(r payload.UpdatedRef) string {
	side := func(sha payload.Nullable[string], none string) string {
		switch value, ok := sha.Get(); {
		case ok:
			return payload.Short(value)
		case sha.IsNull():
			return none
		}
		return "unknown"
	}
	return fmt.Sprintf("%s  %s → %s", r.Ref, side(r.OldSHA, "new"), side(r.NewSHA, "deleted"))
}

func configText(p *payload.Payload) []string {
	if len(p.UpdatedConfig) == 0 {
		return []string{"something that the Hub does not name"}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(p.UpdatedConfig)) {
		if len(lines) == maxRefs {
			return more(lines, len(p.UpdatedConfig)-maxRefs)
		}
		lines = append(lines, fmt.Sprintf("%s: %s", name, p.UpdatedConfig[name]))
	}
	return lines
}

func fileText(f payload.UpdatedFile) string {
	switch f.Action {
	case payload.ActionAdd:
		return fmt.Sprintf("+ %s  %s", f.Path, bytesText(f.Size))
	case payload.ActionDelete:
		return "- " + f.Path
	}
	return fmt.Sprintf("%s %s", f.Action, f.Path)
}

// maxText is how much of a text is shown in bytes: enough for the lines of any
// terminal.
const maxText = 4000

// firstLines is the beginning of somebody's text, harmless, a line each, and how
// much more there is.
func firstLines(text string, n int) []string {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	total := strings.Count(text, "\n") + 1
	lines := strings.SplitN(text, "\n", n+1)
	if total > n {
		lines = lines[:n-1]
	}
	left := maxText
	for i, line := range lines {
		if len(line) <= left {
			lines[i] = payload.PrintableLines(line)
			left -= len(line)
			continue
		}
		for left > 0 && !utf8.RuneStart(line[left]) {
			left--
		}
		lines[i] = payload.PrintableLines(line[:left]) + "…"
		lines = lines[:i+1]
		break
	}
	if more := total - len(lines); more > 0 {
		return append(lines, fmt.Sprintf("… %d more %s", more, plural(more, "line", "lines")))
	}
	return lines
}

// lastLines is the end of a program's output, harmless, a line each.
func lastLines(text string, n int) []string {
	more := len(text) > maxText
	if more {
		text = strings.ToValidUTF8(text[len(text)-maxText:], "")
	}
	lines := strings.Split(strings.TrimRight(payload.PrintableLines(text), "\n"), "\n")
	switch {
	case len(lines) > n, len(lines) == n && more:
		return append([]string{"…"}, lines[len(lines)-n+1:]...)
	case more:
		lines[0] = "…" + lines[0]
	}
	return lines
}

// attemptLine shows what a target made of a delivery, and when it failed what
// it said.
func attemptLine(s *screen, a *replay.Attempt) { answerLines(s, attemptWord(a), a) }

// attemptHead is attemptLine without what the target said.
func attemptHead(s *screen, a *replay.Attempt) { answerHead(s, attemptWord(a), a) }

func attemptWord(a *replay.Attempt) string {
	kind := ""
	if a.Kind == replay.Replayed {
		kind = " replayed"
	}
	if a.Sent != nil {
		kind += ", edited"
	}
	return fmt.Sprintf(" #%d%s", a.DeliveryID, kind)
}

// answerLines shows an attempt, with a word for what was sent.
func answerLines(s *screen, what string, a *replay.Attempt) {
	answerHead(s, what, a)
	if !a.OK() && (len(a.Body) > 0 || coding(a) != "") {
		field{cont: true, text: saidLines(a, maxAnswer)}.print(s)
	}
}

// showSaid shows what answerLines leaves out: what the target said when all
// went well.
func showSaid(s *screen, a *replay.Attempt) {
	if a.OK() && (len(a.Body) > 0 && isText(a.Body) || coding(a) != "") {
		field{cont: true, text: saidLines(a, maxAnswer)}.print(s)
	}
}

// saidLines is what a target said, in a few lines: the first of an answer, and
// the last of a command, where errors are.
func saidLines(a *replay.Attempt, n int) []string {
	switch {
	case coding(a) != "":
		return firstLines("(compressed with "+coding(a)+"; --header Accept-Encoding: asks for an answer that can be shown)", n)
	case !isText(a.Body):
		return []string{"(" + bytesText(int64(len(a.Body))) + " that are no text)"}
	case isCommand(a.Target):
		return lastLines(string(a.Body), n)
	}
	return firstLines(string(a.Body), n)
}

// coding is how an answer is compressed that nobody here can read; empty: it is
// not.
func coding(a *replay.Attempt) string {
	coding := strings.Join(a.Header["Content-Encoding"], ", ")
	if strings.EqualFold(coding, "identity") || len(a.Body) == 0 && !a.BodyCut || len(a.Body) > 0 && isText(a.Body) {
		return ""
	}
	return coding
}

func answerHead(s *screen, what string, a *replay.Attempt) {
	mark, paint := "→", s.good
	if !a.OK() {
		mark, paint = "✗", s.bad
	}
	head := mark + what
	answer := s.cut(outcome(a), blockIndent+columns(head)+1)
	target := ""
	if before := blockIndent + columns(head+" "+answer) + 2; s.width == 0 || s.width-before > 10 {
		target = "  " + s.cut(payload.Printable(a.Target), before)
	}
	s.line("%s%s %s%s", blank, paint(head), paint(answer), target)
	if !a.OK() && a.Error != "" {
		s.line("%s  %s", blank, s.cut(payload.Printable(a.Error), blockIndent+2))
	}
}

// outcome is the answer in a few words: 200 OK in 12 ms, or exit 0 in 1.2 s.
func outcome(a *replay.Attempt) string {
	took := durationText(a.Duration)
	if a.Exit != nil && a.Failure == "" {
		return fmt.Sprintf("exit %d in %s", *a.Exit, took)
	}
	if a.Failure != "" && a.Status == 0 {
		return fmt.Sprintf("%s after %s", failureText(a.Failure), took)
	}
	text := fmt.Sprintf("%d %s in %s", a.Status, http.StatusText(a.Status), took)
	if a.Failure != "" {
		text += ", " + failureText(a.Failure)
	}
	return strings.ReplaceAll(text, "  ", " ")
}

func failureText(f replay.Failure) string {
	switch f {
	case replay.FailRefused:
		return "connection refused"
	case replay.FailDNS:
		return "unknown host"
	case replay.FailTLS:
		return "TLS failed"
	case replay.FailTimeout:
		return "no answer in time"
	case replay.FailBroken:
		return "connection broken"
	case replay.FailPanic:
		return "handler panicked"
	case replay.FailCancelled:
		return "cancelled"
	case replay.FailOther:
		return "failed"
	}
	return payload.Printable(string(f))
}

func durationText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }
