package sample

import (
	"slices"
	"time"

	"github.com/hfhook/hfhook/payload"
)

// ScenarioInfo is a course of several deliveries that can be made.
type ScenarioInfo struct {
	Name  string             // "pr-opened"
	About string             // in one line
	Types []payload.RepoType // of repos that have it; the first is the default

	play func(*play)
}

// Scenarios lists them.
func Scenarios() []ScenarioInfo {
	all := slices.Clone(scenarios)
	for i := range all {
		all[i].Types = slices.Clone(all[i].Types)
	}
	return all
}

// Step is one delivery of a scenario.
type Step struct {
	Event     string // the name of the Event that it is
	Body      []byte
	WebhookID string        // of the Webhook-Id header
	Delay     time.Duration // to wait before it is sent; 0 for the first
	Retry     bool          // an earlier step once more, with the same WebhookID and Body
}

// Scenario makes the deliveries of a scenario, all about one repo, with ids,
// numbers and commits that fit together. The Hub keeps no order: the seed
// decides which of them overtake each other. The error is an *UnknownError or
// a *TypeError.
func Scenario(name string, o Options) ([]Step, error) { return NewGenerator(o).Scenario(name) }

// Scenario makes the deliveries of a scenario, see [Scenario]. Each time they
// are about another discussion, and go on from the commit that main was at.
func (g *Generator) Scenario(name string) ([]Step, error) {
	i := slices.IndexFunc(scenarios, func(s ScenarioInfo) bool { return s.Name == name })
	if i < 0 {
		return nil, &UnknownError{Name: name, Scenario: true}
	}
	s := scenarios[i]
	kind, err := g.options.choose(name, s.Types)
	if err != nil {
		return nil, err
	}
	p := &play{g: g, maker: g.maker(nil, kind)}
	s.play(p)
	return p.steps, nil
}

// play collects the steps of a scenario.
type play struct {
	g     *Generator
	maker *maker // for what several steps share
	steps []Step
}

// add makes a step out of an event: its usual body, or the one that build
// makes in its place.
func (p *play) add(event string, build func(*maker) object) {
	e := byName[event]
	m := p.g.maker(e, p.maker.kind)
	if build == nil {
		build = e.build
	}
	p.steps = append(p.steps, Step{Event: event, Body: p.g.write(build(m)), WebhookID: p.g.WebhookID()})
}

// again repeats the last step as the Hub does when it got no 2xx.
func (p *play) again() {
	s := p.steps[len(p.steps)-1]
	s.Retry = true
	p.steps = append(p.steps, s)
}

// overtake lets some steps arrive before the one that they follow.
func (p *play) overtake() {
	for i := 1; i < len(p.steps); i++ {
		if p.g.random.below(3) == 0 {
			p.steps[i-1], p.steps[i] = p.steps[i], p.steps[i-1]
			i++ // one step changes places once
		}
	}
}

// pace puts up to a time between steps.
func (p *play) pace(most time.Duration) {
	for i := 1; i < len(p.steps); i++ {
		p.steps[i].Delay = time.Duration(1+p.g.random.below(int(most.Milliseconds()))) * time.Millisecond
	}
}
