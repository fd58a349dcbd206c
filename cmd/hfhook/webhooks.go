package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/payload"
)

func webhooksCommand() *cli.Command {
	return group(&cli.Command{
		Name:      "webhooks",
		Usage:     "list and change your webhooks at the Hub",
		UsageText: "hfhook webhooks command [flags] [arguments]",
		Description: "The token is found as the hf command finds it: HF_TOKEN, or what hf auth login keeps.\n" +
			"An ID is that of a webhook: hfhook webhooks list shows them.",
		Subcommands: []*cli.Command{
			webhooksListCommand(),
			webhooksShowCommand(),
			webhooksCreateCommand(),
			webhooksUpdateCommand(),
			webhooksSetURLCommand(),
			webhooksEnableCommand(),
			webhooksDisableCommand(),
			webhooksDeleteCommand(),
			webhooksReplayCommand(),
		},
	})
}

// webhooks is one run of a subcommand of hfhook webhooks.
type webhooks struct {
	*hub.Client
	c         *cli.Context
	out, talk *screen
	warner
}

// withWebhooks calls f with the way to the Hub. What is wrong with the command
// line is found before.
func withWebhooks(c *cli.Context, f func(*webhooks) error) error {
	client, err := newHubClient(c)
	if err != nil {
		return err
	}
	defer client.Close()
	registry, err := newRegistry(client)
	if err != nil {
		return err
	}
	repair(c.Context, registry, newWarner(c))
	w := &webhooks{
		Client: client, c: c, warner: newWarner(c),
		out: newScreen(c.App.Writer, c.Bool("no-color")), talk: newScreen(c.App.ErrWriter, c.Bool("no-color")),
	}
	if err := f(w); err != nil {
		return err
	}
	return w.out.trouble.err
}

// say is a line to people.
func (w *webhooks) say(format string, args ...any) {
	if !w.c.Bool("json") {
		w.talk.line(format, args...)
	}
}

// webhookIDs are the arguments, each once.
func webhookIDs(c *cli.Context) ([]string, error) {
	var ids []string
	for _, id := range c.Args().Slice() {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, usage("which webhook?", "hfhook webhooks list shows the ids")
	}
	return ids, nil
}

// page is where the Hub shows a webhook to people.
// Source: https://huggingface.co/docs/hub/webhooks
func (w *webhooks) page(id string) string {
	return w.Endpoint() + "/settings/webhooks/" + payload.Printable(id)
}

// stateInWords says whether a webhook fires, and what to do when it does not.
func stateInWords(h *hub.Webhook) (text, hint string) {
	enable := "hfhook webhooks enable " + payload.Printable(h.ID)
	switch h.State {
	case hub.Enabled:
		return "enabled", ""
	case hub.Disabled:
		return "disabled: it does not fire", "to have it fire again: " + enable
	case hub.Suspended:
		return "suspended by the Hub, because deliveries kept failing: it does not fire",
			"once its target answers with 2xx: " + enable
	}
	return string(h.State) + ": it does not fire", "to have it fire: " + enable
}

// watchedText is what a webhook watches, as --watch takes it.
func watchedText(h *hub.Webhook) []string {
	var all []string
	for _, watched := range h.Watched {
		all = append(all, payload.Printable(string(watched.Type)+":"+watched.Name))
	}
	return all
}

func domainsText(h *hub.Webhook) string {
	var all []string
	for _, domain := range h.Domains {
		all = append(all, payload.Printable(string(domain)))
	}
	return strings.Join(all, ", ")
}

// webhookRecord is a webhook as the Hub has it, in --json.
type webhookRecord struct {
	recordHead
	ID            string          `json:"id"`
	State         string          `json:"state"`
	URL           string          `json:"url,omitempty"` // without its secret
	Job           *jobRecord      `json:"job,omitempty"`
	JobID         string          `json:"jobId,omitempty"`
	Watched       []watchedRecord `json:"watched"`
	Domains       []hub.Domain    `json:"domains"`
	HasSecret     bool            `json:"hasSecret"`
	SecretFrom    secretSource    `json:"secretFrom,omitempty"` // of one that was sent just now
	LastTriggerAt *time.Time      `json:"lastTriggerAt,omitempty"`
	Settings      string          `json:"settings"`
	Activity      string          `json:"activity"`
}

