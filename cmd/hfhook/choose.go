package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// chooseFlags say which deliveries are sent, besides the words for them.
func chooseFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.BoolFlag{Name: "failed", Usage: "send again what failed last, where it failed", DisableDefaultText: true},
		&cli.IntFlag{Name: "limit", Aliases: []string{"n"}, Usage: "send the newest `N`", DefaultText: "all"},
	}, filterFlagList()...)
}

// choice is which deliveries are meant: those of the first word, those of the
// second, each once.
type choice struct {
	store *sqlite.Store
	words []chosen
	at    int // the word whose turn it is
}

// chosen is what one word chooses, together with the flags.
type chosen struct {
	word   string // empty: the flags alone
	filter replay.Filter
}

// choose reads the words and chooseFlags. A word for nothing is an error, before
// anything is sent. to names the target of --to, if there is one.
func choose(c *cli.Context, store *sqlite.Store, to string) (*choice, error) {
	filter, err := filterOf(c, time.Now())
	if err != nil {
		return nil, err
	}
	filter.Failed, filter.FailedAt = c.Bool("failed"), to
	words := c.Args().Slice()
	switch n := c.Int("limit"); {
	case len(words) == 0 && !choosesByFlag(c):
		return nil, whichDelivery()
	case n < 0:
		return nil, usage("--limit is below 0", "leave it out to send all")
	default:
		filter.Limit, filter.Newest = n, n > 0
	}
	if len(words) > 0 {
		return chooseNamed(c.Context, store, words, filter, withoutRejected(filter))
	}
	ch := &choice{store: store}
	// What arrives meanwhile is not meant, and might be what is sent.
	last, err := replay.Select(c.Context, store, "last")
	if err != nil {
		return ch, ignoreEmpty(err)
	}
	filter.ToID = last[0]
	ch.words = []chosen{{"", withoutRejected(filter)}}
	return ch, nil
}

// chooseNamed gives what words name and filter chooses; where they name it by
// more than its number, others chooses, which may be narrower.
func chooseNamed(ctx context.Context, store *sqlite.Store, words []string, filter, others replay.Filter) (*choice, error) {
	if filter.Limit > 0 && len(words) > 1 {
		return nil, usage("--limit is for one range", "name one, such as 1..last, or leave it out")
	}
	ch := &choice{store: store}
	for _, word := range words {
		named, err := replay.Selection(ctx, store, word, replay.Filter{Verdicts: others.Verdicts})
		if err != nil {
			return nil, err
		}
		both := filter
		if named.WebhookID != "" || strings.Contains(word, "..") {
			both = others
		}
		both.FromID, both.ToID = named.FromID, named.ToID
		if named.WebhookID != "" {
			if both.WebhookID != "" && both.WebhookID != named.WebhookID {
				continue
			}
			both.WebhookID = named.WebhookID
		}
		ch.words = append(ch.words, chosen{word, both})
	}
	return ch, nil
}

// choosesByFlag tells whether the command line has a flag of chooseFlags. One in
// a settings file is not enough to send everything.
func choosesByFlag(c *cli.Context) bool {
	return slices.ContainsFunc(chooseFlags(), func(f cli.Flag) bool {
		return slices.ContainsFunc(f.Names(), func(name string) bool { return typed(c, name) })
	})
}

func ignoreEmpty(err error) error {
	if code, _ := explain(err); code == exitNotFound {
		return nil
	}
	return err
}

// withoutRejected leaves out what strangers sent, unless it is asked for: with
// the secret put back in, a handler would take it for genuine.
func withoutRejected(f replay.Filter) replay.Filter {
	if len(f.Verdicts) == 0 {
		f.Verdicts = []replay.Verdict{replay.Accepted, replay.Undecodable}
	}
	return f
}

// deliveries gives what is chosen, that of each word oldest first.
func (ch *choice) deliveries(ctx context.Context) iter.Seq2[*replay.Delivery, error] {
	return func(yield func(*replay.Delivery, error) bool) {
		for i, w := range ch.words {
			ch.at = i
			for d, err := range ch.store.List(ctx, w.filter) {
				if err == nil && slices.ContainsFunc(ch.words[:i], func(earlier chosen) bool { return earlier.covers(d) }) {
					continue
				}
				if !yield(d, err) || err != nil {
					return
				}
			}
		}
	}
}

// covers tells whether d is one of those that the word chose when it was its
// turn: attempts were made since.
func (w chosen) covers(d *replay.Delivery) bool {
	f := w.filter
	f.Attempts, f.Failed = nil, false
	return f.Match(d)
}

// count counts what is chosen, up to limit for each word; 0: all.
func (ch *choice) count(ctx context.Context, limit int) (int, error) {
	sum := 0
	for _, w := range ch.words {
		f := w.filter
		if limit > 0 && (f.Limit == 0 || f.Limit > limit) {
			f.Limit = limit
		}
		n, err := ch.store.Count(ctx, f)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// nothing says that there is nothing to send, and what was left out.
func (ch *choice) nothing(ctx context.Context) (string, error) {
	rejected := &choice{store: ch.store}
	for _, w := range ch.words {
		if len(w.filter.Verdicts) == 2 {
			w.filter.Verdicts = []replay.Verdict{replay.Rejected}
			rejected.words = append(rejected.words, w)
		}
	}
	n, err := rejected.count(ctx, 0)
	if err == nil && n > 0 {
		return fmt.Sprintf("nothing is kept that matches, but for %d rejected; --verdict rejected sends them", n), nil
	}
	return "nothing is kept that matches", err
}
