// Package check gives a handler of webhooks a verdict. It sends what the Hub
// sends, what it may send one day, and what happens to requests on their way,
// and looks at the answers.
//
//	server := httptest.NewServer(bot)
//	report, err := check.Run(ctx, check.Options{URL: server.URL + "/webhooks/my_bot", Secret: secret})
//	if err == nil {
//		err = report.Err()
//	}
//
// The deliveries look real, and a handler acts on them. They are about a repo
// that exists nowhere, see Options.Repo. What a case wants is the Hub's contract
// where that is known: every answer outside 2xx is a failed delivery, which is
// sent again, and a webhook that keeps failing is suspended.
package check

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/hfhook/hfhook/payload/sample"
	"github.com/hfhook/hfhook/replay"
)

// Options say what is checked, and how.
type Options struct {
	// URL of the handler, as replay.NewHTTPTarget takes it; a URL without a
	// path means "/".
	URL string

	// Secret is what the Hub would send. Without one, none is sent, and the
	// cases that need one are skipped. Default: none.
	Secret string

	// Repo is what the deliveries are about. Default: DefaultRepo.
	Repo string

	// Patience is how long an answer may take. How long the Hub waits is not
	// published. Default: DefaultPatience.
	Patience time.Duration

	// Trickle is how long a slow client takes for a body, besides what the
	// others take that it may hold up. Default: 3 s.
	Trickle time.Duration

	// Only names the cases that are run, besides those that look at the first
	// delivery, and Skip those that are not. Default: all are.
	Only, Skip []string

	// Effects reads what deliveries have done: a count, a list, a whole table.
	// Only whether it changes matters. It makes sure whether the handler is
	// idempotent, which can rarely be seen from its answers. Default: none.
	Effects func(context.Context) (string, error)

	// Settle is for how long Effects must stay the same after a repeat.
	// Default: 1 s.
	Settle time.Duration

	// Target says how requests are sent: Header, Host and TLS. The rest is
	// set here.
	Target replay.HTTPOptions

	// Seed makes the same deliveries each time. A handler that knows them
	// from before will take them for repeats. Default: another each time.
	Seed uint64

	// Progress is told of each result. Default: nobody is.
	Progress func(Result)
}

const (
	// DefaultRepo exists nowhere.
	DefaultRepo = "hfhook-check/nowhere"

	// DefaultPatience is what a course of Hugging Face tells handlers to
	// answer within. It is not a promise of the Hub's.
	DefaultPatience = 10 * time.Second
)

// ErrNobody is about a URL where no connection can be had.
var ErrNobody = errors.New("nobody answers there")

// UnknownCaseError is about a case that there is not.
type UnknownCaseError struct{ Name string }

func (e *UnknownCaseError) Error() string { return fmt.Sprintf("there is no case %q", e.Name) }

// Run checks a handler, one case after the other. The error is ErrNobody when
// it cannot be reached at the start, an *UnknownCaseError, one of
// replay.NewHTTPTarget, or the cause why ctx ended; then the report is as far as
// it got, else nil.
func Run(ctx context.Context, o Options) (*Report, error) {
	o = o.withDefaults()
	for _, name := range slices.Concat(o.Only, o.Skip) {
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.Name == name }) {
			return nil, &UnknownCaseError{name}
		}
	}
	r, err := newRun(o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	return r.all(ctx)
}

func (o Options) withDefaults() Options {
	if o.Repo == "" {
		o.Repo = DefaultRepo
	}
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	if o.Trickle <= 0 {
		o.Trickle = 3 * time.Second
	}
	if o.Settle <= 0 {
		o.Settle = time.Second
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	return o
}

func newRun(o Options) (*run, error) {
	r := &run{o: o, proxied: usesProxy(o.URL), bodies: map[string]*sample.Generator{}}
	r.report.Patience = o.Patience
	r.report.Idempotent, r.report.IdempotentWhy = Unknown, "it was not looked at"
	target := func(timeout time.Duration) (*replay.HTTPTarget, error) {
		h := o.Target
		h.Secret, h.Timeout = o.Secret, timeout
		return replay.NewHTTPTarget(o.URL, h)
	}
	var err error
	if r.target, err = target(o.Patience); err != nil {
		return nil, err
	}
	if r.patient, err = target(2*o.Patience + o.Trickle); err != nil {
		return nil, err
	}
	r.report.URL = r.target.Name()
	return r, nil
}
