package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/tunnel"
)

// doctorTime bounds all of hfhook doctor.
const doctorTime = time.Minute

func doctorCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "doctor",
		Usage: "find what keeps deliveries from arriving, and time their way",
		Description: "Looks at everything that hfhook dev needs, and says what to do about what is\n" +
			"wrong. At the end it opens the tunnel, posts a sample delivery through the\n" +
			"public URL, and times each step of its way. It leaves everything as it was;\n" +
			"what the Hub delivers meanwhile is refused, so that it comes again.",
		Flags: doctorFlags(),
		Action: func(c *cli.Context) error {
			outliveReader()
			d := &doctor{c: c, out: newScreen(c.App.Writer, c.Bool("no-color"))}
			if err := d.prepare(); err != nil {
				return err
			}
			return d.run(c.Context)
		},
	}, 0)
}

// doctorFlags are those of hfhook dev that say how deliveries arrive.
func doctorFlags() []cli.Flag {
	names := []string{"listen", "path", "json"}
	for _, f := range slices.Concat(tunnelFlags(), secretFlags(), []cli.Flag{storeFlag()}) {
		names = append(names, f.Names()[0])
	}
	return slices.DeleteFunc(devCommand().Flags, func(f cli.Flag) bool {
		name := f.Names()[0]
		return name == "no-probe" || !slices.Contains(names, name)
	})
}

// doctor is one run of hfhook doctor. One goroutine does everything but what
// work waits for.
type doctor struct {
	c     *cli.Context
	out   *screen
	space *tunnel.SpaceInfo // nil: not on one

	local     net.Listener // on the address of --listen
	listenErr error        // why there is none
	carriers  []carrier    // those that hfhook dev would try
	chooseErr error        // why there are none

	folder string             // for a store of its own; empty: there is none yet
	user   *sqlite.InUseError // the hfhook dev that runs on the real store; nil: none
	work   sync.WaitGroup     // checks that run at the same time

	failed, warnings int
}

// prepare refuses wrong usage before anything is said.
func (d *doctor) prepare() error {
	if info, ok := tunnel.Space(os.Getenv); ok {
		d.space = &info
	}
	if err := checkPath(d.c); err != nil {
		return err
	}
	isUsage := func(err error) bool {
		code, _ := explain(err)
		return code == exitUsage
	}
	if _, err := findSecret(d.c, false); isUsage(err) && d.c.Bool("no-secret") {
		return err
	}
	if d.carriers, d.chooseErr = chooseCarriers(d.c, d.space); isUsage(d.chooseErr) {
		return d.chooseErr
	}
	if d.local, d.listenErr = listenLocal(d.c, d.space); isUsage(d.listenErr) {
		return d.listenErr
	}
	return nil
}

// errTooLong ends what does not fit into doctorTime.
var errTooLong = errors.New("hfhook doctor takes no longer than " + doctorTime.String())

func (d *doctor) run(ctx context.Context) error {
	defer d.cleanUp()
	defer d.work.Wait()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	d.out.trouble.broken = giveUp
	ctx, cancel := context.WithTimeoutCause(ctx, doctorTime, errTooLong)
	defer cancel()

	for _, check := range []func(context.Context){d.checkStore, d.checkSecret, d.checkPort, d.checkNetwork, d.checkWay} {
		if check(ctx); stopped(ctx) {
			break
		}
	}
	d.diagnose(ctx)
	switch err := abnormal(ctx); {
	case !stopped(ctx):
	case err != nil:
		return err
	default:
		return failed(errors.New("interrupted before everything was checked"), "")
	}
	if d.failed > 0 {
		return failed(fmt.Errorf("%d %s", d.failed, plural(d.failed, "check failed", "checks failed")), "")
	}
	return nil
}

// stopped reports whether somebody ended the program, or nobody reads it any
// more. What fails then says nothing.
func stopped(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTooLong)
}

func (d *doctor) cleanUp() {
	if d.local != nil {
		_ = d.local.Close()
	}
	if d.folder != "" {
		_ = os.RemoveAll(d.folder)
	}
}
