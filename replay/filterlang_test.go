package replay

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
)

var filterNow = time.Date(2026, 11, 23, 10, 30, 0, 0, time.FixedZone("", 3600))

func TestParseFilter(t *testing.T) {
	utc := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) }
	for text, want := range map[string]Filter{
		"":                                       {},
		" \n\t ":                                 {},
		"scope=discussion*":                      {Scopes: []payload.Scope{"discussion*"}},
		"scope=repo,discussion\n\taction=create": {Scopes: []payload.Scope{"repo", "discussion"}, Actions: []payload.Action{"create"}},
		"action!=delete":                         {Except: []Filter{{Actions: []payload.Action{"delete"}}}},
		"repo=acme/* repo!=acme/x,acme/y repo!=acme/z": {
			Repos:  []string{"acme/*"},
			Except: []Filter{{Repos: []string{"acme/x", "acme/y"}}, {Repos: []string{"acme/z"}}},
		},
		"type=bucket verdict=accepted status=5xx,404,none": {
			RepoTypes: []payload.RepoType{"bucket"}, Verdicts: []Verdict{Accepted}, Attempts: []AttemptStatus{"5xx", "404", "none"},
		},
		"ref=refs/heads/main,refs/pr/*,*/v?":   {Refs: []string{"refs/heads/main", "refs/pr/*", "*/v?"}},
		`text='two words'`:                     {Text: "two words"},
		`text=two,words`:                       {Text: "two,words"},
		`text="it's "'"here," now'`:            {Text: `it's "here," now`},
		`text='=x' text!=y`:                    {Text: "=x", Except: []Filter{{Text: "y"}}},
		`repo='a,b',"c d"e,f`:                  {Repos: []string{"a,b", "c de", "f"}},
		`text=a\b`:                             {Text: `a\b`},
		"text=a\xffb":                          {Text: "a\xffb"},
		"webhook-id=a,b webhook-id!=c":         {WebhookID: "a,b", Except: []Filter{{WebhookID: "c"}}},
		"endpoint=/webhooks/dev,/other/,dev":   {Endpoints: []string{"dev", "/other/", "dev"}},
		"endpoint=/webhooks/webhooks/x":        {Endpoints: []string{"webhooks/x"}},
		"since=2h until=30m":                   {Since: utc(23, 7, 30), Until: utc(23, 9, 0)},
		"since=7d":                             {Since: utc(16, 9, 30)},
		"since=08:15 until='2026-11-24 12:00'": {Since: utc(23, 7, 15), Until: utc(24, 11, 0)},
		"since=2026-11-20T08:00:00.5Z":         {Since: utc(20, 8, 0).Add(time.Second / 2)},
	} {
		f, err := ParseFilter(text, filterNow)
		require.NoError(t, err, text)
		assert.True(t, f.Since.Equal(want.Since), "%s: since %s", text, f.Since)
		assert.True(t, f.Until.Equal(want.Until), "%s: until %s", text, f.Until)
		want.Since, want.Until = f.Since, f.Until
		assert.Equal(t, want, f, text)
		again, err := ParseFilter(f.String(), time.Time{})
		require.NoError(t, err, "%s is told as %s", text, f)
		assert.Equal(t, f.String(), again.String())
	}
}

