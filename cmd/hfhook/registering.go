package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/tunnel"
)

func registeringFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "watch", Aliases: []string{"w"}, Usage: "have the Hub deliver here what happens to `TYPE:NAME`: model, dataset, space, bucket, kernel, user or org; may be repeated. The webhook is made for the session and deleted at its end", EnvVars: []string{"HFHOOK_WATCH"}},
		&cli.StringSliceFlag{Name: "domain", Usage: "with --watch, only these `EVENTS` instead of all: repo or discussion; may be repeated", EnvVars: []string{"HFHOOK_DOMAIN"}},
		&cli.StringFlag{Name: "webhook", Usage: "point the webhook `ID` here for the session; at its end it is as it was", EnvVars: []string{"HFHOOK_WEBHOOK"}},
		&cli.BoolFlag{Name: "takeover", Usage: "with --webhook, take over one that is in use without asking", EnvVars: []string{"HFHOOK_TAKEOVER"}, DisableDefaultText: true},
		&cli.BoolFlag{Name: "keep-webhook", Usage: "with --watch, disable the webhook at the end instead of deleting it", EnvVars: []string{"HFHOOK_KEEP_WEBHOOK"}, DisableDefaultText: true},
	}
}

const (
	// outageTime without a way here is followed by disabling the webhook: the
	// Hub would suspend one that keeps failing.
	outageTime = 5 * time.Minute

	// releaseTime bounds what is asked of the Hub at the end of a session.
	releaseTime = 10 * time.Second
)

// registering has the Hub deliver to a session. Its worker makes what is wanted
// true, one call after the other, and again until the Hub does it.
type registering struct {
	c      *cli.Context
	report reporter
	secret secret

	watched []hub.Watched
	domains []hub.Domain
	borrow  string // id; empty: one is made

	client   *hub.Client
	registry *registration.Registry
	reg      *registration.Registration
	worker   *task

	changed chan struct{} // receives after something else is wanted
	mu      sync.Mutex
	want    standing
}

// standing is how a webhook stands to the session.
type standing struct {
	url      string
	paused   bool // nothing arrives
	stranger bool // somebody else answers under the URL
	looks    int  // counts how often it was to be looked after
}

// newRegistering reads the flags; nil: nothing is asked of the Hub.
func newRegistering(d *dev) (*registering, error) {
	c := d.c
	r := &registering{c: c, report: d.reporter, secret: d.secret, borrow: c.String("webhook"), changed: make(chan struct{}, 1)}
	var err error
	if r.watched, err = watchedOf(c); err != nil {
		return nil, err
	}
	if r.domains = words[hub.Domain](c, "domain"); len(r.domains) == 0 {
		r.domains = []hub.Domain{hub.DomainRepo, hub.DomainDiscussion}
	}
	made, borrowed := len(r.watched) > 0, r.borrow != ""
	switch {
	case made && borrowed:
		return nil, usage("--watch and --webhook exclude each other", "--watch makes a webhook for the session, --webhook borrows one that is there")
	case !made && (c.IsSet("domain") || c.Bool("keep-webhook")):
		return nil, usage("--domain and --keep-webhook go with --watch", "for example hfhook dev --watch model:acme/bert")
	case !borrowed && c.Bool("takeover"):
		return nil, usage("--takeover goes with --webhook", "hfhook webhooks list shows the ids")
	case !made && !borrowed:
		return nil, nil
	}
	if r.client, err = newHubClient(c); err != nil {
		return nil, err
	}
	return r, nil
}

// newRegistry has the journal in the state folder.
func newRegistry(client *hub.Client) (*registration.Registry, error) {
	folder, err := stateFolder()
	if err != nil {
		return nil, err
	}
	return registration.New(registration.Options{Client: client, Folder: filepath.Join(folder, "journal")}), nil
}

// repair undoes at the Hub what sessions left that were killed, and tells.
func repair(ctx context.Context, registry *registration.Registry, tell warner) {
	for _, o := range registry.Repair(ctx) {
		text := o.Text
		if o.Kind != registration.Skipped {
			text = "an earlier session did not end in order: " + text
		}
		tell.warning(text, o.Hint)
	}
}

// prepare finds out whether the Hub can be asked at all, before anything is
// opened for it.
func (r *registering) prepare(ctx context.Context) (err error) {
	if r.registry, err = newRegistry(r.client); err != nil {
		return err
	}
	repair(ctx, r.registry, r.report)
	who, err := r.client.WhoAmI(ctx)
	if err != nil {
		return err
	}
	if who.Write == hub.Denied {
		return &problem{exitHub, fmt.Sprintf("give it %s at %s/settings/tokens, or use a token with the role write", hub.RightWrite, r.client.Endpoint()),
			errors.New("the token may not change webhooks")}
	}
	return nil
}

