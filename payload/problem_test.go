package payload

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProblemsAreBoundedAndGraveOnesNotCrowdedOut(t *testing.T) {
	body := string(repeat(`{`, `"k%d":1`, 1_000_000, `,"updatedRefs":[`)) + string(repeat(``, `%d`, 1_000, `]}`))
	p := decode(t, body)
	problems := p.Problems()
	assert.Len(t, problems, 50+1+50+1+3)
	assert.Contains(t, problems, Problem{Kind: UnknownField, Detail: "and 999950 more"})
	assert.Contains(t, problems, Problem{Kind: WrongType, Detail: "and 950 more"})
	assert.Contains(t, problems, Problem{Path: "webhook", Kind: Missing})
	assert.Contains(t, problems, Problem{Path: "updatedRefs[49]", Kind: WrongType, Detail: "want an object, got a number"})

	invalid, ok := errors.AsType[*InvalidError](p.Validate())
	require.True(t, ok)
	assert.Len(t, invalid.Problems, 50+1+3)
	assert.Equal(t, "invalid payload: updatedRefs[0]: wrong type: want an object, got a number; updatedRefs[1]: wrong type: want an object, got a number; "+
		"updatedRefs[2]: wrong type: want an object, got a number; updatedRefs[3]: wrong type: want an object, got a number; "+
		"updatedRefs[4]: wrong type: want an object, got a number; and 49 more", invalid.Error())
}

func TestTheRestOfEveryKindIsCounted(t *testing.T) {
	for _, kind := range []ProblemKind{Missing, TooMany, "one of tomorrow"} {
		var p problems
		for range problemsPerKind + 2 {
			p.room(kind)
		}
		assert.Equal(t, []Problem{{Kind: kind, Detail: "and 2 more"}}, p.all())
	}
}

func TestProblemsQuoteStrangersHarmlesslyAndBriefly(t *testing.T) {
	evil := `\u001b]0;owned\u0007` + "\u202e\xff" + strings.Repeat("long", 10_000)
	p := decode(t, `{"`+evil+`":1,"event":{"scope":"`+evil+`"},"updatedConfig":{"`+evil+`":1,"`+evil+`":2}}`)
	assert.GreaterOrEqual(t, len(p.Problems()), 6)
	for _, problem := range p.Problems() {
		assertHarmless(t, problem.String())
		assert.Less(t, len(problem.String()), 200)
	}
}

func TestProblemsAreTheCallersOwn(t *testing.T) {
	p := decode(t, `{}`)
	p.Problems()[0].Path = "changed"
	assert.Equal(t, "event", p.Problems()[0].Path)
	assert.Nil(t, decode(t, full).Problems())
	assert.Nil(t, new(Payload).Problems())
}

func TestValidateCountsOnlyWhatTheHubPromises(t *testing.T) {
	assert.NoError(t, decode(t, full).Validate())
	odd := strings.NewReplacer(`"model"`, `"notebook"`, `"merged"`, `"locked"`, `"version": 3`, `"version": 4, "new": 1`, `"Title"`, `"\ud800"`).Replace(full)
	p := decode(t, odd)
	assert.Len(t, p.Problems(), 5)
	assert.NoError(t, p.Validate())

	err := decode(t, `{"event":{"action":"create","scope":5},"repo":null}`).Validate()
	assert.EqualError(t, err, "invalid payload: event.scope: wrong type: want a string, got a number; repo: wrong type: want an object, got null; webhook: missing")
}

func TestOlderVersionsAreNamed(t *testing.T) {
	for body, version := range map[string]int64{
		`{"add":"user/model"}`:             1,
		`{"update":"datasets/user/thing"}`: 1,
		`{"remove":"spaces/user/thing"}`:   1,
		`{"event":"update","scope":"repo","repo":{"type":"model","name":"a/b","gitalyUid":"x"},"movedTo":"a/c","webhook":{"id":"1","version":2}}`: 2,
		`{"scope":"repo.content","event":"add"}`:                 2,
		strings.Replace(full, `"version": 3`, `"version": 2`, 1): 2,
		strings.Replace(full, `"version": 3`, `"version": 0`, 1): 0,
	} {
		p := decode(t, body)
		old, ok := errors.AsType[*VersionError](p.Validate())
		require.True(t, ok, body)
		assert.Equal(t, version, old.Version, body)
		assert.Len(t, p.Problems(), 1, body)
		assert.Equal(t, OldVersion, p.Problems()[0].Kind)
	}
	assert.EqualError(t, decode(t, `{"add":"user/model"}`).Validate(), "payload of webhook version 1, where 3 is due")
}

func TestOtherOddBodiesAreNotTakenForOldOnes(t *testing.T) {
	for _, body := range []string{`{}`, `{"add":1}`, `{"add":"a/b","x":1}`, `{"event":"update"}`, `{"event":"update","scope":1}`, `{"scope":"repo"}`, `{"event":{"scope":"repo"},"scope":"repo"}`} {
		p := decode(t, body)
		_, old := errors.AsType[*VersionError](p.Validate())
		assert.False(t, old, body)
		_, invalid := errors.AsType[*InvalidError](p.Validate())
		assert.True(t, invalid, body)
	}
}
