package main

import (
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	cmdtarget "github.com/hfhook/hfhook/replay/command"
	"github.com/hfhook/hfhook/tunnel"
)

// reporter tells what happens in a session of hfhook dev: to a person, or to a
// program as records. Its methods may be called at the same time.
type reporter interface {
	ready(session)
	delivery(*replay.Delivery)
	attempt(*replay.Attempt)
	output(cmdtarget.Line) // of a command that runs
	tunnel(tunnel.Event)
	skipped(provider string, err error)            // a tunnel that could not be opened
	registration(webhook, state, url, text string) // what became of the session's webhook
	shield([]shieldRecord)                         // what the Hub counts, at the end
	gap(since, until time.Time)
	note(string) // for people alone
	hold(replay.Hold)
	warning(message, hint string)
	stopped(tally, string)
}

// session is what a reader needs to know when hfhook dev is ready.
type session struct {
	url     string // to enter at the Hub; local when public is false
	public  bool
	local   string
	tunnel  string // the provider's name
	carrier string // who carries the traffic, in words; empty for nobody
	secret  secret
	targets []string
	store   string
	waiting int
	keys    bool   // the keyboard is watched
	only    string // what is shown, as a filter; empty: everything
	ends    string // what ends the session, in words; empty: Ctrl-C alone

	webhook, aboutWebhook string // the id of the session's webhook, and more in words; empty: there is none
}

// settingsPage is where webhooks are entered.
// Source: https://huggingface.co/docs/hub/webhooks
const settingsPage = "https://huggingface.co/settings/webhooks"

// tally counts what a session saw.
type tally struct {
	arrivals, accepted, rejected, attempts, failed, waiting int

	hidden   int     // arrivals that --only did not show
	filtered int     // and those that a filter at the keyboard did not
	goal     string  // "reached" or "missed"; empty: there was none
	broken   []int64 // deliveries with attempts that failed
}

// human reports to a person: deliveries on out, everything else on talk.
type human struct {
	sync.Mutex
	out, talk *screen
	verbose   bool
	routes    routes
	down      bool   // the tunnel is
	trouble   string // what was last said about that
}

func (h *human) row(name, text string) {
	h.talk.line("%s %s", h.talk.dim(pad(name, 9)), text)
}

func (h *human) ready(s session) {
	h.Lock()
	defer h.Unlock()
	address := h.talk.bold(h.talk.link(s.url))
	if s.public {
		h.row("URL", address+h.talk.dim("  "+s.carrier))
	} else {
		h.row("URL", address+h.talk.warn("  local: the Hub cannot reach it"))
	}
	h.row("secret", h.secretText(s.secret))
	if s.webhook != "" {
		h.row("webhook", payload.Printable(s.aboutWebhook))
	} else {
		h.row("settings", settingsPage)
	}
	if len(s.targets) == 0 {
		h.row("handler", "none: deliveries are shown and kept; --forward URL sends them on, --exec COMMAND runs a program")
	}
	for i, target := range s.targets {
		text := payload.Printable(h.routes.label(target))
		if u, err := url.Parse(target); err == nil && u.Path == "" && !isCommand(target) {
			text += h.talk.dim("  at the path that came in")
		}
		if r := h.routes.of(target); r != nil && r.words != "" {
			text += "  if " + payload.Printable(r.filter.String())
		}
		h.row([]string{"handler", ""}[min(i, 1)], text)
	}
	if s.only != "" {
		h.row("only", payload.Printable(s.only)+h.talk.dim("  the rest is kept, but not shown and not sent on"))
	}
	if s.ends != "" {
		h.row("ends", payload.Printable(s.ends))
	}
	kept := payload.Printable(s.store)
	if s.waiting > 0 {
		kept += h.talk.warn(fmt.Sprintf("  %d %s from before, sent now", s.waiting, plural(s.waiting, "delivery waits", "deliveries wait")))
	}
	h.row("kept in", kept)
	h.talk.line("")
	keys := "Ctrl-C ends."
	if s.keys {
		keys = "r replays the last, ? lists the keys, q quits."
	}
	h.talk.line("%s", h.talk.dim("Waiting for deliveries. "+keys))
}

