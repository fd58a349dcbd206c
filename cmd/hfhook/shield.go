package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// The Hub gives a webhook 1,000 events in 24 hours, and suspends it when its
// target keeps failing. Source: https://huggingface.co/docs/hub/webhooks
const (
	dailyLimit  = 1000
	dailyWarn   = dailyLimit * 8 / 10
	ledgerSpan  = 24 * time.Hour
	maxLedgers  = 1000 // more webhooks than that are counted together
	lookEvery   = 10   // deliveries
	suspendText = "the Hub tries again, and suspends a webhook that keeps failing"
	enterSecret = "if it was the Hub's, enter the secret that hfhook secret prints at " + settingsPage
)

// ledger counts what the Hub counts of one webhook, within the last 24 hours
// and as far as it is kept here.
type ledger struct {
	counts map[counted]int
	looked int // deliveries since the limit was looked at
	warned bool
}

// counted is what is counted together.
type counted struct {
	minute int64 // Unix time / 60
	status int   // of an answer outside 2xx; 0: a first arrival
}

func (l *ledger) count(at time.Time, status int) { l.add(counted{at.Unix() / 60, status}, 1) }

// add forgets, whenever there is something new to remember.
func (l *ledger) add(what counted, n int) {
	if l.counts[what] == 0 {
		l.forget(time.Unix(what.minute*60, 0))
	}
	l.counts[what] += n
}

func (l *ledger) forget(now time.Time) {
	first := now.Add(-ledgerSpan).Unix() / 60
	maps.DeleteFunc(l.counts, func(c counted, _ int) bool { return c.minute < first })
}

// sums are how many deliveries arrived, and how often each status outside 2xx
// was answered.
func (l *ledger) sums(now time.Time) (received int, failed map[int]int) {
	l.forget(now)
	failed = map[int]int{}
	for what, n := range l.counts {
		failed[what.status] += n
	}
	received = failed[0]
	delete(failed, 0)
	return received, failed
}

// read takes a delivery that is kept.
func (l *ledger) read(d *replay.Delivery, since time.Time) {
	if d.Verdict == replay.Accepted && d.Received().After(since) {
		l.count(d.Received(), 0)
	}
	for _, a := range d.Arrivals {
		if a.Time.After(since) && a.Answer != 0 && a.Answer/100 != 2 {
			l.count(a.Time, a.Answer)
		}
	}
}

// ledgers are by the id of the webhook, which is empty for what does not say.
type ledgers map[string]*ledger

func (all ledgers) of(webhook string) *ledger {
	l := all[webhook]
	if l == nil && webhook != "" && len(all) >= maxLedgers {
		return all.of("")
	}
	if l == nil {
		l = &ledger{counts: map[counted]int{}}
		all[webhook] = l
	}
	return l
}

// readLedgers counts what a store has from the 24 hours before until.
func readLedgers(ctx context.Context, store replay.Store, until time.Time) (ledgers, error) {
	all := ledgers{}
	since := until.Add(-ledgerSpan)
	for d, err := range store.List(ctx, replay.Filter{Since: since, Until: until}) {
		if err != nil {
			return nil, fmt.Errorf("count the deliveries of the last 24 hours: %w", err)
		}
		all.of(webhookOf(d)).read(d, since)
	}
	return all, nil
}

// keptLedgers counts what the default store has; nil: there is none.
func keptLedgers(c *cli.Context) (ledgers, error) {
	path, err := storePath(c)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	store, err := openStore(c, reading)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return readLedgers(c.Context, store, time.Now())
}

// show prints what was counted of one webhook.
func (l *ledger) show(s *screen) {
	n, failed := l.sums(time.Now())
	text := fmt.Sprintf("%d of %d deliveries in 24 hours, as far as they are kept here", n, dailyLimit)
	if n >= dailyWarn {
		text = s.warn(text)
	}
	s.line("%s %s", s.dim(pad("received", 9)), text)
	var texts []string
	for _, status := range slices.Sorted(maps.Keys(failed)) {
		texts = append(texts, fmt.Sprintf("%d× %d", failed[status], status))
	}
	if len(texts) > 0 {
		s.line("%s %s", s.dim(pad("failed", 9)), s.warn(strings.Join(texts, ", ")+"; "+suspendText))
	}
}

// webhookOf is the id of the setting that a delivery comes from.
func webhookOf(d *replay.Delivery) string {
	p, err := payload.Decode(d.Body)
	if err != nil {
		return ""
	}
	return p.Webhook.ID
}

