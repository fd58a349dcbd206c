package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseRoutes(t *testing.T) {
	for text, want := range map[string][]string{
		"":                             nil,
		" \n ; ":                       nil,
		"http://a":                     {"|http://a|"},
		"http://a  http://b ":          {"|http://a|", "|http://b|"},
		"http://a\nhttp://b;http":      {"|http://a|", "|http://b;http|"},
		"http://a if scope=x repo=y/*": {"|http://a|scope=x repo=y/*"},
		"http://a if scope=x http://b if type=y\nhttp://c": {"|http://a|scope=x", "|http://b|type=y", "|http://c|"},
		"http://a if scope=x; http://b; http://c;":         {"|http://a|scope=x", "|http://b|", "|http://c|"},
		"http://a if scope=x ; http://b":                   {"|http://a|scope=x", "|http://b|"},
		"bot=http://a if scope=x t.1=unix:///b":            {"bot|http://a|scope=x", "t.1|unix:///b|"},
		`http://a if text="b http://c; d" http://e`:        {`|http://a|text='b http://c; d'`, "|http://e|"},
		"http://a if text=http://c repo=x=y":               {"|http://a|repo='x=y' text=http://c"},
		"http://a/it's?x=1 http://b":                       {"|http://a/it's?x=1|", "|http://b|"},
		"localhost:3000":                                   {"|localhost:3000|"},
	} {
		got, err := parseRoutes([]string{text})
		require.NoError(t, err, text)
		var told []string
		for _, r := range got {
			told = append(told, r.name+"|"+r.address+"|"+r.filter.String())
		}
		assert.Equal(t, want, told, text)
	}
	several, err := parseRoutes([]string{"http://a if scope=x", "b=http://b http://c"})
	require.NoError(t, err)
	assert.Len(t, several, 3)
}

func TestParseRoutesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"http://a if":                    "no words follow the if of http://a",
		"http://u:pw@a if http://b":      "no words follow the if of http://",
		"http://a if scop=x":             `filter word "scop=x": there is no key "scop"`,
		"http://a if status=ok":          "status=ok is about what was sent",
		"http://a if status!=ok":         "status!=ok is about what was sent",
		"a= http://a":                    "the route a has no URL",
		"http://a scope=x":               "a route cannot be named scope",
		"text=http://a":                  "a route cannot be named text",
		"a=http://a a=http://b":          "two routes are named a",
		`http://a if text="x http://b`:   "a quote is not closed",
		"http://a if scope=x and type=y": `filter word "and": it is no condition`,
	} {
		_, err := parseRoutes(strings.Split(text, "|"))
		require.ErrorContains(t, err, want, text)
		code, hint := explain(err)
		assert.Equal(t, exitUsage, code)
		assert.NotEmpty(t, hint, text)
		assert.NotContains(t, err.Error(), "pw")
	}
}

// However routes are written, no word of theirs is lost, and nothing hangs.
func FuzzParseRoutes(f *testing.F) {
	for _, seed := range []string{"http://a if scope=x; b=http://c", `http://a if text="x y" http://b`, "a=b if if", ";\n;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseRoutes([]string{text})
		if err != nil {
			return
		}
		for _, r := range got {
			require.NotEmpty(t, r.address, "%q", text)
			require.Contains(t, text, r.address)
			if r.words == "" {
				continue
			}
			_, err := arrivalFilter(r.words)
			require.NoError(t, err, "%q", r.words)
		}
	})
}
