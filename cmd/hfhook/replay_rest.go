package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/hfhook/hfhook/replay"
)

// leftOut counts the deliveries that there is no target for.
type leftOut struct {
	n     int
	first error
}

func (l *leftOut) add(d *replay.Delivery, why error) {
	l.n++
	if l.first == nil {
		l.first = why
	}
}

func (l *leftOut) err() error {
	if l.n <= 1 {
		return l.first
	}
	code, hint := explain(l.first)
	return &problem{code, hint, fmt.Errorf("%w; with it %s not sent", l.first, plural(l.n-1, "1 more was", fmt.Sprintf("%d more were", l.n-1)))}
}

// rest is how far a run came that ended early.
type rest struct {
	given  int64   // the last one that was to be sent
	all    bool    // there were no more to give
	sent   int64   // the newest one that was
	unsent []int64 // given, and not sent
}

// maxWords is how many words say what is left.
const maxWords = 20

// words name what was not sent, for the same flags. Those that come after all
// that was sent make up a range, others stand by themselves. When they are too
// many, the range begins with the first of them.
func (r *rest) words(ch *choice) []string {
	var words []string
	unsent := slices.Compact(slices.Sorted(slices.Values(r.unsent)))
	i, found := slices.BinarySearch(unsent, r.sent)
	if found { // sent to one of its targets
		i++
	}
	if i > maxWords {
		i = 0
	}
	for _, id := range unsent[:i] {
		words = append(words, strconv.FormatInt(id, 10))
	}
	var from, to int64
	if ahead := unsent[i:]; len(ahead) > 0 {
		from, to = ahead[0], ahead[len(ahead)-1]
	}
	later := ch.at + 1 // the words of which nothing was given
	if !r.all && ch.at < len(ch.words) {
		switch w := ch.words[ch.at]; {
		case w.filter.ToID == 0: // a Webhook-Id
			words = append(words, w.word)
		case len(unsent) > 0 && (r.given < w.filter.FromID || r.given > w.filter.ToID):
			later = ch.at
		case from > 0 && to <= r.given:
			to = w.filter.ToID
		default:
			words = append(words, span(r.given+1, w.filter.ToID)...)
		}
	}
	if from > 0 {
		words = append(words, span(from, to)...)
	}
	if !r.all && ch.at < len(ch.words) {
		for _, w := range ch.words[later:] {
			words = append(words, w.word)
		}
	}
	return words
}

// span is the word for the IDs of a range, and none for an empty one.
func span(from, to int64) []string {
	switch {
	case from > to:
		return nil
	case from == to:
		return []string{strconv.FormatInt(from, 10)}
	default:
		return []string{fmt.Sprintf("%d..%d", from, to)}
	}
}
