package payload

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestByAuthor(t *testing.T) {
	bot := ByAuthor("bot", "helper")
	for _, c := range []struct {
		scope               Scope
		discussion, comment string
		want                bool
	}{
		{"discussion.comment", "human", "bot", true},
		{"discussion.comment", "human", "helper", true},
		{"discussion.comment", "bot", "human", false}, // a human answers the bot
		{"discussion.comment.reaction", "human", "bot", true},
		{"discussion", "bot", "bot", true},
		{"discussion", "human", "human", false},
		{"repo.content", "bot", "bot", false},
	} {
		p := &Payload{
			Event:      Event{Scope: c.scope},
			Discussion: &Discussion{Author: ObjectID{ID: c.discussion}},
			Comment:    &Comment{Author: ObjectID{ID: c.comment}},
		}
		assert.Equal(t, c.want, bot(p), "%+v", c)
		p.Discussion, p.Comment = nil, nil
		assert.False(t, bot(p), "%+v", c)
		assert.False(t, ByAuthor()(p))
	}
}

func TestOnlyRefs(t *testing.T) {
	holds := OnlyRefs("refs/convert/", "refs/pr/")
	for _, c := range []struct {
		refs []string
		want bool
	}{
		{nil, false},
		{[]string{"refs/convert/parquet"}, true},
		{[]string{"refs/convert/parquet", "refs/pr/3"}, true},
		{[]string{"refs/convert/parquet", "refs/heads/main"}, false},
		{[]string{"refs/heads/refs/pr/3"}, false},
	} {
		p := &Payload{}
		for _, ref := range c.refs {
			p.UpdatedRefs = append(p.UpdatedRefs, UpdatedRef{Ref: ref})
		}
		assert.Equal(t, c.want, holds(p), "%v", c.refs)
		assert.False(t, OnlyRefs()(p))
	}
}

func TestEmptyConfig(t *testing.T) {
	for body, want := range map[string]bool{
		`{"event":{"scope":"repo.config"},"updatedConfig":{}}`:                true,
		`{"event":{"scope":"repo.config"}}`:                                   true,
		`{"event":{"scope":"repo.config.dois"},"updatedConfig":null}`:         true,
		`{"event":{"scope":"repo.config"},"updatedConfig":{"private":false}}`: false,
		`{"event":{"scope":"repo.content"}}`:                                  false,
	} {
		assert.Equal(t, want, EmptyConfig(decode(t, body)), body)
	}
}

func TestConfigBoolTellsFalseFromAbsentAndNull(t *testing.T) {
	p := decode(t, `{"updatedConfig":{"yes": true ,"no":false,"none":null,"odd":"true","num":1}}`)
	assert.Equal(t, Set(true), p.ConfigBool("yes"))
	assert.Equal(t, Set(false), p.ConfigBool("no"))
	assert.Equal(t, Null[bool](), p.ConfigBool("none"))
	for _, key := range []string{"odd", "num", "absent"} {
		assert.True(t, p.ConfigBool(key).IsZero(), key)
	}
	assert.True(t, new(Payload).ConfigBool("private").IsZero())
}
