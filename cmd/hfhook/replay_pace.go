package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
)

// paceFlags say how fast many deliveries are sent.
func paceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "concurrency", Usage: "send `N` at a time, those of one repo still in order", Value: 1},
		&cli.BoolFlag{Name: "unordered", Usage: "with --concurrency, send those of one repo at the same time too", DisableDefaultText: true},
		&cli.StringFlag{Name: "rate", Usage: "send no more than `N` a second, or 600/m, 5000/h", DefaultText: "no limit"},
		&cli.StringFlag{Name: "speed", Usage: "keep the time between arrivals: 1x, or 10x in a tenth of it, 0.5x in twice", DefaultText: "no waiting"},
	}
}

// maxConcurrency is more than a machine has a use for, and less than it has
// open files.
const maxConcurrency = 512

// paceOf reads the flags of paceFlags.
func paceOf(c *cli.Context) (o replay.BatchOptions, err error) {
	o.Concurrency, o.Unordered = c.Int("concurrency"), c.Bool("unordered")
	if o.Concurrency < 1 || o.Concurrency > maxConcurrency {
		return o, usage(fmt.Sprintf("--concurrency is %d", o.Concurrency), fmt.Sprintf("it is from 1 to %d", maxConcurrency))
	}
	if o.Rate, err = parseRate(c.String("rate")); err != nil {
		return o, usage("--rate "+err.Error(), "write 10 or 10/s, 600/m or 5000/h")
	}
	if o.Speed, err = parseSpeed(c.String("speed")); err != nil {
		return o, usage("--speed "+err.Error(), "write 1x, 10x or 0.5x")
	}
	return o, nil
}

// parseRate reads how many a second: 10, 10/s, 600/m, 5000/h. Empty is 0.
func parseRate(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	number, unit, _ := strings.Cut(s, "/")
	per := map[string]time.Duration{"": time.Second, "s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseFloat(number, 64)
	rate := n / per.Seconds()
	if err != nil || per == 0 || strings.HasSuffix(s, "/") || !(rate >= 1e-6 && rate <= 1e9) {
		return 0, fmt.Errorf("%q is no rate", s)
	}
	return rate, nil
}

// parseSpeed reads how many times as fast: 1x, 10x, 0.5x. Empty is 0.
func parseSpeed(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "x"), 64)
	if err != nil || !(n >= 1e-6 && n <= 1e9) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is no speed", s)
	}
	return n, nil
}
