package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"github.com/hfhook/hfhook/replay"
)

// A route says where deliveries are sent and which: URL, URL if WORDS,
// NAME=URL if WORDS. One value of --forward may hold several, one after the
// other with blanks or line breaks between them: a URL that is not a filter's
// value begins the next one. A semicolon at the end of a word ends a route too.

func routeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "forward", Aliases: []string{"f"}, Usage: "send deliveries on to `URL`; one without a path keeps the path that came in; 'URL if scope=discussion* repo=acme/*' sends those alone; 'NAME=URL if ...' gives it a name; may be repeated", EnvVars: []string{"HFHOOK_FORWARD"}},
		&cli.BoolFlag{Name: "first-match", Usage: "send each delivery to the first --forward alone that it fits, instead of all", EnvVars: []string{"HFHOOK_FIRST_MATCH"}, DisableDefaultText: true},
	}
}

// route is one --forward.
type route struct {
	name    string // may be empty
	address string // the URL as it was given
	target  string // the name of its target
	words   string // of the filter; empty: every delivery
	filter  replay.Filter
}

// routes are in the order in which they were given.
type routes []route

// quoteHint is for words that a shell took apart.
const quoteHint = "a route is one argument, in quotes: --forward 'URL if scope=discussion* repo=acme/*'"

// parseRoutes reads the values of --forward.
func parseRoutes(values []string) (routes, error) {
	var all routes
	for _, value := range values {
		for rest := skipRoutes(value); rest != ""; rest = skipRoutes(rest) {
			var r route
			var err error
			if r, rest, err = readRoute(rest); err != nil {
				return nil, err
			}
			if r.name != "" && slices.ContainsFunc(all, func(o route) bool { return o.name == r.name }) {
				return nil, usage(fmt.Sprintf("two routes are named %s", r.name), "give each a name of its own, or none")
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// readRoute reads the route that s begins with, and gives what follows it.
func readRoute(s string) (r route, rest string, err error) {
	word, rest := cutWord(s, false)
	word, over := strings.CutSuffix(word, ";")
	r.name, r.address = cutName(word)
	switch {
	case r.address == "":
		return r, "", usage(fmt.Sprintf("the route %s has no URL", r.name), "write it without blanks: "+r.name+"=http://localhost:3000")
	case slices.Contains(replay.FilterKeys(), r.name):
		return r, "", usage(fmt.Sprintf("a route cannot be named %s, which is a word of filters", r.name), "choose another name, or put the URL in front: 'URL if "+r.name+"=...'")
	}
	word, after := cutWord(skipBlanks(rest), false)
	if over || word != "if" {
		return r, rest, nil
	}
	var words []string
	for rest = skipBlanks(after); rest != "" && !over; rest = skipBlanks(rest) {
		word, after := cutWord(rest, true)
		if beginsRoute(word) {
			break
		}
		word, over = strings.CutSuffix(word, ";")
		words, rest = append(words, word), after
	}
	r.words = strings.TrimSpace(strings.Join(words, " "))
	if r.words == "" {
		return r, "", usage(fmt.Sprintf("no words follow the if of %s", hideInURL(r.address)), quoteHint)
	}
	r.filter, err = arrivalFilter(r.words)
	return r, rest, err
}

// arrivalFilter reads a filter that is asked when a delivery arrives.
func arrivalFilter(text string) (replay.Filter, error) {
	f, err := parseFilter(text)
	if err != nil {
		return f, err
	}
	for _, c := range f.Conditions() {
		if c.Key == "status" {
			return f, usage(fmt.Sprintf("%s is about what was sent, and this filter chooses before that", c), "leave it out; hfhook inspect takes it")
		}
	}
	return f, nil
}

// skipRoutes skips what stands between routes.
func skipRoutes(s string) string {
	return strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == ';' })
}

func skipBlanks(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }

// cutWord cuts s after its first word. With quotes, blanks between them are
// part of it.
func cutWord(s string, quotes bool) (word, rest string) {
	var open rune
	for i, c := range s {
		switch {
		case open != 0:
			if c == open {
				open = 0
			}
		case quotes && (c == '\'' || c == '"'):
			open = c
		case unicode.IsSpace(c):
			return s[:i], s[i:]
		}
	}
	return s, ""
}

var (
	routeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	anyURL    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)
)

// cutName cuts NAME= off a word.
func cutName(word string) (name, address string) {
	if name, address, ok := strings.Cut(word, "="); ok && routeName.MatchString(name) {
		return name, address
	}
	return "", word
}

// namedRoutes reads routes from a settings file, one below the other with their
// names, in the form that --forward has.
func namedRoutes(node *yaml.Node) (values []string, err error) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i].Value, behind(node.Content[i+1])
		if value.Kind != yaml.ScalarNode || value.Value == "" {
			return nil, fmt.Errorf("forward: %s takes a route, URL or URL if WORDS", name)
		}
		if !routeName.MatchString(name) {
			return nil, fmt.Errorf("forward: a route cannot be named %q: names are letters, digits, dashes and dots", name)
		}
		values = append(values, name+"="+value.Value)
	}
	return values, nil
}

func beginsRoute(word string) bool {
	name, address := cutName(word)
	return anyURL.MatchString(address) && !slices.Contains(replay.FilterKeys(), name)
}

// checkTargets refuses two routes to one target, and one that gets nothing
// because of firstMatch.
func (all routes) checkTargets(firstMatch bool) error {
	for i, r := range all {
		if slices.ContainsFunc(all[:i], func(o route) bool { return o.target == r.target }) {
			return usage("two routes lead to "+r.target, "give each handler once")
		}
		if firstMatch && r.words == "" && i < len(all)-1 {
			return usage(fmt.Sprintf("with --first-match nothing gets past %s, which takes every delivery", r.target), "put it last, or give it a filter: 'URL if scope=discussion*'")
		}
	}
	return nil
}

// of gives the route to a target; nil: there is none.
func (all routes) of(target string) *route {
	if i := slices.IndexFunc(all, func(r route) bool { return r.target == target }); i >= 0 {
		return &all[i]
	}
	return nil
}

// name is the name of the route to a target, if it has one.
func (all routes) name(target string) string {
	if r := all.of(target); r != nil {
		return r.name
	}
	return ""
}

// label is what a person reads of a target.
func (all routes) label(target string) string {
	if name := all.name(target); name != "" {
		return name + " " + target
	}
	return target
}

// filters says for the dispatcher which of the targets gets what: what its
// route and only choose.
func (all routes) filters(targets []replay.Target, only *replay.Filter) map[string]replay.Filter {
	filters := map[string]replay.Filter{}
	for _, target := range targets {
		r := all.of(target.Name())
		switch {
		case r != nil && r.words != "" && only != nil:
			filters[target.Name()] = r.filter.And(*only)
		case r != nil && r.words != "":
			filters[target.Name()] = r.filter
		case only != nil:
			filters[target.Name()] = *only
		}
	}
	return filters
}

func (all routes) records() (records []routeRecord) {
	for _, r := range all {
		if r.name != "" || r.words != "" {
			records = append(records, routeRecord{r.name, r.target, r.filter.String()})
		}
	}
	return records
}
