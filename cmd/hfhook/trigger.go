package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	cmdtarget "github.com/hfhook/hfhook/replay/command"
)

func triggerCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "trigger",
		Usage:     "make deliveries up and send them: every event, traps, scenarios",
		UsageText: "hfhook trigger [flags] EVENT...\n  hfhook trigger [flags] scenario NAME...",
		Description: "Sends what the Hub would send, into the running hfhook dev through its public URL, or to\n" +
			"--to URL, or has --exec COMMAND run. No account is needed, and nothing happens at the Hub.\n" +
			"Ends with exit code 4 when an answer is outside 2xx, or the command fails.\n" +
			"An EVENT is a name, or a pattern such as 'discussion.*'; --list shows them. A scenario is\n" +
			"several deliveries that belong together, in an order that the seed decides.",
		Flags: slices.Concat([]cli.Flag{
			&cli.BoolFlag{Name: "list", Usage: "list the events and scenarios there are, or those that are named", DisableDefaultText: true},
			&cli.StringFlag{Name: "repo", Usage: "about the repo `OWNER/NAME`", DefaultText: "example-user/example-TYPE"},
			&cli.StringSliceFlag{Name: "type", Usage: "a repo of this `TYPE`: model, dataset, space, bucket, kernel; of several or all, one after the other", DefaultText: "what suits the event"},
		}, bodyFlags(), []cli.Flag{
			&cli.Uint64Flag{Name: "seed", Usage: "ids, commits and texts follow from `N`: the same seed, the same bytes and Webhook-Ids", DefaultText: "a new one each time"},
			&cli.StringFlag{Name: "webhook-id", Usage: "send this Webhook-Id `ID`, as of a retry", DefaultText: "a new one for each"},
			&cli.IntFlag{Name: "count", Aliases: []string{"n"}, Usage: "send all of it `N` times, with other ids each time", Value: 1},
			&cli.StringFlag{Name: "to", Usage: "send to `URL`, in place of the running hfhook dev; one without a path gets --path"},
			&cli.BoolFlag{Name: "local", Usage: "send to the local URL of the running hfhook dev, and not through its tunnel", DisableDefaultText: true},
			&cli.StringFlag{Name: "path", Usage: "the `PATH` to send to", DefaultText: "that of hfhook dev, /webhooks/dev", Value: defaultPath, EnvVars: []string{"HFHOOK_PATH"}},
			&cli.BoolFlag{Name: "print", Usage: "write the bodies to stdout and send nothing", DisableDefaultText: true},
			&cli.IntFlag{Name: "concurrency", Usage: "send `N` at a time, in no order", Value: 1},
			&cli.StringFlag{Name: "rate", Usage: "send no more than `N` a second, or 600/m, 5000/h", DefaultText: "no limit"},
			&cli.StringFlag{Name: "speed", Usage: "play scenarios at this `SPEED`: 10x leaves a tenth of the time between deliveries, 0.1x ten times as much", Value: "1x"},
			&cli.BoolFlag{Name: "keep-going", Usage: fmt.Sprintf("go on where %d connections were refused in a row", maxRefused), DisableDefaultText: true},
			&cli.StringFlag{Name: "store", Usage: "send into the hfhook dev that keeps deliveries in `FILE`", DefaultText: "in the state folder", EnvVars: []string{"HFHOOK_STORE"}, TakesFile: true},
		}, execFlags(), secretFlags(), targetFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line", EnvVars: []string{"HFHOOK_JSON"}, DisableDefaultText: true},
		}),
		Action: trigger,
	}, -1)
}

func trigger(c *cli.Context) error {
	if err := conflicts(c, "list", "print"); err != nil {
		return err
	}
	if err := checkPath(c); err != nil {
		return err
	}
	if c.Bool("list") || c.NArg() == 1 && c.Args().First() == scenarioWord {
		return listSamples(c)
	}
	if c.NArg() == 0 {
		return usage("which event is to be triggered?", "hfhook trigger --list shows them, hfhook trigger discussion.create.pr sends one")
	}
	course, err := newCourse(c)
	if err != nil {
		return err
	}
	if c.Bool("print") {
		return course.print(c)
	}
	if err := checkDestination(c); err != nil {
		return err
	}
	options := replay.BatchOptions{Concurrency: c.Int("concurrency"), Unordered: true, Speed: course.speed}
	if options.Concurrency < 1 || options.Concurrency > maxConcurrency {
		return usage(fmt.Sprintf("--concurrency is %d", options.Concurrency), fmt.Sprintf("it is from 1 to %d", maxConcurrency))
	}
	if options.Rate, err = parseRate(c.String("rate")); err != nil {
		return usage("--rate "+err.Error(), "write 10 or 10/s, 600/m or 5000/h")
	}
	key, err := findSecret(c, false)
	if err != nil {
		return err
	}
	var run *triggerRun
	to, err := destinationOf(c, key.value, func(l cmdtarget.Line) { run.output(l) })
	if err != nil {
		return err
	}
	defer to.target.Close()

	run = newTriggerRun(c, course, to)
	options.Stop, options.Done = run.enough, run.came
	return run.end(replay.SendBatch(c.Context, run.outgoing(), options))
}

// seedOf is the seed that was given, else one that can be typed.
func seedOf(c *cli.Context) uint64 {
	if c.IsSet("seed") {
		return c.Uint64("seed")
	}
	var raw [4]byte
	rand.Read(raw[:])
	return uint64(binary.BigEndian.Uint32(raw[:]))
}

// repoOf checks --repo. What names the Hub takes is its business; this is about
// what cannot be meant.
func repoOf(c *cli.Context) (string, error) {
	name := c.String("repo")
	owner, rest, two := strings.Cut(name, "/")
	switch {
	case !c.IsSet("repo"):
		return "", nil
	case owner == "", two && rest == "", strings.Contains(rest, "/"), strings.ContainsFunc(name, unicode.IsSpace), payload.Printable(name) != name:
		return "", usage(fmt.Sprintf("--repo %q is no name of a repo", name), "write OWNER/NAME, as in acme/bert; --type dataset says what it is")
	}
	return name, nil
}

// typesOf reads --type; nil: what suits each event.
func typesOf(c *cli.Context) ([]payload.RepoType, error) {
	all := []payload.RepoType{payload.RepoModel, payload.RepoDataset, payload.RepoSpace, payload.RepoBucket, payload.RepoKernel}
	types := words[payload.RepoType](c, "type")
	if slices.Contains(types, "all") {
		return all, nil
	}
	for _, kind := range types {
		if !slices.Contains(all, kind) {
			return nil, usage(fmt.Sprintf("--type: there are no repos of type %q", kind), "types are model, dataset, space, bucket, kernel, and all; the event trap.unknown-type has one that nobody knows")
		}
	}
	return types, nil
}
