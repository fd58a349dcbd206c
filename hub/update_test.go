package hub_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
)

// update makes a change to a webhook that is shown as JSON, and gives what was
// sent; empty when nothing was.
func update(t *testing.T, shown string, ch hub.Change, options ...func(*hub.Options)) (sent string, err error) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			b, _ := io.ReadAll(r.Body)
			sent = string(b)
		}
		answer(200, shown)(w, r)
	}, options...)
	_, err = c.Update(limited(t), id, ch)
	return sent, err
}

func TestUpdateFixture(t *testing.T) {
	sent, err := update(t, fixture(t, "get.response.json"), hub.Change{
		URL: "https://new.webhook.site/a2176e82-5720-43ee-9e06-f91cb4c91548", Domains: []hub.Domain{hub.DomainRepo}, Secret: hub.KeepSecret,
	})
	require.NoError(t, err)
	assert.JSONEq(t, fixture(t, "update.request.json"), sent)
}

func TestUpdateKeepsWhatIsNotNamed(t *testing.T) {
	const watched = `"watched":[{"type":"org","name":"acme"}]`
	const rest = watched + `,"domains":["repo","discussion"]`
	const shown = `{"webhook":{"id":"x","url":"https://old.example/","disabled":"suspended-after-failure","lastTriggerAt":"2026-09-01T12:34:56.000Z","hasSecret":false,` +
		`"watched":[{"type":"org","name":"acme","avatarUrl":"/a.svg"}],"domains":["repo","discussions"]`
	for name, c := range map[string]struct {
		shown  string
		change hub.Change
		sent   string
	}{
		"nothing": {shown + `}}`, hub.Change{}, `{"url":"https://old.example/",` + rest + `}`},
		"URL":     {shown + `}}`, hub.Change{URL: "https://new.example/"}, `{"url":"https://new.example/",` + rest + `}`},
		"domains": {shown + `}}`, hub.Change{Domains: []hub.Domain{"discussions", hub.DomainDiscussion}}, `{"url":"https://old.example/",` + watched + `,"domains":["discussion"]}`},
		"watched": {shown + `}}`, hub.Change{Watched: []hub.Watched{{Type: hub.Bucket, Name: "acme/b"}, {Type: "new", Name: "x"}}},
			`{"url":"https://old.example/","watched":[{"type":"bucket","name":"acme/b"},{"type":"new","name":"x"}],"domains":["repo","discussion"]}`},
		"unknown keys": {shown + `,"priority":{"a":[1,2.50]},"note":null}}`, hub.Change{URL: "https://new.example/"},
			`{"url":"https://new.example/","priority":{"a":[1,2.50]},"note":null,` + rest + `}`},
		"unknown keys of what is watched": {
			`{"id":"x","url":"https://old.example/","domains":["repo"],"watched":[{"type":"org","name":"acme","depth":2,"avatarUrl":"a"},{"type":"user","name":"acme","depth":3}]}`,
			hub.Change{Watched: []hub.Watched{{Type: hub.User, Name: "ada"}, {Type: hub.User, Name: "acme"}}},
			`{"url":"https://old.example/","domains":["repo"],"watched":[{"type":"user","name":"ada"},{"type":"user","name":"acme","depth":3}]}`},
		"and none are named": {
			`{"id":"x","url":"https://old.example/","domains":["repo"],"watched":[{"type":"org","name":"acme","depth":2,"avatarUrl":"a"}]}`, hub.Change{},
			`{"url":"https://old.example/","domains":["repo"],"watched":[{"type":"org","name":"acme","depth":2}]}`},
		"a job by its source": {`{"id":"x","jobSourceId":"j1","job":{"flavor":"f","secrets":["A"]},` + rest + `}`, hub.Change{Domains: []hub.Domain{hub.DomainRepo}},
			`{"jobSourceId":"j1",` + watched + `,"domains":["repo"]}`},
		"a URL for a job": {`{"id":"x","jobSourceId":"j1","job":{"flavor":"f"},` + rest + `}`, hub.Change{URL: "https://new.example/"},
			`{"url":"https://new.example/",` + rest + `}`},
		"a job for a URL":    {shown + `}}`, hub.Change{Job: &hub.Job{Flavor: "f", SpaceID: "a/b"}}, `{"job":{"flavor":"f","spaceId":"a/b"},` + rest + `}`},
		"another job":        {`{"id":"x","job":{"flavor":"f"},` + rest + `}`, hub.Change{JobSourceID: "j2"}, `{"jobSourceId":"j2",` + rest + `}`},
		"a key that is null": {`{"id":"x","url":"https://old.example/","job":null,"jobSourceId":null,` + rest + `}`, hub.Change{}, `{"url":"https://old.example/",` + rest + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			c.change.Secret = hub.KeepSecret
			sent, err := update(t, c.shown, c.change)
			require.NoError(t, err)
			assert.JSONEq(t, c.sent, sent)
		})
	}
}

