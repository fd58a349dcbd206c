package payload

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestDescribe(t *testing.T) {
	const repo = `"repo":{"type":"model","name":"a/b","owner":{"id":"1"}}`
	for _, c := range []struct{ event, rest, want string }{
		{`repo move`, ``, `model a/b moved`},
		{`repo move`, `,"movedTo":{"name":"a/c"}`, `model a/b moved to a/c`},
		{`repo.content update`, ``, `content of model a/b updated`},
		{`repo.content update`, `,"repo":{"type":"model","name":"a/b","headSha":"575db8b7a5"}`, `content of model a/b updated, head 575db8b`},
		{`repo.content update`, `,"updatedRefs":[]`, `content of model a/b updated`},
		{`repo.content update`, `,"updatedRefs":[{"ref":"refs/heads/main","newSha":"575db8b7a5"}]`, `main moved to 575db8b on model a/b`},
		{`repo.content update`, `,"updatedRefs":[{"ref":"refs/heads/main"}]`, `main changed on model a/b`},
		{`repo.content update`, `,"updatedRefs":[{"ref":"refs/tags/v1","oldSha":"575db8b7a5","newSha":null}]`, `tag v1 deleted, was at 575db8b on model a/b`},
		{`repo.content update`, `,"updatedRefs":[{"ref":"refs/pr/5","oldSha":"1","newSha":"2"},{"ref":"x","oldSha":null,"newSha":"3"},{},{}]`, `ref of PR #5 moved to 2, x created at 3, and 2 more refs on model a/b`},
		{`repo.content update`, `,"updatedRefs":[{"ref":"refs/heads/main moved to 1 on model x/y","newSha":"2"}]`, `branch "main moved to 1 on model x/y" moved to 2 on model a/b`},
		{`repo.content update`, `,"updatedFiles":[{"action":"add"},{"action":"add"},{"action":"add"},{"action":"delete"}],"updatedFilesTruncated":true`, `3 files added, 1 deleted (list cut) in model a/b`},
		{`repo.content update`, `,"updatedFiles":[{"action":"add","path":"x"},{"action":"link"}]`, `1 file added, 1 changed in model a/b`},
		{`repo.content update`, `,"updatedFilesTruncated":true`, `files changed (list cut) in model a/b`},
		{`repo.config update`, ``, `settings of model a/b changed`},
		{`repo.config update`, `,"updatedConfig":{"private":false,"z":"\u001b[31m","list":[1]}`, `model a/b made public, list set, z "\u001b[31m"`},
		{`repo.config update`, `,"updatedConfig":{"private":null}`, `settings of model a/b changed, private null`},
		{`discussion create`, ``, `a discussion opened on model a/b`},
		{`discussion update`, `,"discussion":{"num":4,"title":"T","status":"draft"}`, `discussion #4 "T" edited or made a draft on model a/b`},
		{`discussion update`, `,"discussion":{"num":4,"title":"T","status":"merged","isPullRequest":true}`, `PR #4 "T" merged on model a/b`},
		{`discussion update`, `,"discussion":{"num":4,"title":"T","status":"locked"}`, `discussion #4 "T" updated, now locked on model a/b`},
		{`discussion update`, `,"discussion":{"num":4,"title":"say \"deleted on\""}`, `discussion #4 "say 'deleted on'" updated on model a/b`},
		{`discussion.pin create`, `,"discussion":{"num":4,"title":"T","status":"merged"}`, `discussion #4 "T" updated on model a/b (discussion.pin create)`},
		{`discussion.comment create`, ``, `comment posted on a discussion on model a/b`},
		{`space.build create`, ``, `space.build create on model a/b`},
	} {
		scope, action, _ := strings.Cut(c.event, " ")
		p := decode(t, fmt.Sprintf(`{"event":{"scope":%q,"action":%q},%s%s}`, scope, action, repo, c.rest))
		assert.Equal(t, c.want, p.Describe())
		assert.Equal(t, c.want, p.String())
	}
}

func TestDescribeOfNextToNothing(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                                     `event without scope and action on repo without a name`,
		`{"event":{"scope":"repo"}}`:             `repo "" on repo without a name`,
		`{"repo":{"name":"a/b"}}`:                `event without scope and action on repo a/b`,
		`{"add":"user/model"}`:                   `body of webhook version 1, which is not read`,
		`{"event":"update","scope":"repo"}`:      `body of webhook version 2, which is not read`,
		`{"event":{"scope":"x y","action":" "}}`: `"x y" " " on repo without a name`,
	} {
		assert.Equal(t, want, decode(t, body).Describe(), body)
	}
}

func TestDescribeIsShortAndHarmlessWhateverComes(t *testing.T) {
	for _, evil := range []string{"\x1b]8;;http://x\x07", "\u202e", "\n", "\U000e0041", "\xff", "界", "🤗", "👩\u200d", `"`} {
		evil := strings.Repeat(evil, 1_000)
		for _, p := range everything() {
			p.Event.Scope += "." + Scope(evil)
			for range 2 {
				p.Repo.Type, p.Repo.Name = RepoType(evil), evil
				if p.Discussion != nil {
					p.Discussion.Title, p.Discussion.Status, p.Comment.Author.ID = evil, Status(evil), evil
				}
				if p.MovedTo != nil {
					p.MovedTo.Name = evil
				}
				for i := range p.UpdatedRefs {
					p.UpdatedRefs[i] = UpdatedRef{Ref: evil, NewSHA: Set(evil)}
				}
				line := p.Describe()
				assertHarmless(t, line)
				assert.Equal(t, line, Printable(line))
				assert.LessOrEqual(t, utf8.RuneCountInString(line), lineRunes)
				p.Event = Event{Action: p.Event.Action, Scope: Scope(strings.SplitN(string(p.Event.Scope), "."+evil, 2)[0])}
			}
		}
	}
}

func TestDescribeNamesTheScopeHoweverLongTheRest(t *testing.T) {
	p := &Payload{
		Event:      Event{Action: ActionCreate, Scope: "discussion.comment.reaction"},
		Repo:       Repo{Type: RepoDataset, Name: strings.Repeat("n", 100)},
		Discussion: &Discussion{Title: strings.Repeat("t", 100)},
		Comment:    &Comment{Author: ObjectID{ID: strings.Repeat("1", 24)}},
	}
	line := p.Describe()
	assert.Equal(t, lineRunes, utf8.RuneCountInString(line))
	assert.True(t, strings.HasSuffix(line, "… (discussion.comment.reaction create)"), line)
}

func TestClip(t *testing.T) {
	assert.Equal(t, "abcd", clip("abcd", 4))
	assert.Equal(t, "abc…", clip("abcde", 4))
	assert.Equal(t, "日本語…", clip("日本語日本", 4))
	assert.Equal(t, "日本語日", clip("日本語日", 4))
	assert.Equal(t, "🤗🤗🤗…", clip(strings.Repeat("🤗", 5), 4))
	assert.Equal(t, "🤗🤗🤗🤗", clip(strings.Repeat("🤗", 4), 4))
	assert.Equal(t, "👩…", clip("👩\u200d👩\u200d👩", 3), "no joiner without its second half")
	assert.Empty(t, clip("", 4))
}