// start has the Hub deliver to the public URL.
func (r *registering) start(ctx context.Context, public *url.URL) (err error) {
	if public == nil {
		return &tunnel.Error{Code: "missing", Permanent: true,
			Detail: "there is no public URL that the Hub could deliver to", Hint: "choose a tunnel with --tunnel, or name the URL with --public-url"}
	}
	have := standing{url: r.address(public)}
	r.wish(func(s *standing) { s.url = cmp.Or(s.url, have.url) }) // it may have changed by now
	if r.borrow == "" {
		r.reg, err = r.registry.Create(ctx, hub.Settings{
			URL: have.url, Watched: r.watched, Domains: r.domains, Secret: hub.Secret(r.secret.value),
		})
	} else {
		r.reg, err = r.take(ctx, have.url, r.c.Bool("takeover"))
		used, inUse := errors.AsType[*registration.InUseError](err)
		if inUse && canAsk(r.c) {
			var yes bool
			if yes, err = confirm(r.c, payload.Printable(used.Error())+". Point it here for this session?"); err == nil && !yes {
				err = failed(errors.New("the webhook is left as it is"), "--watch makes one for the session")
			}
			if yes {
				r.reg, err = r.take(ctx, have.url, true)
			}
		} else if inUse {
			err = failed(err, "--takeover takes it over on purpose; --watch makes one for the session")
		}
	}
	switch {
	case errors.Is(err, hub.ErrSecretUnknown):
		return &problem{exitUsage, "give its secret in WEBHOOK_SECRET, or make a webhook for the session with --watch", err}
	case err != nil:
		return refusedWatch(err, r.watched)
	}
	r.worker = start(ctx, func(ctx context.Context) error { return r.work(ctx, have) })
	return nil
}

func (r *registering) take(ctx context.Context, url string, takeover bool) (*registration.Registration, error) {
	loan := registration.Loan{URL: url, Secret: hub.Secret(r.secret.value), Takeover: takeover}
	if r.secret.source == secretGiven { // the webhook's own, if it has one that the Hub does not show
		loan.Own = loan.Secret
	}
	return r.registry.Borrow(ctx, r.borrow, loan)
}

// address is what the Hub is to deliver to.
func (r *registering) address(public *url.URL) string {
	return public.JoinPath(r.c.String("path")).String()
}

// about says in words what the Hub was told.
func (r *registering) about() string {
	if r.borrow != "" {
		return r.reg.ID() + "  yours, put back at the end"
	}
	var names []string
	for _, w := range r.watched {
		names = append(names, string(w.Type)+":"+w.Name)
	}
	end := "deleted"
	if r.c.Bool("keep-webhook") {
		end = "disabled"
	}
	return fmt.Sprintf("%s  for %s, %s at the end", r.reg.ID(), strings.Join(names, " "), end)
}

// wish changes what is wanted.
func (r *registering) wish(change func(*standing)) {
	if r == nil {
		return
	}
	r.mu.Lock()
	change(&r.want)
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// point follows a new public URL.
func (r *registering) point(public *url.URL) {
	r.wish(func(s *standing) { s.url, s.stranger = r.address(public), false })
}

// distrust says that somebody else would get the deliveries.
func (r *registering) distrust() { r.wish(func(s *standing) { s.stranger = true }) }

// outage says that nothing has arrived for long, or arrives again.
func (r *registering) outage(over bool) {
	r.wish(func(s *standing) {
		s.paused = !over
		if over { // the Hub may have suspended it meanwhile
			s.looks++
		}
	})
}

func (r *registering) wanted() standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.want
}

// work makes what is wanted true; have is how the webhook stands.
func (r *registering) work(ctx context.Context, have standing) error {
	trouble := ""
	for failures := 0; ; {
		var again <-chan time.Time
		if want := r.wanted(); want != have {
			err := r.make(ctx, &have, want)
			switch {
			case err == nil:
				failures, trouble = 0, ""
				continue
			case ctx.Err() != nil:
				return nil
			case errors.Is(err, registration.ErrOver), errors.Is(err, registration.ErrChanged), errors.Is(err, hub.ErrNotFound):
				r.warn(err, "deliveries may not arrive any more")
				return nil
			}
			if text := err.Error(); text != trouble {
				trouble = text
				r.warn(err, "it is tried again")
			}
			again = time.After(tunnel.Backoff(failures))
			failures++
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.changed:
		case <-again:
		}
	}
}

func (r *registering) warn(err error, otherwise string) {
	_, hint := explain(err)
	if hint == "" {
		hint = otherwise
	}
	r.report.warning(err.Error(), hint)
}

// make brings have a step nearer to want.
func (r *registering) make(ctx context.Context, have *standing, want standing) error {
	switch {
	case have.url != want.url:
		if err := r.reg.Point(ctx, want.url); err != nil {
			return err
		}
		have.url = want.url
		r.tell("pointed", "webhook "+r.reg.ID()+" points to the new public URL")
	case want.paused || want.stranger:
		if err := r.reg.Pause(ctx); err != nil {
			return err
		}
		*have = want
		text := fmt.Sprintf("nothing arrives for more than %s: webhook %s is disabled, so that the Hub does not suspend it", durationText(outageTime), r.reg.ID())
		if want.stranger {
			text = fmt.Sprintf("somebody else answers under the public URL: webhook %s is disabled, so that he does not get the secret", r.reg.ID())
		}
		r.tell("paused", text)
	default:
		if err := r.reg.Resume(ctx); err != nil {
			return err
		}
		if have.paused || have.stranger {
			r.tell("resumed", "deliveries arrive again: webhook "+r.reg.ID()+" is enabled")
		}
		*have = want
	}
	return nil
}

func (r *registering) tell(state, text string) {
	r.report.registration(r.reg.ID(), state, r.wanted().url, text)
}

// end leaves the Hub as it was found.
func (r *registering) end(ctx context.Context) error {
	if r.reg == nil {
		return nil
	}
	if r.worker != nil {
		_ = r.worker.end()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	o := r.reg.Release(ctx, r.c.Bool("keep-webhook"))
	switch o.Kind {
	case registration.Failed:
		return &problem{exitHub, "the next hfhook command that talks to the Hub tries again", errors.New(o.Text)}
	case registration.LeftAlone, registration.Gone, registration.Skipped:
		r.report.warning(o.Text, o.Hint)
	default:
		r.report.registration(r.reg.ID(), string(o.Kind), "", o.Text)
	}
	return nil
}
