package check

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
)

// Whether a delivery that comes again is acted on once is seen from its effects,
// if somebody shows them. Answers tell it rarely: when they count, or say that
// they know a delivery. Everything else is unknown, and is said to be.

func idempotent(ctx context.Context, r *run) outcome {
	var answer Tristate
	var why string
	if r.o.Effects != nil {
		answer, why = r.byEffects(ctx)
	} else {
		answer, why = r.byAnswers(ctx)
	}
	why = shorten(payload.Printable(why))
	r.report.Idempotent, r.report.IdempotentWhy = answer, why
	switch answer {
	case Yes:
		return outcome{Pass, why, ""}
	case No:
		return outcome{Fail, why, ""}
	}
	return outcome{Skipped, "", why}
}

// between is how long nothing is sent, so that a clock is not taken for a
// counter.
const between = 50 * time.Millisecond

func rest(ctx context.Context) {
	select {
	case <-time.After(between):
	case <-ctx.Done():
	}
}

// byAnswers sends three deliveries, the one in the middle three times and the
// others twice: servers that take turns give no such pattern.
func (r *run) byAnswers(ctx context.Context) (Tristate, string) {
	var texts []string
	for n, times := range []int{2, 3, 2} {
		if n > 0 {
			rest(ctx)
		}
		p := r.event("discussion.comment.create", "")
		for range times {
			a := r.send(ctx, p)
			if a.Failure != "" {
				return Unknown, r.came(a)
			}
			// The delivery's own id makes no difference.
			texts = append(texts, strings.ReplaceAll(statusText(a.Status)+" "+string(a.Body), p.WebhookID, "ID"))
		}
	}
	return judgeAnswers([7]string(texts))
}

// number is one that may be a count: clocks have more digits.
var number = regexp.MustCompile(`\b\d{1,9}\b`)

// judgeAnswers looks at the answers to a delivery and its repeat, another one
// and its two repeats, and a third one and its repeat.
func judgeAnswers(a [7]string) (Tristate, string) {
	var numbers [7][]int
	alike := true
	skeleton := number.ReplaceAllString(a[0], "#")
	for i, text := range a {
		alike = alike && number.ReplaceAllString(text, "#") == skeleton
		for _, digits := range number.FindAllString(text, -1) {
			n, _ := strconv.Atoi(digits)
			numbers[i] = append(numbers[i], n)
		}
		alike = alike && len(numbers[i]) == len(numbers[0]) // an answer may have a # of its own
	}
	if alike {
		for i := range numbers[0] {
			var counted [7]int
			for k := range counted {
				counted[k] = numbers[k][i] - numbers[0][i]
			}
			switch counted {
			case [7]int{0, 1, 2, 3, 4, 5, 6}:
				return No, fmt.Sprintf("its answers count repeats: %q, then %q", a[0], a[1])
			case [7]int{0, 0, 1, 1, 1, 2, 2}:
				return Yes, fmt.Sprintf("its answers count deliveries, and no repeats: %q, then %q", a[1], a[2])
			}
		}
	}
	first, again := a[0], a[1]
	switch a {
	case [7]string{first, first, first, first, first, first, first}:
		return Unknown, "it answers a repeat as the first one, so nothing can be seen from outside"
	case [7]string{first, again, first, again, again, first, again}:
		return Yes, fmt.Sprintf("it knows a repeat: %q, then %q", first, again)
	}
	return Unknown, "its answers differ, and not by repeats, so nothing can be seen from outside"
}

// byEffects looks at what a delivery and its repeat change.
func (r *run) byEffects(ctx context.Context) (Tristate, string) {
	before, err := r.effects(ctx)
	if err != nil {
		return Unknown, err.Error()
	}
	rest(ctx)
	switch now, err := r.effects(ctx); {
	case err != nil:
		return Unknown, err.Error()
	case now != before:
		return Unknown, "the effects change by themselves"
	}
	p := r.event("discussion.comment.create", "")
	if a := r.send(ctx, p); !a.OK() {
		return Unknown, r.came(a)
	}
	once, changed := r.changed(ctx, before, r.o.Patience)
	if !changed {
		return Unknown, fmt.Sprintf("a delivery changes nothing in the effects: %q", before)
	}
	for range maxEffects { // it may be several
		now, more := r.changed(ctx, once, r.o.Settle)
		if !more {
			break
		}
		once = now
	}
	if a := r.send(ctx, p); !a.OK() {
		return Unknown, r.came(a)
	}
	if twice, changed := r.changed(ctx, once, r.o.Settle); changed {
		return No, fmt.Sprintf("a repeat has an effect of its own: %q, then %q", once, twice)
	}
	return Yes, fmt.Sprintf("a delivery has an effect and its repeat has none within %v: %q, then %q", r.o.Settle, before, once)
}

// maxEffects bounds how many changes one delivery may make.
const maxEffects = 100

// changed waits for effects that are not as they were, for a time.
func (r *run) changed(ctx context.Context, was string, most time.Duration) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		if now, err := r.effects(ctx); err == nil && now != was {
			return now, true
		}
		select {
		case <-time.After(max(time.Millisecond, min(20*time.Millisecond, most/10))):
		case <-ctx.Done():
			return was, false
		}
	}
}

// effects reads them.
func (r *run) effects(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Patience)
	defer cancel()
	text, err := r.o.Effects(ctx)
	if err != nil {
		return "", fmt.Errorf("the effects cannot be read: %w", err)
	}
	return strings.TrimSpace(text), nil
}