func TestUpdateOfTheSecret(t *testing.T) {
	shown := func(secret string) string {
		return `{"id":"x","url":"https://old.example/","watched":[{"type":"org","name":"acme"}],"domains":["repo"]` + secret + `}`
	}
	own := errors.New("own rule")
	for name, c := range map[string]struct {
		shown string
		rule  hub.SecretRule
		sent  string // of the secret; "none": without
		err   error
		warns bool
	}{
		"set one":                {`,"secret":"old"`, hub.SetSecret("new"), `"new"`, nil, false},
		"set where it is hidden": {`,"hasSecret":true`, hub.SetSecret("new"), `"new"`, nil, false},
		"take it away":           {`,"hasSecret":true`, hub.SetSecret(""), `""`, nil, false},
		"keep what is shown":     {`,"secret":"old"`, hub.KeepSecret, `"old"`, nil, false},
		"keep, shown and told":   {`,"secret":"old","hasSecret":true`, hub.KeepSecret, `"old"`, nil, false},
		"keep none":              {``, hub.KeepSecret, "none", nil, false},
		"keep none, told":        {`,"hasSecret":false`, hub.KeepSecret, "none", nil, false},
		"keep what is hidden":    {`,"hasSecret":true`, hub.KeepSecret, "", hub.ErrSecretUnknown, false},
		"keep what is masked":    {`,"secret":"*****"`, hub.KeepSecret, "", hub.ErrSecretUnknown, false},
		"leave what is hidden":   {`,"hasSecret":true`, hub.LeaveSecret, "none", nil, true},
		"leave what is shown":    {`,"secret":"old"`, hub.LeaveSecret, "none", nil, true},
		"leave none":             {`,"hasSecret":false`, hub.LeaveSecret, "none", nil, false},
		"say nothing":            {``, nil, "", hub.ErrInvalid, false},
		"set what cannot be":     {``, hub.SetSecret("a\nb"), "", hub.ErrInvalid, false},
		"keep what cannot be":    {`,"secret":"é"`, hub.KeepSecret, "", hub.ErrInvalid, false},
		"a rule of the caller":   {``, func(*hub.Webhook) (*hub.Secret, error) { return nil, own }, "", own, false},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			sent, err := update(t, shown(c.shown), hub.Change{URL: "https://new.example/", Secret: c.rule}, debugTo(&log))
			assert.Equal(t, c.warns, strings.Contains(log.String(), "a secret is left out"))
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				asError(t, err)
				assert.Empty(t, sent, "nothing is changed")
				return
			}
			require.NoError(t, err)
			want := `{"url":"https://new.example/","watched":[{"type":"org","name":"acme"}],"domains":["repo"]`
			if c.sent != "none" {
				want += `,"secret":` + c.sent
			}
			assert.JSONEq(t, want+"}", sent)
		})
	}
}

func TestUpdateRefuses(t *testing.T) {
	const rest = `"watched":[{"type":"org","name":"acme"}],"domains":["repo"]`
	const shown = `{"id":"x","url":"https://old.example/",` + rest + `}`
	for name, c := range map[string]struct {
		shown  string
		change hub.Change
		err    error
	}{
		"two targets":          {shown, hub.Change{URL: "https://new.example/", JobSourceID: "x"}, hub.ErrInvalid},
		"a bad URL":            {shown, hub.Change{URL: "new.example"}, hub.ErrInvalid},
		"nothing watched":      {shown, hub.Change{Watched: []hub.Watched{}}, hub.ErrInvalid},
		"no domains":           {shown, hub.Change{Domains: []hub.Domain{}}, hub.ErrInvalid},
		"a half watched":       {shown, hub.Change{Watched: []hub.Watched{{Type: hub.Org}}}, hub.ErrInvalid},
		"watched were lost":    {`{"id":"x","url":"https://old.example/","watched":[],"domains":["repo"]}`, hub.Change{}, hub.ErrInvalid},
		"watched are odd":      {`{"id":"x","url":"https://old.example/","watched":7,"domains":["repo"]}`, hub.Change{}, hub.ErrInvalid},
		"domains were lost":    {`{"id":"x","url":"https://old.example/","watched":[{"type":"org","name":"acme"}]}`, hub.Change{}, hub.ErrInvalid},
		"a job shown in part":  {`{"id":"x","job":{"flavor":"f","dockerImage":"i"},` + rest + `}`, hub.Change{}, hub.ErrJobUnknown},
		"a target that is new": {`{"id":"x","queue":"q",` + rest + `}`, hub.Change{}, hub.ErrJobUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			c.change.Secret = hub.KeepSecret
			sent, err := update(t, c.shown, c.change)
			require.ErrorIs(t, err, c.err)
			asError(t, err)
			assert.Empty(t, sent)
		})
	}
}

// The words of another rule than those of the package are told without secret.
func TestUpdateWithARuleThatTells(t *testing.T) {
	_, err := update(t, `{"id":"x","secret":"hush-hush","url":"https://old.example/","watched":[{"type":"org","name":"a"}],"domains":["repo"]}`,
		hub.Change{Secret: func(w *hub.Webhook) (*hub.Secret, error) {
			return nil, errors.New("bad " + string(w.Secret) + "\x1b[31m")
		}})
	e := asError(t, err)
	assert.Contains(t, e.Message, "bad")
	assert.NotContains(t, e.Message, "hush-hush")
	assert.NotContains(t, e.Message, "\x1b")
}