// secretText shows a secret that hfhook generated to the person at the
// terminal. One that was given is known already, and a file keeps nothing.
func (h *human) secretText(s secret) string {
	switch {
	case s.source == secretNone:
		return h.talk.warn("none: everybody who knows the URL can post")
	case s.source == secretGiven:
		return "the one that you gave"
	case h.talk.terminal:
		return h.talk.bold(s.value)
	}
	return "hfhook secret prints it"
}

func (h *human) delivery(d *replay.Delivery) {
	h.Lock()
	defer h.Unlock()
	deliveryBlock(h.out, d)
}

func (h *human) attempt(a *replay.Attempt) {
	h.Lock()
	defer h.Unlock()
	if isCommand(a.Target) && a.Kind == replay.Live { // what it printed was shown
		attemptHead(h.out, a)
		return
	}
	named := *a
	named.Target = h.routes.label(a.Target)
	attemptLine(h.out, &named)
}

func (h *human) output(l cmdtarget.Line) {
	h.Lock()
	defer h.Unlock()
	outputLine(h.out, l)
}

func (h *human) tunnel(e tunnel.Event) {
	h.Lock()
	defer h.Unlock()
	switch e.State {
	case tunnel.Opening:
		if e.Err != nil {
			h.down = true // so that it is told when it is up
			h.tunnelTrouble("no tunnel yet: ", e)
		}
	case tunnel.Online:
		if h.down { // else ready says it
			h.say(h.talk.good("tunnel up: ") + e.URL.String())
		}
		h.down, h.trouble = false, ""
	case tunnel.Reconnecting:
		if h.down {
			h.tunnelTrouble("tunnel still down: ", e)
			return
		}
		h.down = true
		h.tunnelTrouble("tunnel down since "+clock(e.Time)+": ", e)
		h.say("deliveries fail until it is back; the Hub sends them again")
	case tunnel.Offline:
		if e.Err != nil {
			h.say(h.talk.bad("tunnel over: " + payload.Printable(e.Err.Error())))
		}
	}
}

// tunnelTrouble says what is wrong with the tunnel, unless it said so last.
func (h *human) tunnelTrouble(lead string, e tunnel.Event) {
	what, hint := e.Err.Error(), ""
	if t, ok := errors.AsType[*tunnel.Error](e.Err); ok {
		hint = t.Hint
		if t.Code == "dns" { // it is waited for
			lead = ""
		}
	}
	if what == h.trouble && !h.verbose {
		return
	}
	h.trouble = what
	text := lead + payload.Printable(what)
	if e.Retry > 0 && lead != "" {
		text += fmt.Sprintf("; next try in %s", e.Retry.Round(100*time.Millisecond))
	}
	h.say(h.talk.warn(text))
	if hint != "" {
		h.talk.line("hint: %s", payload.Printable(hint))
	}
}

func (h *human) skipped(provider string, err error) {
	h.Lock()
	defer h.Unlock()
	h.say(h.talk.warn(fmt.Sprintf("skipped %s: %s", provider, payload.Printable(err.Error()))))
}

func (h *human) shield(all []shieldRecord) {
	failed := 0
	for _, r := range all {
		for _, n := range r.Failed {
			failed += n
		}
	}
	if failed > 0 {
		h.note(fmt.Sprintf("answers outside 2xx in the last 24 hours: %d; hfhook webhooks show ID tells them by webhook", failed))
	}
}

func (h *human) registration(_, _, _, text string) { h.note(text) }

func (h *human) note(text string) {
	h.Lock()
	defer h.Unlock()
	h.say(payload.Printable(text))
}

// say is a line of talk between deliveries.
func (h *human) say(text string) {
	h.talk.line("%s  %s", h.talk.dim(clock(time.Now())), text)
}

func (h *human) gap(since, until time.Time) {
	h.Lock()
	defer h.Unlock()
	h.say(fmt.Sprintf("not reachable from %s for %s; the Hub sends again what failed, and its activity page has a Replay button",
		clock(since), durationText(until.Sub(since))))
}

func (h *human) hold(e replay.Hold) {
	h.Lock()
	defer h.Unlock()
	target := payload.Printable(h.routes.label(e.Target))
	if e.Over {
		h.say(h.talk.good(fmt.Sprintf("%s is back after %s; sending what waited, in order", target, durationText(time.Since(e.Since)))))
		return
	}
	h.say(h.talk.warn(fmt.Sprintf("%s does not take connections; deliveries wait here and are sent when it is back", target)))
}

