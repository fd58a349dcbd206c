// Package sample makes what the Hub sends, offline: a body for every event of
// every type of repo, the traps that handlers stumble over, and scenarios of
// several deliveries.
//
//	body, err := sample.New("discussion.create.pr", sample.Options{Repo: "acme/bert", Seed: 7})
//
// The same seed gives the same bytes, in every process. Whoever needs many
// asks a [Generator]: its bodies are about one repo, and each has ids, commits
// and discussion numbers of its own.
//
// Texts, names, ids and commits are made up and name nothing at the Hub. What
// a kernel sends is not published; here it sends what a model does.
package sample

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hfhook/hfhook/payload"
)

// Event is one kind of body that can be made.
type Event struct {
	// Name is "scope.action", with a variant behind it where there are
	// several: "discussion.create", "discussion.create.pr". What the Hub does
	// not send, or not yet, or only in bad faith begins with "trap.".
	Name string

	// About says in one line what the event is, and what it is good for.
	About string

	Scope  payload.Scope
	Action payload.Action

	// Types are the types of repos that have it; the first is the default.
	Types []payload.RepoType

	build func(*maker) object
}

// All lists the events, those of a scope side by side and traps last.
func All() []Event {
	all := slices.Clone(events)
	for i := range all {
		all[i].Types = slices.Clone(all[i].Types)
	}
	return all
}

// Find gives the event with a name. The error is an *UnknownError.
func Find(name string) (Event, error) {
	i := slices.IndexFunc(events, func(e Event) bool { return e.Name == name })
	if i < 0 {
		return Event{}, &UnknownError{Name: name}
	}
	e := events[i]
	e.Types = slices.Clone(e.Types)
	return e, nil
}

// Options say what the bodies are about.
type Options struct {
	Type payload.RepoType // of the repo; the first of the event's Types
	Repo string           // "owner/name"; one that tells its type, such as "example-user/example-model"
	Seed uint64           // 0 is a seed like any other
}

// New makes one body: the first that a Generator with these options makes. The
// error is an *UnknownError or a *TypeError.
func New(name string, o Options) ([]byte, error) { return NewGenerator(o).Next(name) }

// UnknownError is about an event or scenario that there is not.
type UnknownError struct {
	Name     string
	Scenario bool
}

func (e *UnknownError) Error() string {
	if e.Scenario {
		return fmt.Sprintf("there is no scenario %q", e.Name)
	}
	return fmt.Sprintf("there is no event %q", e.Name)
}

// TypeError is about an event or scenario that this type of repo does not have.
type TypeError struct {
	Name  string
	Type  payload.RepoType
	Types []payload.RepoType // those that have it
}

func (e *TypeError) Error() string {
	words := make([]string, len(e.Types))
	for i, t := range e.Types {
		words[i] = string(t)
	}
	return fmt.Sprintf("%s does not happen to a %s, only to %s", e.Name, e.Type, strings.Join(words, ", "))
}

// choose gives the type of repo to take.
func (o Options) choose(name string, types []payload.RepoType) (payload.RepoType, error) {
	switch {
	case o.Type == "":
		return types[0], nil
	case !slices.Contains(types, o.Type):
		return "", &TypeError{Name: name, Type: o.Type, Types: slices.Clone(types)}
	}
	return o.Type, nil
}