type watchedRecord struct {
	Type hub.WatchedType `json:"type"`
	Name string          `json:"name"`
}

type jobRecord struct {
	Space       string   `json:"space,omitempty"`
	Image       string   `json:"image,omitempty"`
	Command     []string `json:"command,omitempty"`
	Arguments   []string `json:"arguments,omitempty"`
	Flavor      string   `json:"flavor,omitempty"`
	Timeout     int64    `json:"timeoutSeconds,omitempty"`
	Environment []string `json:"environment,omitempty"` // names
	Secrets     []string `json:"secrets,omitempty"`     // names
}

func (w *webhooks) record(h *hub.Webhook) webhookRecord {
	r := webhookRecord{
		recordHead: head("webhook", time.Now()),
		ID:         h.ID, State: string(h.State), JobID: h.JobSourceID,
		Watched: []watchedRecord{}, Domains: append([]hub.Domain{}, h.Domains...), HasSecret: h.HasSecret,
		Settings: w.page(h.ID), Activity: w.page(h.ID) + "/activity",
	}
	if h.URL != "" {
		r.URL = h.Target()
	}
	for _, watched := range h.Watched {
		r.Watched = append(r.Watched, watchedRecord{watched.Type, watched.Name})
	}
	if j := h.Job; j != nil {
		r.Job = &jobRecord{j.SpaceID, j.DockerImage, j.Command, j.Arguments, j.Flavor, j.TimeoutSeconds, names(j.Environment), names(j.Secrets)}
	}
	if !h.LastTriggerAt.IsZero() {
		r.LastTriggerAt = new(h.LastTriggerAt.UTC())
	}
	return r
}

// showFacts prints everything that is known of a webhook, but for its id.
// secret says more about its secret than that there is one; may be empty.
func (w *webhooks) showFacts(s *screen, h *hub.Webhook, secret string) {
	row := func(name, text string) { s.line("%s %s", s.dim(pad(name, 9)), text) }
	text, hint := stateInWords(h)
	row("state", statePaint(s, h)(text))
	if hint != "" {
		row("", hint)
	}
	row("target", h.Target())
	for _, field := range jobFacts(h) {
		row(field.name, field.text[0])
	}
	for i, text := range watchedText(h) {
		row([]string{"watches", ""}[min(i, 1)], text)
	}
	row("events", domainsText(h))
	if h.HasSecret {
		row("secret", cmp.Or(secret, "yes; the Hub sends it with every delivery"))
	} else {
		row("secret", s.warn("none: everybody who knows the URL can post"))
	}
	last := "never, as far as the Hub tells"
	if !h.LastTriggerAt.IsZero() {
		last = h.LastTriggerAt.Local().Format(time.DateTime)
	}
	row("last", last)
	row("settings", w.page(h.ID))
	row("activity", w.page(h.ID)+"/activity")
}

// jobFacts are what the Hub tells of a Job that a webhook starts.
func jobFacts(h *hub.Webhook) []field {
	var facts []field
	add := func(name string, words ...string) {
		if text := payload.Printable(strings.Join(words, " ")); text != "" {
			facts = append(facts, field{name: name, text: []string{text}})
		}
	}
	add("job", h.JobSourceID)
	if j := h.Job; j != nil {
		var command []string
		for _, word := range slices.Concat(j.Command, j.Arguments) {
			command = append(command, shellQuote(word))
		}
		add("runs", command...)
		add("on", j.Flavor)
		if j.TimeoutSeconds > 0 {
			add("at most", (time.Duration(j.TimeoutSeconds) * time.Second).String())
		}
		add("variables", names(j.Environment)...)
		add("secrets", names(j.Secrets)...)
	}
	return facts
}

// names are the sorted keys of what may hold secrets.
func names[M ~map[string]V, V any](m M) []string {
	return slices.Sorted(maps.Keys(m))
}

// atLeast refuses less than n arguments.
func atLeast(c *cli.Context, n int, what, example string) error {
	if c.NArg() < n {
		return usage(what, fmt.Sprintf("for example hfhook %s %s", commandName(c), example))
	}
	return nil
}
