package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
)

// scenarioWord in front of names says that they are scenarios.
const scenarioWord = "scenario"

// part is an event or a scenario that is to be made, for one type of repo.
type part struct {
	name     string
	kind     payload.RepoType
	scenario bool
}

// sampleName is an event or a scenario that can be chosen.
type sampleName struct {
	name, about string
	types       []payload.RepoType
	event       *sample.Event // nil: a scenario
}

// typesOf leaves those of the types that it has.
func (n *sampleName) typesOf(types []payload.RepoType) []payload.RepoType {
	return slices.DeleteFunc(slices.Clone(types), func(t payload.RepoType) bool { return !slices.Contains(n.types, t) })
}

func eventNames() (all []sampleName) {
	for _, e := range sample.All() {
		all = append(all, sampleName{e.Name, e.About, e.Types, &e})
	}
	return all
}

func scenarioNames() (all []sampleName) {
	for _, s := range sample.Scenarios() {
		all = append(all, sampleName{s.Name, s.About, s.Types, nil})
	}
	return all
}

// chooseParts finds what the arguments name, each for each of the types that it
// has; without types, for the first.
func chooseParts(c *cli.Context, types []payload.RepoType) (parts []part, err error) {
	args, known := c.Args().Slice(), eventNames()
	scenario := args[0] == scenarioWord
	if scenario {
		args, known = args[1:], scenarioNames()
	}
	for _, word := range args {
		found, err := findNames(word, known, scenario)
		if err != nil {
			return nil, err
		}
		before := len(parts)
		for _, n := range found {
			kinds := n.types[:1]
			if len(types) > 0 {
				kinds = n.typesOf(types)
			}
			for _, kind := range kinds {
				parts = append(parts, part{n.name, kind, scenario})
			}
		}
		if len(parts) == before {
			return nil, usage(fmt.Sprintf("%s does not happen to a %s", word, types[0]), "its types: "+typeWords(found[0].types))
		}
	}
	return parts, nil
}

func isPattern(word string) bool { return strings.ContainsAny(word, "*?[") }

// findNames gives those that a word names: one, or those that a pattern does.
func findNames(word string, known []sampleName, scenario bool) ([]sampleName, error) {
	var found []sampleName
	for _, n := range known {
		match, err := path.Match(word, n.name)
		if err != nil {
			return nil, usage(fmt.Sprintf("%q is no pattern", word), "for example 'discussion.*'")
		}
		if n.name == word || match {
			found = append(found, n)
		}
	}
	if len(found) == 0 {
		return nil, unknownName(word, known, scenario)
	}
	return found, nil
}

// unknownName is about a word that names nothing.
func unknownName(word string, known []sampleName, scenario bool) error {
	what, hint := "event", "hfhook trigger --list shows them"
	if scenario {
		what, hint = "scenario", "hfhook trigger scenario shows them"
	}
	others := scenarioNames()
	if scenario {
		others = eventNames()
	}
	is := func(n sampleName) bool { return n.name == word }
	begins := func(n sampleName) bool { return strings.HasPrefix(n.name, word+".") }
	switch {
	case isPattern(word):
		return usage(fmt.Sprintf("no %s matches %q", what, word), hint)
	case slices.ContainsFunc(known, begins):
		hint = fmt.Sprintf("did you mean %q, or all of them, '%s.*'? %s", known[slices.IndexFunc(known, begins)].name, word, hint)
	case slices.ContainsFunc(others, is) && scenario:
		hint = "it is an event: hfhook trigger " + word
	case slices.ContainsFunc(others, is):
		hint = "it is a scenario: hfhook trigger scenario " + word
	default:
		var commands []*cli.Command
		for _, n := range known {
			commands = append(commands, &cli.Command{Name: n.name, HideHelp: true})
		}
		hint = suggest(commands, word) + hint
	}
	return usage(fmt.Sprintf("there is no %s %q", what, word), hint)
}

func typeWords(types []payload.RepoType) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = string(t)
	}
	return strings.Join(words, ", ")
}
