package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay"
	cmdtarget "github.com/hfhook/hfhook/replay/command"
	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/tunnel"
)

func devCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "dev",
		Usage: "receive webhooks: a public URL, deliveries shown, kept, sent on",
		Description: "Starts the receiver, opens a tunnel, prints the URL to enter at the Hub, and shows and\n" +
			"keeps every delivery. Ctrl-C ends it; on a terminal, ? lists more keys.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "listen", Aliases: []string{"l"}, Usage: "receive on `ADDRESS`, a port or host:port", Value: "127.0.0.1:7860", EnvVars: []string{"HFHOOK_LISTEN"}},
			&cli.StringFlag{Name: "path", Usage: "print the URL with `PATH`; deliveries to other paths are taken too", Value: defaultPath, EnvVars: []string{"HFHOOK_PATH"}},
		}, routeFlags(), []cli.Flag{
			&cli.StringFlag{Name: "ack", Usage: "answer the Hub once a delivery is stored, or with the handler's answer: `store|handler`", Value: "store", EnvVars: []string{"HFHOOK_ACK"}},
			&cli.DurationFlag{Name: "ack-timeout", Usage: "with --ack handler, acknowledge after `TIME` all the same", Value: 8 * time.Second, EnvVars: []string{"HFHOOK_ACK_TIMEOUT"}},
			&cli.StringFlag{Name: "fail-with", Usage: "answer the Hub with the status `CODE[:N]` on purpose, N times or always, to see what it does", EnvVars: []string{"HFHOOK_FAIL_WITH"}},
		}, execFlags("HFHOOK_EXEC"), []cli.Flag{execConcurrencyFlag()}, goalFlags(), registeringFlags(), tunnelFlags(), secretFlags(), []cli.Flag{
			storeFlag(),
			&cli.StringFlag{Name: "keep", Usage: "keep at most `LIMITS`: a number of deliveries, an age, a size; what is left out has no limit", Value: "10000,1GiB", EnvVars: []string{"HFHOOK_KEEP"}},
		}, targetFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line", EnvVars: []string{"HFHOOK_JSON"}, DisableDefaultText: true},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say more about what goes on", EnvVars: []string{"HFHOOK_VERBOSE"}, DisableDefaultText: true},
		}),
		Action: func(c *cli.Context) error {
			outliveReader() // deliveries under way are answered, the tunnel is closed
			d := &dev{c: c}
			if err := d.prepare(); err != nil {
				return err
			}
			return d.run(c.Context)
		},
	}, 0)
}

// dev is one session of hfhook dev.
type dev struct {
	c        *cli.Context
	space    *tunnel.SpaceInfo // nil: not on one
	out      *screen
	reporter reporter
	secret   secret
	routes   routes         // in the order of targets
	only     *replay.Filter // what is shown and sent on; nil: all
	targets  []target
	store    *sqlite.Store
	link     *link
	hub      *registering // nil: the Hub is not asked for anything
	herald   *herald
	keyboard *keyboard // nil: nobody is at one
	shield   *shield
	failWith func() int // the status to answer with on purpose; nil: none
	tally    tally      // of show alone
	showing  showing
	goal     *goal

	dispatcher *replay.Dispatcher // nil: nothing is forwarded

	log, tunnelLog *slog.Logger
}