func (h *human) warning(message, hint string) {
	h.Lock()
	defer h.Unlock()
	h.talk.line("hfhook: %s", h.talk.warn(payload.Printable(message)))
	if hint != "" {
		h.talk.line("hint: %s", payload.Printable(hint))
	}
}

func (h *human) stopped(t tally, _ string) {
	h.Lock()
	defer h.Unlock()
	text := fmt.Sprintf("Received %d %s", t.arrivals, plural(t.arrivals, "delivery", "deliveries"))
	if t.rejected > 0 {
		text += fmt.Sprintf(", %d of them not accepted", t.rejected)
	}
	if t.hidden > 0 {
		text += fmt.Sprintf(", %d kept but not shown, as --only says", t.hidden)
	}
	if t.filtered > 0 {
		text += fmt.Sprintf(", %d kept but not shown, as the filter said", t.filtered)
	}
	if t.attempts > 0 {
		text += fmt.Sprintf("; sent %d, %d failed", t.attempts, t.failed)
	}
	if t.waiting > 0 {
		text += fmt.Sprintf("; %d %s for the next hfhook dev", t.waiting, plural(t.waiting, "waits", "wait"))
	}
	h.talk.line("\n%s.", text)
	if t.arrivals > 0 {
		h.talk.line("%s", h.talk.dim("hfhook inspect lists them, hfhook replay last sends the newest again."))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// machine reports records, one JSON object per line.
type machine struct {
	sync.Mutex
	out    *screen
	routes routes
}

func (m *machine) write(record any) {
	m.Lock()
	defer m.Unlock()
	_ = writeRecord(m.out, record) // the screen knows
}

func (m *machine) ready(s session) {
	m.write(readyRecord{
		recordHead: head("ready", time.Now()),
		URL:        s.url, Public: s.public, Local: s.local, Tunnel: s.tunnel, Through: s.carrier, Settings: settingsPage, Webhook: s.webhook,
		Secret: string(s.secret.source), Targets: append([]string{}, s.targets...), Store: s.store, Waiting: s.waiting,
		Routes: m.routes.records(), Only: s.only,
	})
}

func (m *machine) delivery(d *replay.Delivery) { m.write(recordDelivery(d)) }
func (m *machine) output(l cmdtarget.Line)     { m.write(recordOutput(l)) }

func (m *machine) attempt(a *replay.Attempt) {
	r := recordAttempt(a)
	r.Route = m.routes.name(a.Target)
	m.write(r)
}

func (m *machine) tunnel(e tunnel.Event) {
	r := tunnelRecord{recordHead: head("tunnel", e.Time), State: string(e.State), RetryMS: e.Retry.Milliseconds()}
	if e.URL != nil {
		r.URL = e.URL.String()
	}
	if e.Err != nil {
		r.Error, r.Code = e.Err.Error(), tunnelCode(e.Err)
	}
	m.write(r)
}

func (m *machine) skipped(provider string, err error) {
	_, hint := explain(err)
	m.warning(fmt.Sprintf("skipped %s: %s", provider, err), hint)
}

func (m *machine) note(string) {}

func (m *machine) shield(all []shieldRecord) {
	for _, r := range all {
		m.write(r)
	}
}

func (m *machine) registration(webhook, state, url, text string) {
	m.write(registrationRecord{head("registration", time.Now()), webhook, state, url, text})
}

func (m *machine) gap(since, until time.Time) {
	m.write(gapRecord{head("gap", until), since.UTC(), until.Sub(since).Seconds()})
}

func (m *machine) hold(e replay.Hold) {
	m.write(holdRecord{head("hold", time.Now()), e.Target, e.Since.UTC(), e.Waiting, e.Reason, e.Over})
}

func (m *machine) warning(message, hint string) {
	m.write(warningRecord{head("warning", time.Now()), message, hint})
}

func (m *machine) stopped(t tally, reason string) {
	m.write(stoppedRecord{head("stopped", time.Now()), t.arrivals, t.accepted, t.rejected, t.attempts, t.failed, t.waiting, reason, t.hidden, t.goal, t.broken})
}
