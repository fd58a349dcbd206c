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

func TestGlobCharacters(t *testing.T) {
	assert.True(t, matchGlob("a?c", "aéc"), "a character, not a byte")
	assert.False(t, matchGlob("a?c", "ac"))
	assert.True(t, matchGlob("*é?", "ééx"))
	assert.False(t, matchGlob("É", "é"), "only ASCII letters have a case here")
	assert.True(t, matchGlob("a[b]", "A[b]"), "brackets are plain characters")
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
		assert.Equal(t, want, matchGlob(glob, s), "%q against %q", glob, s)
	})
}
