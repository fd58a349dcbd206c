package replay

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// SpecError is returned for words that name no deliveries, whatever is kept.
type SpecError struct {
	Spec   string
	Reason string
}

func (e *SpecError) Error() string { return fmt.Sprintf("%q names no delivery: %s", e.Spec, e.Reason) }

// Select gives the IDs of the deliveries that a person names, oldest first:
//
//	17, #17   the delivery with this ID
//	last      the newest one, whatever its verdict
//	last~2    the second before that
//	12..20    those from one to another, both included; also with last
//	other     those with this Webhook-Id
//
// A number that is no ID may be a Webhook-Id. The error is ErrNotFound when
// there is none, and a SpecError for a word that cannot be meant.
func Select(ctx context.Context, s Store, spec string) ([]int64, error) {
	f, err := Selection(ctx, s, spec, Filter{})
	if err != nil {
		return nil, err
	}
	return list(ctx, s, f)
}

// Selection is Select for many: a filter that chooses the deliveries that spec
// names, by FromID and ToID or by WebhookID. Its last and last~2 are counted
// among those that one filter chooses; a range up to last goes up to the newest
// of all.
func Selection(ctx context.Context, s Store, spec string, among Filter) (Filter, error) {
	if spec == "" || strings.ContainsFunc(spec, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return Filter{}, &SpecError{spec, "want an ID, last, last~2, 12..20 or a Webhook-Id"}
	}
	if from, to, ok := strings.Cut(spec, ".."); ok {
		return selectRange(ctx, s, spec, from, to, among)
	}
	p, err := parsePlace(spec, spec)
	if err != nil {
		return Filter{}, err
	}
	if p.kind != placeWebhookID {
		id, err := p.find(ctx, s, among)
		if err != nil {
			return Filter{}, err
		}
		f := Filter{FromID: id, ToID: id}
		if found, err := finds(ctx, s, f); err != nil || found {
			return f, err
		}
	}
	return sure(ctx, s, spec, Filter{WebhookID: spec})
}

func selectRange(ctx context.Context, s Store, spec, from, to string, among Filter) (Filter, error) {
	if from == "" || to == "" || strings.Contains(to, "..") {
		return Filter{}, &SpecError{spec, "a range has two ends, such as 12..20 or 12..last"}
	}
	var ends [2]int64
	for i, word := range []string{from, to} {
		p, err := parsePlace(spec, word)
		if err == nil && p.kind == placeWebhookID {
			err = &SpecError{spec, "a range is from one ID or last to another"}
		}
		if word == "last" && i == 1 {
			among = Filter{}
		}
		if err == nil {
			ends[i], err = p.find(ctx, s, among)
		}
		if err != nil {
			return Filter{}, err
		}
	}
	if ends[0] > ends[1] {
		return Filter{}, &SpecError{spec, fmt.Sprintf("the range goes from %d back to %d", ends[0], ends[1])}
	}
	return sure(ctx, s, spec, Filter{FromID: ends[0], ToID: ends[1]})
}

// sure gives f, or ErrNotFound when it chooses none.
func sure(ctx context.Context, s Store, spec string, f Filter) (Filter, error) {
	found, err := finds(ctx, s, f)
	if err == nil && !found {
		err = notFound(spec)
	}
	return f, err
}

// finds reports whether f chooses one at least.
func finds(ctx context.Context, s Store, f Filter) (bool, error) {
	f.Limit = 1
	ids, err := list(ctx, s, f)
	return len(ids) > 0, err
}

// place is a word that names one delivery.
type place struct {
	word string
	kind placeKind
	n    int64 // the ID, or how far before the last one
}

type placeKind int

const (
	placeID placeKind = iota
	placeLast
	placeWebhookID
)

// maxBack bounds how far back last~n counts.
const maxBack = 1_000_000

func parsePlace(spec, word string) (place, error) {
	if word == "last" {
		return place{word, placeLast, 0}, nil
	}
	if back, ok := strings.CutPrefix(word, "last~"); ok {
		n, err := strconv.ParseUint(back, 10, 63)
		if err != nil || n > maxBack {
			return place{}, &SpecError{spec, "after last~ comes a number, how many to go back"}
		}
		return place{word, placeLast, int64(n)}, nil
	}
	digits, hash := strings.CutPrefix(word, "#")
	n, err := strconv.ParseUint(digits, 10, 63)
	switch {
	case err == nil && n > 0:
		return place{word, placeID, int64(n)}, nil
	case err == nil:
		return place{}, &SpecError{spec, "IDs begin at 1"}
	case hash:
		return place{}, &SpecError{spec, "after # comes an ID, a number"}
	}
	return place{word, placeWebhookID, 0}, nil
}

// find gives the ID that the place has now. That there is a delivery with it is
// sure for last only.
func (p place) find(ctx context.Context, s Store, among Filter) (int64, error) {
	if p.kind == placeID {
		return p.n, nil
	}
	among.Newest, among.Limit = true, int(p.n)+1
	ids, err := list(ctx, s, among)
	if err != nil {
		return 0, err
	}
	if int64(len(ids)) <= p.n {
		return 0, notFound(p.word)
	}
	return ids[0], nil
}

func list(ctx context.Context, s Store, f Filter) ([]int64, error) {
	var ids []int64
	for d, err := range s.List(ctx, f) {
		if err != nil {
			return nil, fmt.Errorf("looking for deliveries: %w", err)
		}
		ids = append(ids, d.ID)
	}
	return ids, nil
}

func notFound(spec string) error { return fmt.Errorf("%w: %s", ErrNotFound, strconv.Quote(spec)) }
