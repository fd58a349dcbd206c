package replay

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/payload"
)

func TestFilterMatch(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	d := &Delivery{
		ID: 17, WebhookID: "wh-1", Body: []byte(`{"title":"Update CO2 emissions"}`),
		Endpoint: "dev", Verdict: Accepted,
		Scope: "repo.config.dois", Action: payload.ActionUpdate, RepoType: payload.RepoModel, Repo: "Owner/Name",
		Arrivals: []Arrival{{Time: at}, {Time: at.Add(time.Hour)}},
		Attempts: []Attempt{{Status: 200}, {Status: 404}},
		Queued:   []string{"a"},
	}
	pushed := *d
	pushed.Body = []byte(`{"updatedRefs":[{"ref":"refs/heads/main"},{"ref":"refs/tags/v1"}],"discussion":{"num":19,"isPullRequest":true}}`)
	knocked := pushed
	knocked.Verdict = Rejected
	attempts := func(a ...Attempt) *Delivery {
		copied := *d
		copied.Attempts = a
		return &copied
	}
	for name, c := range map[string]struct {
		f    Filter
		d    *Delivery
		want bool
	}{
		"zero chooses all":               {Filter{}, d, true},
		"zero chooses an empty delivery": {Filter{}, &Delivery{}, true},
		"limits are not looked at":       {Filter{Limit: 1, Newest: true}, d, true},
		"from is inclusive":              {Filter{FromID: 17}, d, true},
		"from":                           {Filter{FromID: 18}, d, false},
		"to is inclusive":                {Filter{ToID: 17}, d, true},
		"to":                             {Filter{ToID: 16}, d, false},
		"webhook id":                     {Filter{WebhookID: "wh-1"}, d, true},
		"webhook id is exact":            {Filter{WebhookID: "WH-1"}, d, false},
		"since is inclusive":             {Filter{Since: at}, d, true},
		"since is the first arrival":     {Filter{Since: at.Add(time.Minute)}, d, false},
		"until is exclusive":             {Filter{Until: at}, d, false},
		"until":                          {Filter{Until: at.Add(1)}, d, true},
		"endpoint":                       {Filter{Endpoints: []string{"x", "dev"}}, d, true},
		"other endpoint":                 {Filter{Endpoints: []string{"x"}}, d, false},
		"scope with its narrower ones":   {Filter{Scopes: []payload.Scope{"repo.config"}}, d, true},
		"scope is no text prefix":        {Filter{Scopes: []payload.Scope{"repo.con"}}, d, false},
		"action":                         {Filter{Actions: []payload.Action{payload.ActionDelete}}, d, false},
		"repo ignores case":              {Filter{Repos: []string{"owner/NAME"}}, d, true},
		"repo glob":                      {Filter{Repos: []string{"nobody/*", "own*"}}, d, true},
		"repo is whole":                  {Filter{Repos: []string{"owner"}}, d, false},
		"repo type":                      {Filter{RepoTypes: []payload.RepoType{payload.RepoSpace}}, d, false},
		"verdict":                        {Filter{Verdicts: []Verdict{Rejected, Undecodable}}, d, false},
		"queued":                         {Filter{Queued: "a"}, d, true},
		"queued elsewhere":               {Filter{Queued: "b"}, d, false},
		"text ignores case":              {Filter{Text: "co2 EMISSIONS"}, d, true},
		"text":                           {Filter{Text: "co3"}, d, false},
		"scope glob":                     {Filter{Scopes: []payload.Scope{"repo.c*"}}, d, true},
		"scope glob with narrower ones":  {Filter{Scopes: []payload.Scope{"*.config"}}, d, true},
		"scope glob minds the case":      {Filter{Scopes: []payload.Scope{"Repo*"}}, d, false},
		"scope glob is whole":            {Filter{Scopes: []payload.Scope{"?epo.con"}}, d, false},
		"ref":                            {Filter{Refs: []string{"refs/heads/main"}}, &pushed, true},
		"ref glob":                       {Filter{Refs: []string{"refs/x", "refs/tags/*"}}, &pushed, true},
		"ref of the pull request":        {Filter{Refs: []string{"refs/pr/19"}}, &pushed, true},
		"another ref":                    {Filter{Refs: []string{"refs/heads/mai", "refs/pr/1"}}, &pushed, false},
		"ref minds the case":             {Filter{Refs: []string{"refs/heads/MAIN"}}, &pushed, false},
		"no refs in the body":            {Filter{Refs: []string{"*"}}, d, false},
		"what was not let in has none":   {Filter{Refs: []string{"*"}}, &knocked, false},
		"except":                         {Filter{Except: []Filter{{Actions: []payload.Action{"delete"}}}}, d, true},
		"except what it is":              {Filter{Except: []Filter{{Actions: []payload.Action{"delete"}}, {ToID: 17}}}, d, false},
		"except everything":              {Filter{Except: []Filter{{}}}, d, false},
		"except needs all of one":        {Filter{Except: []Filter{{Text: "co2", ToID: 16}}}, d, true},
		"all have to match":              {Filter{Text: "co2", ToID: 16}, d, false},
		"last attempt failed":            {Filter{Attempts: []AttemptStatus{"failed"}}, d, true},
		"last attempt, not the first":    {Filter{Attempts: []AttemptStatus{"ok", "none", "200", "2xx"}}, d, false},
		"class":                          {Filter{Attempts: []AttemptStatus{"4xx"}}, d, true},
		"status":                         {Filter{Attempts: []AttemptStatus{"404"}}, d, true},
		"no class":                       {Filter{Attempts: []AttemptStatus{"xx", "4x", ""}}, d, false},
		"none":                           {Filter{Attempts: []AttemptStatus{"none"}}, attempts(), true},
		"none is not failed":             {Filter{Attempts: []AttemptStatus{"ok", "failed", "0"}}, attempts(), false},
		"no answer":                      {Filter{Attempts: []AttemptStatus{"failed"}}, attempts(Attempt{Failure: FailTimeout}), true},
		"no answer has no status":        {Filter{Attempts: []AttemptStatus{"0", "0xx"}}, attempts(Attempt{Failure: FailTimeout}), false},
		"broken 2xx is not ok":           {Filter{Attempts: []AttemptStatus{"ok"}}, attempts(Attempt{Status: 200, Failure: FailBroken}), false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, c.f.Match(c.d)) })
	}
}