// prepare checks all that can be checked before anything is opened.
func (d *dev) prepare() error {
	c := d.c
	if info, ok := tunnel.Space(os.Getenv); ok {
		d.space = &info
	}
	if ack := receiver.Ack(c.String("ack")); ack != receiver.AckStore && ack != receiver.AckHandler {
		return usage(fmt.Sprintf("--ack %q is neither store nor handler", ack), "store is the default: the Hub gets its 2xx whatever the handler does")
	}
	if err := checkPath(c); err != nil {
		return err
	}
	var err error
	if d.routes, err = parseRoutes(c.StringSlice("forward")); err != nil {
		return err
	}
	if c.String("ack") == string(receiver.AckHandler) && len(d.routes)+len(c.StringSlice("exec")) == 0 {
		return usage("--ack handler needs a handler", "name it with --forward URL or --exec COMMAND")
	}
	if d.only, err = parseOnly(c.String("only")); err != nil {
		return err
	}
	if d.goal, err = newGoal(d); err != nil {
		return err
	}
	if _, err := replay.ParseKeep(c.String("keep")); err != nil {
		return usage("--"+err.Error(), keepHint)
	}
	if d.secret, err = findSecret(c, true); err != nil {
		return err
	}
	for i, r := range d.routes {
		target, err := newTarget(c, r.address, d.secret.value)
		if err != nil {
			return err
		}
		d.targets = append(d.targets, target)
		d.routes[i].target = target.Name()
	}
	if err := d.routes.checkTargets(c.Bool("first-match")); err != nil {
		return err
	}
	made, err := execTargets(c, d.secret.value, func(l cmdtarget.Line) { d.reporter.output(l) })
	if err != nil {
		return err
	}
	for _, t := range made {
		if slices.ContainsFunc(d.targets, func(other target) bool { return other.Name() == t.Name() }) {
			return usage("two targets are named "+t.Name(), "give each handler once")
		}
		d.targets = append(d.targets, t)
	}

	out, talk := newScreen(c.App.Writer, c.Bool("no-color")), newScreen(c.App.ErrWriter, c.Bool("no-color"))
	d.out = out
	d.reporter = &human{out: out, talk: talk, verbose: c.Bool("verbose"), routes: d.routes}
	if c.Bool("json") {
		d.reporter = &machine{out: out, routes: d.routes}
	}
	d.log, d.tunnelLog = d.newLogs(talk)
	d.keyboard = newKeyboard(d)
	d.shield = newShield(d.reporter, c.String("ack"))
	d.herald = &herald{alarm: d.reporter.warning}
	if text := c.String("fail-with"); text != "" {
		if d.failWith, err = failWith(text); err != nil {
			return err
		}
	}
	if d.hub, err = newRegistering(d); err != nil {
		return err
	}
	d.link, err = newLink(d)
	return err
}

// newLogs makes the session's logs: of what hfhook's own rooms log, warnings
// are reported; of what comes from a tunnel's library, nothing. With --verbose
// all of it is talk.
func (d *dev) newLogs(talk *screen) (own, foreign *slog.Logger) {
	verbose := d.c.Bool("verbose")
	chat := func(text string) {
		if verbose {
			talk.line("%s", talk.dim(payload.Printable(text)))
		}
	}
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	own = slog.New(&logHandler{level: level, say: func(level slog.Level, text string) {
		if level < slog.LevelWarn {
			chat(text)
			return
		}
		d.reporter.warning(text, "")
	}})
	foreign = slog.New(&logHandler{level: level, say: func(_ slog.Level, text string) { chat(text) }})
	return own, foreign
}