func TestParseFilterRefuses(t *testing.T) {
	for text, want := range map[string]FilterError{
		"discussion":                         {Word: "discussion", Reason: "it is no condition", Hint: "write key=value"},
		"scope=a and scope=b":                {Word: "and", Reason: "it is no condition"},
		"=x":                                 {Word: "=x", Reason: "it is no condition"},
		"'scope=x'":                          {Word: "'scope=x'", Reason: "it is no condition"},
		"scop=x":                             {Word: "scop=x", Key: "scop", Reason: `there is no key "scop"`, Hint: "did you mean scope? keys are since, until, endpoint, scope, action, repo, type, ref, verdict, status, text, webhook-id"},
		"actoin!=x":                          {Word: "actoin!=x", Key: "actoin", Reason: `there is no key "actoin"`, Hint: "did you mean action?"},
		"webhook=x":                          {Word: "webhook=x", Key: "webhook", Reason: `there is no key "webhook"`, Hint: "did you mean webhook-id?"},
		"Scope=x":                            {Word: "Scope=x", Key: "Scope", Reason: `there is no key "Scope"`, Hint: "did you mean scope?"},
		"colour=x":                           {Word: "colour=x", Key: "colour", Reason: `there is no key "colour"`, Hint: "keys are since"},
		"status>=500":                        {Word: "status>=500", Key: "status>", Reason: `there is no key "status>"`, Hint: "did you mean status?"},
		"scope==x":                           {Word: "scope==x", Key: "scope", Reason: "one equals sign is enough", Hint: "write scope=VALUE"},
		"scope=":                             {Word: "scope=''", Key: "scope", Reason: "a value is missing", Hint: "write scope=VALUE"},
		"scope=a,,b":                         {Word: "scope=a,'',b", Key: "scope", Reason: "a value is missing"},
		"text=''":                            {Word: "text=''", Key: "text", Reason: "a value is missing"},
		"scope=a, b":                         {Word: "scope=a,", Key: "scope", Reason: "no value follows the comma", Hint: "write values without blanks between: scope=ONE,OTHER"},
		`text="a b`:                          {Word: `text="a`, Key: "text", Reason: "a quote is not closed"},
		"scope=a scope=b":                    {Word: "scope=b", Key: "scope", Reason: "scope stands twice", Hint: "all words have to match; where any of several values will do, write scope=ONE,OTHER"},
		"text=a text=b":                      {Word: "text=b", Key: "text", Reason: "text stands twice", Hint: "write it once"},
		"since=1h since=2h":                  {Word: "since=2h", Key: "since", Reason: "since stands twice"},
		"since!=1h":                          {Word: "since!=1h", Key: "since", Reason: "since cannot be negated", Hint: "since=TIME and until=TIME are each other's opposite"},
		"since=soon":                         {Word: "since=soon", Key: "since", Reason: `"soon" is no time`, Hint: "write 90m or 2h (ago)"},
		"since=-2h":                          {Word: "since=-2h", Key: "since", Reason: `"-2h" is no time`},
		"since=999999999999d":                {Word: "since=999999999999d", Key: "since", Reason: `"999999999999d" is no time`},
		"since=0001-01-01":                   {Word: "since=0001-01-01", Key: "since", Reason: `"0001-01-01" is no time`},
		"verdict=nice":                       {Word: "verdict=nice", Key: "verdict", Reason: `there is no verdict "nice"`, Hint: "verdicts are accepted, rejected and undecodable"},
		"status!=ok,9":                       {Word: "status!=ok,9", Key: "status", Reason: `"9" is no status`, Hint: "use ok, failed, none, a number such as 404, or a class such as 5xx"},
		"status=1x1":                         {Word: "status=1x1", Key: "status", Reason: `"1x1" is no status`},
		"repo=a\xff":                         {Word: "repo='a\xff'", Key: "repo", Reason: `"a\xff" is no text`},
		"scope!=a\x00*":                      {Word: "scope!='a\x00*'", Key: "scope", Reason: `"a\x00*" is no text`},
		"ref=main":                           {Word: "ref=main", Key: "ref", Reason: `"main" is no whole ref`, Hint: "branches are refs/heads/main"},
		"text=" + strings.Repeat("x", 5000):  {Word: "text=xxxxxxxxxxx...", Reason: "the filter is longer than 4096 bytes"},
		"repo=a" + strings.Repeat(",a", 256): {Word: "repo", Key: "repo", Reason: "the filter has more than 256 values"},
		strings.Repeat("repo!=a ", 257):      {Word: "repo", Key: "repo", Reason: "the filter has more than 256 values"},
	} {
		f, err := ParseFilter(text, filterNow)
		var got *FilterError
		require.ErrorAs(t, err, &got, text)
		assert.Zero(t, f, text)
		assert.True(t, strings.HasPrefix(got.Hint, want.Hint), "%s: hint %q", text, got.Hint)
		want.Hint = got.Hint
		assert.Equal(t, want, *got, text)
		assert.Contains(t, err.Error(), got.Reason)
	}
}

