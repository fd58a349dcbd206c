package payload

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of a stranger's text one line shows, in runes.
const (
	lineRunes  = 200
	titleRunes = 60
	nameRunes  = 60
	wordRunes  = 40
)

// Describe tells in one line of at most 200 characters what happened, as in
//
//	PR #19 "Update co2 emissions" opened on model openai-community/gpt2
//
// The line is [Printable], whatever the payload contains. Its wording may
// change; programs read the fields. An update of a discussion does not tell
// what changed, so the line goes by its present status. The line goes by
// [Event.Effective] too; where this differs from the event as it was sent, the
// latter stands at the end in parentheses.
func (p *Payload) Describe() string {
	if p.oldVersion != 0 && p.Event == (Event{}) {
		return "body of webhook version " + strconv.FormatInt(p.oldVersion, 10) + ", which is not read"
	}
	e := p.Event.Effective()
	if e == p.Event {
		return cut(p.sentence(e), lineRunes)
	}
	sent := " (" + word(string(p.Event.Scope)) + " " + word(string(p.Event.Action)) + ")"
	return cut(p.sentence(e), lineRunes-utf8.RuneCountInString(sent)) + sent
}

// String is Describe.
func (p *Payload) String() string { return p.Describe() }

// sentence says what happened, where e is the effective event. Only documented
// pairs have a sentence of their own: what "archive" on "repo.content" means
// is anybody's guess.
func (p *Payload) sentence(e Event) string {
	narrower := e != p.Event
	switch {
	case e == (Event{}):
		return "event without scope and action on " + p.where()
	case !e.Known() && e.Scope.Within(ScopeDiscussion):
		return word(string(e.Scope)) + " " + word(string(e.Action)) + " on " + p.subject() + " on " + p.where()
	case !e.Known():
		return word(string(e.Scope)) + " " + word(string(e.Action)) + " on " + p.where()
	}
	switch e.Scope {
	case ScopeRepo:
		return p.repoLine(e.Action)
	case ScopeRepoContent:
		return p.contentLine()
	case ScopeRepoConfig:
		return p.configLine()
	case ScopeDiscussion:
		return p.subject() + " " + p.discussionVerb(e.Action, narrower) + " on " + p.where()
	default:
		return p.commentBy() + " " + p.commentVerb(e.Action, narrower) + " on " + p.subject() + " on " + p.where()
	}
}

// where names the repo, as in "model owner/name".
func (p *Payload) where() string {
	kind := "repo"
	if p.Repo.Type != "" {
		kind = word(string(p.Repo.Type))
	}
	if p.Repo.Name == "" {
		return kind + " without a name"
	}
	return kind + " " + name(p.Repo.Name)
}

func (p *Payload) repoLine(action Action) string {
	switch action {
	case ActionCreate:
		if p.Repo.Private {
			return p.where() + " created, private"
		}
		return p.where() + " created"
	case ActionDelete:
		return p.where() + " deleted"
	case ActionMove:
		return p.where() + " " + p.moveVerb()
	}
	return p.where() + " updated"
}

func (p *Payload) moveVerb() string {
	if p.MovedTo == nil {
		return "moved"
	}
	before, after := p.Repo.Owner.ID, p.MovedTo.Owner.ID
	verb := "renamed"
	switch {
	case before == "" || after == "":
		verb = "moved"
	case before != after:
		verb = "transferred"
	}
	return verb + " to " + name(p.MovedTo.Name)
}

func (p *Payload) contentLine() string {
	switch {
	case p.UpdatedFiles != nil || p.UpdatedFilesTruncated:
		return p.filesLine() + " in " + p.where()
	case len(p.UpdatedRefs) > 0:
		return refsLine(p.UpdatedRefs) + " on " + p.where()
	case p.Repo.HeadSHA != "":
		return "content of " + p.where() + " updated, head " + sha(p.Repo.HeadSHA)
	}
	return "content of " + p.where() + " updated"
}

func (p *Payload) filesLine() string {
	var added, deleted int
	for _, f := range p.UpdatedFiles {
		switch f.Action {
		case ActionAdd:
			added++
		case ActionDelete:
			deleted++
		}
	}
	changed := len(p.UpdatedFiles) - added - deleted
	var parts []string
	for _, part := range []struct {
		n    int
		verb string
	}{{added, "added"}, {deleted, "deleted"}, {changed, "changed"}} {
		switch {
		case part.n == 0:
		case len(parts) > 0:
			parts = append(parts, strconv.Itoa(part.n)+" "+part.verb)
		case len(p.UpdatedFiles) == 1:
			parts = append(parts, "file "+name(p.UpdatedFiles[0].Path)+" "+part.verb)
		default:
			parts = append(parts, count(part.n, "file")+" "+part.verb)
		}
	}
	if parts == nil {
		parts = []string{"files changed"}
	}
	line := strings.Join(parts, ", ")
	if p.UpdatedFilesTruncated {
		line += " (list cut)"
	}
	return line
}

func refsLine(refs []UpdatedRef) string {
	const shown = 2
	var parts []string
	for _, ref := range refs[:min(len(refs), shown)] {
		parts = append(parts, refLine(ref))
	}
	if more := len(refs) - shown; more > 0 {
		parts = append(parts, "and "+count(more, "more ref"))
	}
	return strings.Join(parts, ", ")
}

