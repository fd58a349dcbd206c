package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/tunnel"
)

const (
	wayTries  = 3 // of a carrier: doctor is not as patient as dev
	wayProbe  = 15 * time.Second
	waySample = 10 * time.Second
)

const otherTunnel = "choose another with --tunnel"

// checkWay sends a sample delivery the way of the Hub's.
func (d *doctor) checkWay(ctx context.Context) {
	const name = "path"
	if d.chooseErr != nil {
		d.say(ctx, skippedCheck(name, "there is no tunnel to try"))
		return
	}
	if d.local == nil {
		if d.carriers[0].name() == "none" && d.public() {
			d.say(ctx, skippedCheck(name, "%s leads to an address that cannot be listened on", d.carriers[0].url))
			return
		}
		var err error // any other does for a tunnel
		if d.local, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			d.say(ctx, troubleOf(name, checkFailed, err))
			return
		}
	}
	way, err := d.measure(ctx)
	if err == nil {
		d.say(ctx, d.verdict(way))
		d.showWay(ctx, way)
		return
	}
	f := troubleOf(name, checkFailed, err)
	if e, ok := errors.AsType[*tunnel.ProbeError](err); ok {
		f.hint = e.Hint
	}
	f.hint = cmp.Or(f.hint, otherTunnel)
	if code := tunnelCode(err); d.user != nil && (code == "taken" || code == "limit") {
		f.state, f.hint = checkWarning, d.running()+" may have it: end that one, and run hfhook doctor again"
	}
	d.say(ctx, f)
}

// verdict is about a way that a delivery came.
func (d *doctor) verdict(w *way) finding {
	f := good("path", "%s leads here: %d bytes came unchanged, were let in and stored, all in %s", w.url, w.size, millis(w.total))
	switch {
	case w.public:
	case !d.public():
		f = finding{f.name, checkWarning, fmt.Sprintf("%s works, but only from this machine: without a tunnel the Hub cannot reach it", w.url),
			"leave out --tunnel none, or pass --public-url URL"}
	default:
		f = finding{f.name, checkFailed, fmt.Sprintf("no tunnel could be opened, so the Hub cannot reach this machine; %s works, but only from here", w.url),
			"mend one of the tunnels above, or choose another with --tunnel"}
	}
	return f
}

// measure receives on d.local and behind a tunnel, with a store that is thrown
// away, and times one delivery.
func (d *doctor) measure(ctx context.Context) (_ *way, err error) {
	if d.folder == "" {
		if d.folder, err = os.MkdirTemp("", ".hfhook-doctor-"); err != nil {
			return nil, fmt.Errorf("make room for a sample delivery: %w", pathProblem(err))
		}
	}
	store, err := sqlite.Open(ctx, filepath.Join(d.folder, "sample.db"), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer store.Close()

	s := &trial{Store: store, id: rand.Text(), secret: rand.Text()}
	prober := tunnel.NewProber()
	prober.Version = version
	server := receiver.New(receiver.Options{
		Secrets: []string{s.secret}, AnyPath: true, Store: s,
		Wrap:  func(next http.Handler) http.Handler { return prober.Handler(s.gate(next)) },
		Grace: time.Second, Out: io.Discard, Log: slog.New(slog.DiscardHandler),
	})
	front := newFront(d.local.Addr())
	defer front.wait()
	defer d.local.Close()
	var opened tunnel.Tunnel
	defer func() {
		if opened != nil {
			opened.Close()
		}
	}()
	serving := start(ctx, func(ctx context.Context) error { return server.Serve(ctx, front) })
	defer func() { _ = serving.end() }()
	if d.carriers[0].name() == "none" {
		d.carriers[0].provider = tunnel.None{Listener: d.local}
	} else {
		front.add(d.local)
	}

	w := &way{tunnel: "none", size: len(sampleBody)}
	began := time.Now()
	var by carrier
	opened, by, err = opening{
		within: tunnel.OpenTimeout, tries: wayTries,
		trying: func(string) {},
		notify: func(tunnel.Event, bool) {},
		skipped: func(provider string, err error) {
			f := troubleOf("tunnel", checkWarning, err)
			f.detail, f.hint = "skipped "+provider+": "+f.detail, cmp.Or(f.hint, otherTunnel)
			d.say(ctx, f)
		},
	}.first(ctx, d.carriers)
	if err != nil {
		return nil, err
	}
	base := localURL(d.local)
	if opened != nil {
		front.add(opened)
		w.tunnel = by.name()
		if public := opened.URL(); public != nil {
			base, w.public, w.open = public, true, time.Since(began)
		}
	}
	if w.public {
		within, cancel := context.WithTimeout(ctx, wayProbe)
		defer cancel()
		if err := look(within, prober.Probe, base, 3); err != nil {
			return nil, err
		}
	}
	w.url = base.JoinPath(d.c.String("path"))
	return w, s.send(ctx, w)
}

// trial is a delivery, and the store that it is to arrive in. Both its id and
// its secret are made up: it is no business of the real ones.
type trial struct {
	replay.Store
	id, secret string

	arrived, stored atomic.Pointer[time.Time]
	delivery        atomic.Int64
	strangers       atomic.Int64 // requests that were refused
}

// sampleBody has what something on the way might change, did it read JSON:
// blanks, the order of keys, escapes, letters outside ASCII, a line end.
// Its ids name nothing at the Hub.
const sampleBody = `{ "event": {"scope": "discussion", "action": "create"},
  "repo": {"type": "model", "name": "some-user/some-repo", "id": "6366c000a2abcdf2fd69a080", "private": false,
    "url": {"web": "https://huggingface.co/some-user/some-repo", "api": "https://huggingface.co/api/models/some-user/some-repo"},
    "owner": {"id": "61d2000c3c2083e1c08af22d"}},
  "discussion": {"id": "639885d811ae2bad2b7ba461", "num": 1, "title": "Gr\u00fc\u00DFe, 你好 🤗 & <b>hello<\/b>", "status": "open",
    "url": {"web": "https://huggingface.co/some-user/some-repo/discussions/1", "api": "https://huggingface.co/api/models/some-user/some-repo/discussions/1"},
    "author": {"id": "61d2000c3c2083e1c08af22d"}, "isPullRequest": false},
  "webhook": {"version": 3, "id": "6390e855e30d9209411de93b"} }
`

// gate lets the sample in, and nothing else: what the Hub delivers meanwhile
// is not for a store that is thrown away. It comes again.
func (s *trial) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(replay.HeaderWebhookID) != s.id && r.Header.Get(replay.HeaderSecret) != s.secret {
			s.strangers.Add(1)
			w.Header().Set("Retry-After", "60")
			http.Error(w, "hfhook doctor is at work here: try again later", http.StatusServiceUnavailable)
			return
		}
		s.arrived.CompareAndSwap(nil, new(time.Now()))
		next.ServeHTTP(w, r)
	})
}