// shield warns before the Hub drops deliveries or suspends a webhook.
type shield struct {
	report reporter
	ack    string // of --ack

	mu   sync.Mutex
	all  ledgers
	told map[int]bool // statuses outside 2xx
}

func newShield(report reporter, ack string) *shield {
	return &shield{report: report, ack: ack, all: ledgers{}, told: map[int]bool{}}
}

// load counts what arrived before the session.
func (s *shield) load(ctx context.Context, store replay.Store, until time.Time) error {
	before, err := readLedgers(ctx, store, until)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		s.report.warning(err.Error(), "")
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, l := range before {
		now := s.all.of(id)
		for what, n := range l.counts {
			now.add(what, n)
		}
	}
	return nil
}

// arrived takes a delivery as it arrives.
func (s *shield) arrived(d *replay.Delivery) {
	if len(d.Arrivals) != 1 || d.Verdict != replay.Accepted { // a repeat is no further event
		return
	}
	id := webhookOf(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.all.of(id)
	l.count(d.Received(), 0)
	if l.looked++; id == "" || l.warned || l.looked%lookEvery != 0 {
		return
	}
	if n, _ := l.sums(time.Now()); n >= dailyWarn {
		l.warned = true
		s.report.warning(fmt.Sprintf("webhook %s had %d of the %d deliveries that the Hub gives it in 24 hours", id, n, dailyLimit),
			"what comes after that is dropped; watch less, or ask the Hub for more")
	}
}

// watch puts s in front of what answers the Hub.
func (s *shield) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get(replay.HeaderWebhookID) == "" { // not the Hub
			next.ServeHTTP(w, r)
			return
		}
		seen := &answered{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		if status := cmp.Or(seen.status, http.StatusOK); status/100 != 2 {
			s.failed(status)
		}
	})
}

// answered notes the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = cmp.Or(a.status, status)
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// failed takes an answer outside 2xx, and warns of the first with its status:
// how a stranger fails must not hide how the Hub does.
func (s *shield) failed(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.of("").count(time.Now(), status)
	if s.told[status] {
		return
	}
	s.told[status] = true
	who, why, hint := "the Hub", "", "hfhook inspect last tells more"
	switch {
	case status == http.StatusUnauthorized:
		who, hint = "a request without the secret", enterSecret
	case status == http.StatusForbidden:
		who, hint = "a request with another secret", enterSecret
	case status == http.StatusRequestEntityTooLarge:
		why = ": the body is too large"
	case s.ack == "handler":
		why, hint = " from your handler", "without --ack handler it gets its 200 whatever the handler does"
	}
	s.report.warning(fmt.Sprintf("%s got a %d%s; %s", who, status, why, suspendText), hint)
}

// records tells what was counted, for programs.
func (s *shield) records() []shieldRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var all []shieldRecord
	for _, id := range slices.Sorted(maps.Keys(s.all)) {
		all = append(all, recordLedger(id, s.all[id], now))
	}
	return all
}

type shieldRecord struct {
	recordHead
	Webhook  string         `json:"webhook,omitempty"`
	Received int            `json:"received"`
	Limit    int            `json:"limit"`
	Failed   map[string]int `json:"failed,omitempty"`
}

func recordLedger(id string, l *ledger, now time.Time) shieldRecord {
	received, failed := l.sums(now)
	r := shieldRecord{recordHead: head("shield", now), Webhook: id, Received: received, Limit: dailyLimit}
	for status, n := range failed {
		if r.Failed == nil {
			r.Failed = map[string]int{}
		}
		r.Failed[strconv.Itoa(status)] = n
	}
	return r
}

// failWith reads --fail-with: a status, and how often. It gives the status of
// the next answer; 0: nothing is to fail.
func failWith(text string) (next func() int, err error) {
	code, times, limited := strings.Cut(text, ":")
	status, err := strconv.Atoi(code)
	n := -1
	if err == nil && limited {
		n, err = strconv.Atoi(times)
	}
	if err != nil || status < 300 || status > 599 || limited && n < 1 {
		return nil, usage(fmt.Sprintf("--fail-with %s is no status from 300 to 599, with how often", text), "for example --fail-with 503:3")
	}
	var mu sync.Mutex
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 {
			return 0
		}
		if n > 0 {
			n--
		}
		return status
	}, nil
}