func TestAnd(t *testing.T) {
	both := func(f, g Filter) func(id int64) bool {
		and := f.And(g)
		return func(id int64) bool { return and.Match(&Delivery{ID: id}) }
	}
	f := both(Filter{FromID: 3}, Filter{FromID: 5, ToID: 7})
	assert.Equal(t, []bool{false, false, true, true, false}, []bool{f(3), f(4), f(5), f(7), f(8)})
	f = both(Filter{ToID: 4, Except: []Filter{{ToID: 2}}}, Filter{Except: []Filter{{FromID: 4}}})
	assert.Equal(t, []bool{false, true, false}, []bool{f(2), f(3), f(4)})
	assert.Equal(t, Filter{ToID: 4, Limit: 2}, Filter{Limit: 2}.And(Filter{ToID: 4, Limit: 9, Newest: true}), "nothing else, and limits of its own")
	assert.Equal(t, Filter{ToID: 4}, Filter{ToID: 4}.And(Filter{}))

	one := Filter{Actions: []payload.Action{"create"}, Except: make([]Filter, 0, 8)}
	one.And(Filter{ToID: 1})
	assert.Empty(t, one.Except[:1][0].Except, "another may share it")
}

func TestGlobCharacters(t *testing.T) {
	assert.True(t, matchGlob("a?c", "aéc", lower), "a character, not a byte")
	assert.False(t, matchGlob("a?c", "ac", lower))
	assert.True(t, matchGlob("*é?", "ééx", lower))
	assert.False(t, matchGlob("É", "é", lower), "only ASCII letters have a case here")
	assert.True(t, matchGlob("a[b]", "A[b]", lower), "brackets are plain characters")
	assert.False(t, matchGlob("a*", "A", exact))
	assert.True(t, matchGlob("*B?", "aBc", exact))
}

func FuzzGlobIsRegexp(f *testing.F) {
	for _, seed := range [][2]string{{"*a*b?", "xaybz"}, {"", ""}, {"**", "é"}, {"a*a*a", "aaaa"}, {"?*?", "ab"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, glob, s string) {
		if len(glob) > 30 || len(s) > 100 {
			return
		}
		// Beyond ASCII, the reference has other ideas about case.
		ascii := func(r rune) rune {
			if r > 126 || r < ' ' {
				return '.'
			}
			return r
		}
		glob, s = strings.Map(ascii, glob), strings.Map(ascii, s)
		pattern := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(glob))
		want := regexp.MustCompile(`^(?is:` + pattern + `)$`).MatchString(s)
		assert.Equal(t, want, matchGlob(glob, s, lower), "%q against %q", glob, s)
	})
}