// run goes the way in, and back the way out: what was started last ends first,
// so that a delivery under way still reaches the store and its targets.
func (d *dev) run(ctx context.Context) (err error) {
	if d.hub != nil {
		defer d.hub.client.Close()
	}
	local, err := listenLocal(d.c, d.space)
	if err != nil {
		return err
	}
	defer local.Close()
	if d.store, err = openStore(d.c, receiving); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.store.Close()) }()
	file, err := d.storeFile()
	if err != nil {
		return err
	}
	d.herald.sweep(file)
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	d.out.trouble.broken = giveUp // nobody reads any more
	defer d.goal.limit(giveUp)()
	announced := false
	var patience *time.Timer
	watching := make(chan struct{})
	begin := time.Now()
	show := start(ctx, func(ctx context.Context) error { return d.show(ctx, watching) })
	<-watching // before anything can arrive
	count := start(ctx, func(ctx context.Context) error { return d.shield.load(ctx, d.store, begin) })
	defer count.end()
	defer func() {
		err = errors.Join(err, show.end())
		if announced {
			patience.Stop()
			d.tally.waiting, _ = d.countWaiting(context.WithoutCancel(ctx))
			d.tally.filtered = d.showing.hiddenInAll()
			d.tally.goal, d.tally.broken = d.goal.state(), d.goal.failedIDs()
			d.reporter.shield(d.shield.records())
			d.reporter.stopped(d.tally, d.goal.reason(ctx))
		}
		err = d.goal.verdict(ctx, err, announced)
	}()

	waiting, err := d.countWaiting(ctx)
	if err == nil {
		err = d.prepareHub(ctx)
	}
	if err != nil {
		return unlessEnded(ctx, err)
	}

	options := d.receiverOptions()
	if len(d.targets) > 0 {
		var targets []replay.Target
		for _, target := range d.targets {
			defer target.Close()
			targets = append(targets, target)
		}
		dispatcher, err := replay.NewDispatcher(replay.DispatcherOptions{
			Store: d.store, Targets: targets, Notify: d.reporter.hold, Log: d.log,
			Routes: d.routes.filters(targets, d.only), FirstMatch: d.c.Bool("first-match"),
		})
		if err != nil {
			return err
		}
		d.dispatcher, options.Dispatcher = dispatcher, dispatcher
		dispatch := start(ctx, dispatcher.Run)
		defer func() { err = errors.Join(err, dispatch.end()) }()
	}

	server := receiver.New(options)
	if err := server.Err(); err != nil {
		return err
	}
	front := newFront(local.Addr())
	defer front.wait()
	defer local.Close()
	defer d.link.close()
	serving := start(ctx, func(ctx context.Context) error { return server.Serve(ctx, front) })
	defer func() { err = errors.Join(err, serving.end()) }()

	public, err := d.link.open(ctx, front, local)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	if d.hub != nil {
		defer func() { err = errors.Join(err, d.hub.end(ctx)) }()
		if err := d.link.ours(); err != nil {
			return err
		}
		if err := d.hub.start(ctx, public); err != nil {
			return unlessEnded(ctx, err)
		}
	}
	session := d.session(public, local, waiting)
	session.keys = d.keyboard.start(ctx, session.local)
	defer d.keyboard.close()
	d.herald.begin(file, localURL(local), d.link.trustedURL, d.c.String("path"))
	d.reporter.ready(session)
	announced = true
	if d.failWith != nil {
		d.reporter.warning("deliveries are answered with "+d.c.String("fail-with")+" on purpose; "+suspendText, "")
	}

	select {
	case <-ctx.Done():
		err = abnormal(ctx)
	case <-serving.done:
		err = errors.New("the receiver ended")
	case <-d.link.over:
		err = d.link.ended()
	case <-d.goal.reached:
	}
	d.herald.end()
	patience = time.AfterFunc(time.Second, func() {
		d.reporter.warning("finishing what is under way", "Ctrl-C once more ends at once")
	})
	return err
}

// storeFile is the absolute path of the session's store.
func (d *dev) storeFile() (string, error) {
	path, err := storePath(d.c)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// prepareHub repairs what earlier sessions left at the Hub, and finds out
// whether it can be asked for what this one wants.
func (d *dev) prepareHub(ctx context.Context) error {
	if d.hub != nil {
		return d.hub.prepare(ctx)
	}
	client, err := newHubClient(d.c)
	if err != nil {
		return nil // nothing is wanted of it
	}
	defer client.Close()
	registry, err := newRegistry(client)
	if err == nil {
		repair(ctx, registry, d.reporter)
	}
	return nil
}

// reason says why a session ends.
func reason(ctx context.Context) string {
	if cause := context.Cause(ctx); cause != nil {
		return cause.Error()
	}
	return ""
}

// abnormal is the error that ended ctx; a signal is none.
func abnormal(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) { // a signal is one too
		return cause
	}
	return nil
}