// What And makes is told so that a person understands it.
func TestFilterOfSeveralIsTold(t *testing.T) {
	parse := func(text string) Filter {
		f, err := ParseFilter(text, filterNow)
		require.NoError(t, err)
		return f
	}
	both := parse("scope=repo text!=x").And(parse("scope=repo.content repo!=a/b"))
	assert.Equal(t, "scope=repo text!=x scope=repo.content repo!=a/b", both.String())
	assert.Empty(t, Filter{FromID: 3, Queued: "a", Limit: 7}.String())
}

var deliveriesToChoose = []*Delivery{
	{},
	{
		WebhookID: "a", Endpoint: "dev", Verdict: Accepted, Scope: payload.ScopeDiscussion, Action: payload.ActionCreate,
		RepoType: payload.RepoModel, Repo: "acme/x", Body: []byte(`{"discussion":{"num":7,"isPullRequest":true},"updatedRefs":[{"ref":"refs/heads/main"}]}`),
		Arrivals: []Arrival{{Time: filterNow.Add(-time.Hour)}}, Attempts: []Attempt{{Status: 200}},
	},
	{
		Endpoint: "/other/", Verdict: Rejected, Body: []byte("\xff two words"),
		Arrivals: []Arrival{{Time: filterNow.AddDate(0, 0, -3)}}, Attempts: []Attempt{{Status: 503}},
	},
}

func matches(t *testing.T, c Condition, d *Delivery) bool {
	t.Helper()
	var f Filter
	require.NoError(t, f.Add(c, filterNow), "%s", c)
	return f.Match(d)
}

// FuzzParseFilter: what is understood is told so that it is understood the same
// way, chooses what all of its words choose, and a word with != the rest.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{
		"scope=discussion* repo=acme/*,b action!=delete", `text="it's "'"x"'`, "since=2h until=7d", "since=2026-11-20T08:00:00.5+01:00",
		"endpoint=/webhooks/a,b ref=refs/heads/main,*x status=5xx,ok verdict!=rejected", "webhook-id=\xff type=x", "scope==", "repo='",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ParseFilter(text, filterNow)
		if err != nil {
			var e *FilterError
			require.ErrorAs(t, err, &e)
			require.NotEmpty(t, e.Reason)
			require.Zero(t, filter)
			return
		}
		words := filter.String()
		if len(words) > maxFilterText { // quotes take room
			return
		}
		again, err := ParseFilter(words, time.Time{})
		require.NoError(t, err, "%q is told as %q", text, words)
		require.True(t, again.Since.Equal(filter.Since) && again.Until.Equal(filter.Until), "%q is told as %q", text, words)
		again.Since, again.Until = filter.Since, filter.Until
		require.Equal(t, filter, again, "%q is told as %q", text, words)
		for _, d := range deliveriesToChoose {
			all := true
			for _, c := range filter.Conditions() {
				chosen := matches(t, c, d)
				all = all && chosen
				require.Equal(t, chosen, c.Not != slices.ContainsFunc(c.Values, func(v string) bool {
					return matches(t, Condition{Key: c.Key, Values: []string{v}}, d)
				}), "%s", c)
				if c.Key != "since" && c.Key != "until" {
					c.Not = !c.Not
					require.NotEqual(t, chosen, matches(t, c, d), "%s", c)
				}
			}
			require.Equal(t, all, filter.Match(d), "%q", text)
		}
	})
}