func refLine(r UpdatedRef) string {
	subject := name(r.Ref)
	if branch, ok := r.Branch(); ok {
		subject = "branch " + name(branch)
		if branch == "main" {
			subject = branch
		}
	} else if tag, ok := r.Tag(); ok {
		subject = "tag " + name(tag)
	} else if num, ok := r.PullRequest(); ok {
		subject = "ref of PR #" + strconv.FormatInt(num, 10)
	}
	before, after := sha(r.OldSHA.Value()), sha(r.NewSHA.Value())
	switch {
	case r.Created():
		return subject + " created at " + after
	case r.Deleted():
		return subject + " deleted, was at " + before
	case after == "":
		return subject + " changed"
	}
	return subject + " moved to " + after
}

func (p *Payload) configLine() string {
	var parts []string
	private, ok := p.ConfigBool("private").Get()
	switch {
	case ok && private:
		parts = append(parts, p.where()+" made private")
	case ok:
		parts = append(parts, p.where()+" made public")
	default:
		parts = append(parts, "settings of "+p.where()+" changed")
	}
	var keys []string
	if len(p.UpdatedConfig) <= 100 { // a list of more says nothing to anybody
		keys = slices.Sorted(maps.Keys(p.UpdatedConfig))
	}
	for _, key := range keys {
		if key != "private" || !ok {
			parts = append(parts, name(key)+" "+setting(p.UpdatedConfig[key]))
		}
	}
	return strings.Join(parts, ", ")
}

// setting shows a value in a few characters.
func setting(raw json.RawMessage) string {
	if len(raw) > wordRunes || len(raw) == 0 || raw[0] == '{' || raw[0] == '[' {
		return "set"
	}
	return clip(string(raw), wordRunes)
}

// subject names the discussion, as in `PR #19 "Update co2 emissions"`.
func (p *Payload) subject() string {
	d := p.Discussion
	if d == nil {
		return "a discussion"
	}
	kind := "discussion"
	if d.IsPullRequest {
		kind = "PR"
	}
	return kind + " #" + strconv.FormatInt(d.Num, 10) + " " + quoted(d.Title, titleRunes)
}

// discussionVerb goes by the present status, unless the event is about
// something narrower, to which the status says nothing.
func (p *Payload) discussionVerb(action Action, narrower bool) string {
	var status Status
	if p.Discussion != nil {
		status = p.Discussion.Status
	}
	switch {
	case narrower:
		return "updated"
	case action == ActionDelete:
		return "deleted"
	case action == ActionCreate && status == StatusDraft:
		return "opened as a draft"
	case action == ActionCreate:
		return "opened"
	}
	switch status {
	case StatusMerged:
		return "merged" + p.into()
	case StatusClosed:
		return "closed"
	case StatusOpen:
		return "edited or reopened"
	case StatusDraft:
		return "edited or made a draft"
	case "":
		return "updated"
	}
	return "updated, now " + word(string(status))
}

// into names the branch that a pull request was merged into, if it is told.
func (p *Payload) into() string {
	c := p.Discussion.Changes
	if c == nil || c.Base == "" {
		return ""
	}
	return " into " + name(strings.TrimPrefix(c.Base, "refs/heads/"))
}

func (p *Payload) commentBy() string {
	if p.Comment == nil || p.Comment.Author.ID == "" {
		return "comment"
	}
	return "comment by " + word(p.Comment.Author.ID)
}

func (p *Payload) commentVerb(action Action, narrower bool) string {
	switch {
	case narrower:
		return "updated"
	case action == ActionCreate:
		return "posted"
	case p.Comment != nil && p.Comment.Hidden:
		return "hidden"
	}
	return "edited"
}

// count gives a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// name shows the name of a thing. Hub names have no blanks; one that has is
// quoted, so that it cannot pose as part of the sentence.
func name(s string) string { return bare(s, nameRunes) }

// word shows one of an open set of words.
func word(s string) string { return bare(s, wordRunes) }

// sha shows the first digits of a commit's sha, nothing where there is none.
func sha(s string) string {
	if s == "" {
		return ""
	}
	return word(Short(s))
}

func bare(s string, runes int) string {
	s = clip(s, runes)
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"()`, r) }) {
		return enquote(s)
	}
	return s
}

// quoted shows a text between quotes, of which it has none itself.
func quoted(s string, runes int) string { return enquote(clip(s, runes)) }

func enquote(s string) string { return `"` + strings.ReplaceAll(s, `"`, "'") + `"` }

// clip makes s printable and cuts it to a number of runes.
func clip(s string, runes int) string {
	if most := runes * utf8.UTFMax; len(s) > most {
		s = s[:most] + "…"
	}
	return cut(Printable(s), runes)
}

// cut cuts s to a number of runes, and shows that it did. A joiner of emoji
// that has lost its second half goes too.
func cut(s string, runes int) string {
	if len(s) <= runes {
		return s
	}
	for i := range s {
		if runes--; runes == 0 {
			if _, size := utf8.DecodeRuneInString(s[i:]); i+size < len(s) {
				return strings.TrimRight(s[:i], "\u200d") + "…"
			}
			return s
		}
	}
	return s
}
