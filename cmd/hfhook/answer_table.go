package main

import (
	"cmp"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

const (
	answerWidth = 33
	shownOK     = 100
)

// answerTable prints a line for each of many answers; of those that are good,
// only for the first shownOK.
type answerTable struct {
	out, talk *screen
	good      int    // lines for what went well
	first     string // the target of the first
}

// header prints what is in the columns; key is what each line begins with.
func (t *answerTable) header(key string) {
	t.out.line("%s", t.out.dim(pad(key, idWidth)+pad("ANSWER", answerWidth)+"WHAT"))
}

// add prints a line for a.
func (t *answerTable) add(key, what string, a *replay.Attempt) {
	paint := t.out.bad
	if a.OK() {
		if t.good++; t.good > shownOK {
			if t.good == shownOK+1 {
				t.talk.line("%s", t.talk.dim("… what goes well from here on is only counted"))
			}
			return
		}
		paint = t.out.good
	}
	key, answer := pad(key, idWidth), pad(outcome(a), answerWidth-1)+" "
	if t.first = cmp.Or(t.first, a.Target); a.Target != t.first {
		what = payload.Printable(a.Target) + "  " + what
	}
	t.out.line("%s%s%s", t.out.key(key), paint(answer), t.out.cut(what, columns(key+answer)))
}
