package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
)

// sampleRecord is an event or a scenario that hfhook trigger can make.
type sampleRecord struct {
	recordHead
	Name   string             `json:"name"`
	About  string             `json:"about"`
	Types  []payload.RepoType `json:"types"`
	Scope  string             `json:"scope,omitempty"`  // of an event
	Action string             `json:"action,omitempty"` // of an event
}

// listSamples shows what can be triggered: all of it, or what the arguments
// name.
func listSamples(c *cli.Context) error {
	types, err := typesOf(c)
	if err != nil {
		return err
	}
	groups := []struct {
		title, record string
		names         []sampleName
	}{{"EVENT", "event", eventNames()}, {"SCENARIO", "scenario", scenarioNames()}}
	args := c.Args().Slice()
	switch {
	case len(args) > 0 && args[0] == scenarioWord:
		groups, args = groups[1:], args[1:]
	case len(args) > 0:
		groups = groups[:1]
	}
	if len(args) > 0 {
		var chosen []sampleName
		for _, word := range args {
			found, err := findNames(word, groups[0].names, groups[0].record == scenarioWord)
			if err != nil {
				return err
			}
			chosen = append(chosen, found...)
		}
		groups[0].names = chosen
	}
	out, first := newScreen(c.App.Writer, c.Bool("no-color")), true
	for _, g := range groups {
		names := withTypes(g.names, types)
		switch {
		case len(names) == 0:
		case c.Bool("json"):
			for _, n := range names {
				if err := writeRecord(out, n.record(g.record)); err != nil {
					return err
				}
			}
		default:
			if !first {
				out.line("")
			}
			first = false
			sampleTable(out, g.title, names)
		}
	}
	return out.trouble.err
}

// withTypes leaves those that one of the types has.
func withTypes(names []sampleName, types []payload.RepoType) (left []sampleName) {
	for _, n := range names {
		if len(types) == 0 || len(n.typesOf(types)) > 0 {
			left = append(left, n)
		}
	}
	return left
}

func (n *sampleName) record(kind string) sampleRecord {
	r := sampleRecord{recordHead: head(kind, time.Now()), Name: n.name, About: n.about, Types: n.types}
	if n.event != nil {
		r.Scope, r.Action = string(n.event.Scope), string(n.event.Action)
	}
	return r
}

// sampleTable has a line for each: name, types of repos, what it is for.
func sampleTable(s *screen, title string, names []sampleName) {
	nameWidth, typeWidth := columns(title), len("TYPES")
	for _, n := range names {
		nameWidth, typeWidth = max(nameWidth, columns(n.name)), max(typeWidth, columns(n.typeText()))
	}
	nameWidth, typeWidth = nameWidth+2, typeWidth+2
	s.line("%s", s.dim(pad(title, nameWidth)+pad("TYPES", typeWidth)+"WHAT"))
	for _, n := range names {
		s.line("%s%s%s", s.key(pad(n.name, nameWidth)), s.dim(pad(n.typeText(), typeWidth)), s.cut(n.about, nameWidth+typeWidth))
	}
}

const everyType = 5

// typeText names the types of repos, in short.
func (n *sampleName) typeText() string {
	switch {
	case len(n.types) == everyType:
		return "all"
	case len(n.types) == everyType-1: // those with git
		return "all but bucket"
	}
	return typeWords(n.types)
}
