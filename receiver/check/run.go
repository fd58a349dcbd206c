package check

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
	"github.com/hfhook/hfhook/replay"
)

// run is one check of a handler. Cases are run one after the other; what they
// send may be sent at the same time.
type run struct {
	o       Options
	target  *replay.HTTPTarget
	patient *replay.HTTPTarget           // with more time, for clients that are slow
	proxied bool                         // requests go through a proxy
	bodies  map[string]*sample.Generator // by the repo, see generator
	first   parcel                       // the very first delivery
	report  Report
	silent  int // cases in a row that waited for an answer in vain

	mu  sync.Mutex
	now tally // of the case that is run
}

// tally is what was seen while a case was run.
type tally struct {
	requests int
	slowest  time.Duration
	silent   bool // an answer did not come in time
	gone     bool // no connection could be had
}

// usesProxy reports whether requests to a URL go through a proxy.
func usesProxy(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return false
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	return proxy != nil || err != nil
}

func (r *run) close() {
	r.target.Close()
	r.patient.Close()
}

// all runs the cases.
func (r *run) all(ctx context.Context) (*Report, error) {
	r.first = r.event("discussion.create.pr", "")
	a := r.send(ctx, r.first)
	switch {
	case ctx.Err() != nil:
		return r.interrupted(ctx)
	case slices.Contains([]replay.Failure{replay.FailRefused, replay.FailDNS, replay.FailTLS}, a.Failure):
		return nil, fmt.Errorf("%w: %s", ErrNobody, a.Error)
	}
	basic := r.judgeFirst(a)
	bad := ""
	for _, c := range basics {
		took := time.Duration(0)
		if c.Requests > 0 {
			took = a.Duration
		}
		r.finish(c, basic[c.Name], took)
		if basic[c.Name].verdict == Fail {
			bad = c.Name
		}
	}
	for _, c := range cases[len(basics):] {
		started := time.Now()
		o, wanted := r.without(c, bad)
		if !wanted {
			continue
		}
		if o.verdict == "" {
			o = c.run(ctx, r)
		}
		if ctx.Err() != nil {
			return r.interrupted(ctx)
		}
		r.finish(c, o, time.Since(started))
	}
	return &r.report, nil
}

func (r *run) interrupted(ctx context.Context) (*Report, error) {
	r.report.Stopped = "interrupted"
	return &r.report, context.Cause(ctx)
}

// without gives the outcome of a case that cannot be run, and reports whether
// somebody wants to hear of it.
func (r *run) without(c Case, bad string) (o outcome, wanted bool) {
	if slices.Contains(r.o.Skip, c.Name) || len(r.o.Only) > 0 && !slices.Contains(r.o.Only, c.Name) {
		return outcome{}, false
	}
	switch {
	case bad != "":
		o = outcome{Skipped, "", bad + " failed"}
	case r.report.Stopped != "":
		o = outcome{Skipped, "", r.report.Stopped}
	case c.secret && r.o.Secret == "":
		o = outcome{Skipped, "", noSecretKnown}
	case c.direct && r.proxied:
		o = outcome{Skipped, "", "this cannot be done through a proxy, and HTTP_PROXY or HTTPS_PROXY names one"}
	case c.needs != "" && slices.ContainsFunc(r.report.Results, func(before Result) bool { return before.Name == c.needs && before.Verdict == Fail }):
		o = outcome{Skipped, "", c.needs + " failed"}
	}
	return o, true
}

// maxSilent is how many cases in a row may wait in vain, so that the time that
// a check takes is bounded.
const maxSilent = 3

// finish notes the result of a case.
func (r *run) finish(c Case, o outcome, took time.Duration) {
	r.mu.Lock()
	seen := r.now
	r.now = tally{}
	r.mu.Unlock()

	result := Result{
		Name: c.Name, About: c.About, Want: c.Want, Came: o.came, Verdict: o.verdict, Why: o.why,
		Requests: seen.requests, Duration: took, Slowest: seen.slowest,
	}
	if o.verdict == Fail && c.mild {
		result.Verdict = Warn
	}
	if o.why == "" && (result.Verdict == Fail || result.Verdict == Warn) {
		result.Why = c.why
	}
	r.report.Results = append(r.report.Results, result)
	r.report.Requests += seen.requests
	if seen.slowest > r.report.Slowest {
		r.report.Slowest, r.report.SlowestCase = seen.slowest, c.Name
	}
	switch {
	case seen.gone:
		r.report.Stopped = "nobody listens there any more"
	case seen.silent:
		if r.silent++; r.silent == maxSilent && !c.Basic {
			r.report.Stopped = fmt.Sprintf("%d cases in a row got no answer within %v", maxSilent, r.o.Patience)
		}
	case seen.requests > 0:
		r.silent = 0
	}
	if r.o.Progress != nil {
		r.o.Progress(result)
	}
}

// parcel is a delivery with a word for it.
type parcel struct {
	what string
	*replay.Delivery
}