// unlessEnded is the error of a step of the way in, or where the session was
// ended meanwhile, what ended it.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return abnormal(ctx)
	}
	return err
}

func (d *dev) receiverOptions() receiver.Options {
	options := receiver.Options{
		NoSecret:   d.secret.source == secretNone,
		AnyPath:    true,
		Wrap:       func(next http.Handler) http.Handler { return d.link.prober.Handler(d.shield.watch(next)) },
		Fail:       d.failWith,
		PublicURL:  d.link.publicURL,
		Store:      d.store,
		Ack:        receiver.Ack(d.c.String("ack")),
		AckTimeout: d.c.Duration("ack-timeout"),
		Late: func(r replay.Receipt) {
			d.reporter.warning(fmt.Sprintf("the handler had no answer for delivery %d after %s, so it was acknowledged without", r.DeliveryID, d.c.Duration("ack-timeout")), "")
		},
		Log: d.log,
		Out: io.Discard, // the program says more
	}
	if d.secret.value != "" {
		options.Secrets = []string{d.secret.value}
	}
	return options
}

// countWaiting counts the deliveries that are still to be sent.
func (d *dev) countWaiting(ctx context.Context) (int, error) {
	waiting := map[int64]bool{} // one may wait for several targets
	for _, target := range d.targets {
		for delivery, err := range d.store.List(ctx, replay.Filter{Queued: target.Name()}) {
			if err != nil {
				return 0, fmt.Errorf("look for deliveries that wait: %w", err)
			}
			waiting[delivery.ID] = true
		}
	}
	return len(waiting), nil
}

// show reports what becomes known to the store, in the order in which it did.
// It closes watching when nothing can be missed any more.
func (d *dev) show(ctx context.Context, watching chan<- struct{}) error {
	news := d.store.Watch(ctx)
	close(watching)
	for {
		err := d.showNews(context.WithoutCancel(ctx), news)
		if err == nil {
			return nil
		}
		d.reporter.warning(fmt.Sprintf("cannot read the store: %s", err), "")
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
		news = d.store.Watch(ctx)
	}
}

func (d *dev) showNews(ctx context.Context, watched iter.Seq2[replay.News, error]) error {
	for news, err := range watched {
		switch {
		case err != nil:
			return err
		case news.Arrival != nil:
			d.link.watcher.arrived()
			d.shield.arrived(news.Arrival)
			d.tally.arrivals++
			if news.Arrival.Verdict == replay.Accepted {
				d.tally.accepted++
			} else {
				d.tally.rejected++
			}
			switch {
			case !d.shows(news.Arrival):
				d.tally.hidden++
			case d.showing.arrival(news.Arrival):
				d.reporter.delivery(news.Arrival)
			}
			d.keyboard.changed()
			d.goal.arrived(ctx, news.Arrival)
		case news.Attempt != nil:
			d.tally.attempts++
			if !news.Attempt.OK() {
				d.tally.failed++
			}
			if d.showsAttempt(ctx, news.Attempt) && d.showing.attempt(ctx, d.store, news.Attempt) {
				d.reporter.attempt(news.Attempt)
			}
			d.goal.attempted(ctx, news.Attempt)
		}
	}
	return nil
}

// session gathers what the person needs to know.
func (d *dev) session(public *url.URL, local net.Listener, waiting int) session {
	s := session{
		local:  localURL(local).JoinPath(d.c.String("path")).String(),
		tunnel: d.link.name, carrier: d.link.carrier, public: public != nil,
		secret: d.secret, waiting: waiting, only: d.onlyText(), ends: d.goal.text(),
	}
	if d.hub != nil {
		s.webhook, s.aboutWebhook = d.hub.reg.ID(), d.hub.about()
	}
	s.url = s.local
	if public != nil {
		s.url = public.JoinPath(d.c.String("path")).String()
	}
	s.store, _ = storePath(d.c)
	for _, target := range d.targets {
		s.targets = append(s.targets, target.Name())
	}
	return s
}