// Append keeps the sample and takes the time.
func (s *trial) Append(ctx context.Context, in replay.Incoming) (replay.Receipt, error) {
	receipt, err := s.Store.Append(ctx, in)
	if err == nil && s.stored.CompareAndSwap(nil, new(time.Now())) {
		s.delivery.Store(receipt.DeliveryID)
	}
	return receipt, err
}

// send posts the sample and checks what came of it.
func (s *trial) send(ctx context.Context, w *way) error {
	ctx, cancel := context.WithTimeout(ctx, waySample)
	defer cancel()
	var t timings
	request, err := http.NewRequestWithContext(t.trace(ctx), http.MethodPost, w.url.String(), bytes.NewReader([]byte(sampleBody)))
	if err != nil {
		return err
	}
	request.Close = true
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "hfhook/"+version)
	request.Header.Set(replay.HeaderWebhookID, s.id)
	request.Header.Set(replay.HeaderSecret, s.secret)
	if via, err := http.ProxyFromEnvironment(request); err == nil && via != nil {
		w.proxy = (&url.URL{Scheme: via.Scheme, Host: via.Host}).String()
	}
	begin := time.Now()
	answer, err := directly.Do(request)
	if err != nil {
		return fmt.Errorf("the sample delivery to %s got no answer (%s)", w.url, requestProblem(err))
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)); err != nil {
		return fmt.Errorf("the answer to the sample delivery broke off (%s)", requestProblem(err))
	}
	end := time.Now()
	if err := s.compare(ctx, w, answer.StatusCode); err != nil {
		return err
	}
	t.mark(&t.arrived, *s.arrived.Load())
	t.mark(&t.stored, *s.stored.Load())
	w.times(&t, begin, end)
	return nil
}

// directly makes requests as a Prober does: through the proxies of the
// environment, and no redirect is followed.
var directly = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// requestProblem says in a few words why there was no answer.
func requestProblem(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return tunnel.DialProblem(err)
}

// compare says what is not as it was sent.
func (s *trial) compare(ctx context.Context, w *way, status int) error {
	const changes = "something on the way changes requests: check the proxy in front of the receiver, or use another tunnel"
	switch {
	case s.arrived.Load() == nil && s.strangers.Load() > 0 && status == http.StatusServiceUnavailable:
		return failed(errors.New("the sample delivery came without Webhook-Id and X-Webhook-Secret"), changes)
	case s.arrived.Load() == nil:
		return failed(fmt.Errorf("the sample delivery did not come: something else answers POST requests to %s (%d %s)", w.url, status, http.StatusText(status)),
			"check the proxy in front of the receiver: it has to pass on POST requests")
	case s.stored.Load() == nil:
		return failed(fmt.Errorf("the sample delivery came and was not stored: the answer is %d %s", status, http.StatusText(status)), "see what the check of the store says")
	}
	d, err := s.Get(ctx, s.delivery.Load())
	if err != nil {
		return err
	}
	switch {
	case string(d.Body) != sampleBody && d.Verdict == replay.Accepted:
		return failed(fmt.Errorf("the sample delivery came changed: %d bytes were sent, and %d others came", len(sampleBody), len(d.Body)), changes)
	case d.Verdict != replay.Accepted:
		return failed(fmt.Errorf("the sample delivery came and is %s (%s)", d.Verdict, d.Reason), changes)
	case d.WebhookID != s.id:
		return failed(errors.New("the sample delivery came without its Webhook-Id"), changes)
	case status != http.StatusOK:
		return failed(fmt.Errorf("the sample delivery was stored, but the answer is %d %s", status, http.StatusText(status)), changes)
	}
	return nil
}