// event makes a delivery of an event, about a repo of a type or the event's
// first. It is called by one goroutine at a time.
func (r *run) event(name string, kind payload.RepoType) parcel {
	suffix := "" // what comes later is about a repo that is still there
	switch {
	case strings.HasPrefix(name, "repo.delete"):
		suffix = "-deleted"
	case strings.HasPrefix(name, "repo.move"):
		suffix = "-moved"
	}
	body, err := r.generator(kind, suffix).Next(name)
	if err != nil {
		panic("check: " + err.Error()) // the table of cases is wrong
	}
	what := name
	if kind != "" {
		what += " of a " + string(kind)
	}
	return r.parcel(what, body)
}

// generator makes events about a repo of a type.
func (r *run) generator(kind payload.RepoType, suffix string) *sample.Generator {
	name := string(kind) + suffix
	if r.bodies[name] == nil {
		seed := r.o.Seed + uint64(len(r.bodies)) // with the same one, ids would be the same
		r.bodies[name] = sample.NewGenerator(sample.Options{Type: kind, Repo: r.o.Repo + suffix, Seed: seed})
	}
	return r.bodies[name]
}

// parcel makes a delivery of a body, as the Hub would send it.
func (r *run) parcel(what string, body []byte) parcel {
	id := r.generator("", "").WebhookID()
	header := http.Header{
		"Content-Type":         {"application/json"},
		"User-Agent":           {"hfhook-check"}, // the Hub's is not documented
		replay.HeaderWebhookID: {id},
	}
	if r.o.Secret != "" {
		header[replay.HeaderSecret] = []string{replay.Redacted} // put in by the target
	}
	return parcel{what, &replay.Delivery{WebhookID: id, Method: http.MethodPost, Path: "/", Header: header, Body: body}}
}

// send sends a delivery, whose answer has to come in time.
func (r *run) send(ctx context.Context, p parcel) *replay.Attempt {
	return r.timed(ctx, true, func() *replay.Attempt { return r.target.Send(ctx, p.Delivery) })
}

// sendRaw sends a delivery over a connection of its own, see replay.SendRaw.
func (r *run) sendRaw(ctx context.Context, t *replay.HTTPTarget, p parcel, write func(conn net.Conn, head, body []byte)) *replay.Attempt {
	r.target.Close() // some handlers have one connection at a time
	return r.timed(ctx, false, func() *replay.Attempt { return t.SendRaw(ctx, p.Delivery, write) })
}

func (r *run) timed(ctx context.Context, counts bool, send func() *replay.Attempt) *replay.Attempt {
	started := time.Now()
	a := send()
	a.Duration = time.Since(started)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.requests++
	switch {
	case a.Failure == replay.FailRefused:
		r.now.gone = true
	case !counts:
	case a.Failure == replay.FailTimeout:
		r.now.silent = true
		fallthrough
	default:
		r.now.slowest = max(r.now.slowest, a.Duration)
	}
	return a
}

// taken sends deliveries one after the other, which all need a 2xx. It ends at
// the first that gets no answer.
func (r *run) taken(ctx context.Context, parcels ...parcel) outcome {
	var attempts []*replay.Attempt
	for _, p := range parcels {
		a := r.send(ctx, p)
		attempts = append(attempts, a)
		if a.Failure == replay.FailTimeout || a.Failure == replay.FailRefused {
			break
		}
	}
	return r.allTaken(parcels, attempts)
}

// allTaken judges the answers to deliveries that all need a 2xx.
func (r *run) allTaken(parcels []parcel, attempts []*replay.Attempt) outcome {
	var first string
	var bad int
	var slowest time.Duration
	for i, a := range attempts {
		slowest = max(slowest, a.Duration)
		if a.OK() {
			continue
		}
		if bad++; bad == 1 {
			first = r.came(a)
			if len(parcels) > 1 {
				first = parcels[i].what + ": " + first
			}
		}
	}
	switch {
	case bad > 1:
		return outcome{Fail, fmt.Sprintf("%s; and %d more of %d", first, bad-1, len(parcels)), ""}
	case bad == 1:
		return outcome{Fail, first, ""}
	case len(attempts) == 1:
		return outcome{Pass, r.came(attempts[0]), ""}
	}
	return outcome{Pass, fmt.Sprintf("%d answers of 2xx, each within %s", len(attempts), durationText(slowest)), ""}
}

// talkedFirst is how net/http puts that something came unasked.
const talkedFirst = "readLoopPeekFailLocked: %!w(<nil>)"

// came says what came, in one line that is harmless to print.
func (r *run) came(a *replay.Attempt) string {
	var text string
	switch {
	case a.Failure == replay.FailBroken, a.Failure == replay.FailOther:
		text = "no HTTP answer: " + strings.ReplaceAll(a.Error, talkedFirst, "something came before the request was sent")
		if a.Status != 0 {
			text = statusText(a.Status) + ", but " + a.Error
		}
	case a.Status == 0:
		text = a.Error
	case a.Failure != "":
		text = statusText(a.Status) + ", but " + a.Error
	case a.OK():
		text = statusText(a.Status) + " in " + durationText(a.Duration)
	default:
		text = statusText(a.Status)
		if body := strings.TrimSpace(string(a.Body)); body != "" {
			text += ": " + body
		}
	}
	return shorten(payload.Printable(text))
}

// shorten cuts a text that is too long for a line.
func shorten(text string) string {
	const most = 200
	for i := range text {
		if i > most {
			return text[:i] + "…"
		}
	}
	return text
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// durationText is a time for people: 1.2 ms, 350 ms, 2.5 s.
func durationText(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
