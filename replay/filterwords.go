package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
)

// Condition is one word of the filter language: a key, and values of which one
// has to match, or with Not none may.
type Condition struct {
	Key    string
	Not    bool
	Values []string
}

// String spells the condition, with quotes where they are needed.
func (c Condition) String() string {
	sign := "="
	if c.Not {
		sign = "!="
	}
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = quote(v)
	}
	return c.Key + sign + strings.Join(values, ",")
}

// FilterError is returned for a condition that cannot be meant.
type FilterError struct {
	Word   string // as it was written
	Key    string // of the condition; empty when none was found
	Reason string
	Hint   string // what to write instead; may be empty
}

func (e *FilterError) Error() string { return fmt.Sprintf("filter word %q: %s", e.Word, e.Reason) }

// FilterKeys gives the keys of the filter language.
func FilterKeys() []string {
	var names []string
	for _, k := range filterKeys {
		names = append(names, k.name)
	}
	return names
}

// filterKey is a key of the language and its field in a Filter.
type filterKey struct {
	name string
	many bool // commas separate values
	time bool // not to be negated
	get  func(*Filter) []string
	set  func(f *Filter, values []string, now time.Time) (reason, hint string)
}

// filterKeys has the keys in the order of Filter.Conditions.
var filterKeys = []filterKey{
	timeKey("since", func(f *Filter) *time.Time { return &f.Since }),
	timeKey("until", func(f *Filter) *time.Time { return &f.Until }),
	endpointKey(),
	listKey("scope", func(f *Filter) *[]payload.Scope { return &f.Scopes }, checkGlob),
	listKey("action", func(f *Filter) *[]payload.Action { return &f.Actions }, nil),
	listKey("repo", func(f *Filter) *[]string { return &f.Repos }, checkGlob),
	listKey("type", func(f *Filter) *[]payload.RepoType { return &f.RepoTypes }, nil),
	listKey("ref", func(f *Filter) *[]string { return &f.Refs }, checkRef),
	listKey("verdict", func(f *Filter) *[]Verdict { return &f.Verdicts }, checkVerdict),
	listKey("status", func(f *Filter) *[]AttemptStatus { return &f.Attempts }, checkStatus),
	textKey("text", func(f *Filter) *string { return &f.Text }),
	textKey("webhook-id", func(f *Filter) *string { return &f.WebhookID }),
}

func findFilterKey(name string) *filterKey {
	i := slices.IndexFunc(filterKeys, func(k filterKey) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return &filterKeys[i]
}

// Add narrows f by a condition. The error is a *FilterError: the key is not
// known, a value is none, or the key was added before and not negated, so that
// nobody has to wonder which of two words counts. now is what times such as 2h
// are reckoned from.
func (f *Filter) Add(c Condition, now time.Time) error {
	wrong := func(reason, hint string) error {
		return &FilterError{Word: c.String(), Key: c.Key, Reason: reason, Hint: hint}
	}
	k := findFilterKey(c.Key)
	switch {
	case k == nil:
		return wrong(fmt.Sprintf("there is no key %q", c.Key), keyHint(c.Key))
	case len(c.Values) == 0 || slices.Contains(c.Values, ""):
		return wrong("a value is missing", "write "+c.Key+"=VALUE")
	case !k.many && len(c.Values) > 1:
		return wrong(c.Key+" takes one value", "")
	case c.Not && k.time:
		return wrong(c.Key+" cannot be negated", "since=TIME and until=TIME are each other's opposite")
	case !c.Not && len(k.get(f)) > 0 && k.many:
		return wrong(c.Key+" stands twice", "all words have to match; where any of several values will do, write "+c.Key+"=ONE,OTHER")
	case !c.Not && len(k.get(f)) > 0:
		return wrong(c.Key+" stands twice", "write it once")
	}
	to := f
	if c.Not {
		to = new(Filter)
	}
	if reason, hint := k.set(to, c.Values, now); reason != "" {
		return wrong(reason, hint)
	}
	if c.Not {
		f.Except = append(slices.Clip(f.Except), *to)
	}
	return nil
}

// Conditions gives what f says in the words of the language. FromID, ToID,
// Queued, Limit and Newest have no words. Those of an Except that has several
// conditions, or was made by And, are for people to read only.
func (f *Filter) Conditions() []Condition {
	var all []Condition
	for _, k := range filterKeys {
		if values := k.get(f); len(values) > 0 {
			all = append(all, Condition{Key: k.name, Values: values})
		}
	}
	for _, e := range f.Except {
		for _, c := range e.Conditions() {
			c.Not = !c.Not
			all = append(all, c)
		}
	}
	return all
}

// String gives the words of f, which ParseFilter reads as the same filter. See
// Conditions for what has no words.
func (f Filter) String() string {
	var words []string
	for _, c := range f.Conditions() {
		words = append(words, c.String())
	}
	return strings.Join(words, " ")
}

func listKey[T ~string](name string, field func(*Filter) *[]T, check func(string) (reason, hint string)) filterKey {
	return filterKey{
		name: name,
		many: true,
		get: func(f *Filter) []string {
			var values []string
			for _, v := range *field(f) {
				values = append(values, string(v))
			}
			return values
		},
		set: func(f *Filter, values []string, _ time.Time) (reason, hint string) {
			for _, v := range values {
				if check != nil {
					if reason, hint = check(v); reason != "" {
						return reason, hint
					}
				}
				*field(f) = append(*field(f), T(v))
			}
			return "", ""
		},
	}
}

func textKey(name string, field func(*Filter) *string) filterKey {
	return filterKey{
		name: name,
		get: func(f *Filter) []string {
			if *field(f) == "" {
				return nil
			}
			return []string{*field(f)}
		},
		set: func(f *Filter, values []string, _ time.Time) (reason, hint string) {
			*field(f) = values[0]
			return "", ""
		},
	}
}

func timeKey(name string, field func(*Filter) *time.Time) filterKey {
	return filterKey{
		name: name,
		time: true,
		get: func(f *Filter) []string {
			if field(f).IsZero() {
				return nil
			}
			return []string{timeWord(*field(f))}
		},
		set: func(f *Filter, values []string, now time.Time) (reason, hint string) {
			t, ok := parseTime(values[0], now)
			if year := t.UTC().Year(); !ok || year < 2 || year > 9999 {
				return fmt.Sprintf("%q is no time", values[0]), "write 90m or 2h (ago), 15:04 (today), 2006-01-02 or 2006-01-02T15:04:05Z"
			}
			*field(f) = t
			return "", ""
		},
	}
}

// endpointKey keeps a path under /webhooks/ by its name.
func endpointKey() filterKey {
	k := listKey("endpoint", func(f *Filter) *[]string { return &f.Endpoints }, nil)
	get, set := k.get, k.set
	k.get = func(f *Filter) []string {
		values := get(f)
		for i, v := range values {
			if endpointName(v) != v { // a name that looks like a path
				values[i] = "/webhooks/" + v
			}
		}
		return values
	}
	k.set = func(f *Filter, values []string, now time.Time) (reason, hint string) {
		names := make([]string, len(values))
		for i, v := range values {
			names[i] = endpointName(v)
		}
		return set(f, names, now)
	}
	return k
}

func endpointName(s string) string {
	if rest, ok := strings.CutPrefix("/"+strings.Trim(s, "/"), "/webhooks/"); ok {
		return rest
	}
	return s
}

// checkGlob refuses what no name has, and stores compare in other ways.
func checkGlob(s string) (reason, hint string) {
	if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
		return fmt.Sprintf("%q is no text", s), ""
	}
	return "", ""
}

func checkVerdict(s string) (reason, hint string) {
	switch Verdict(s) {
	case Accepted, Rejected, Undecodable:
		return "", ""
	}
	return fmt.Sprintf("there is no verdict %q", s), "verdicts are accepted, rejected and undecodable"
}

func checkStatus(s string) (reason, hint string) {
	if s == "ok" || s == "failed" || s == "none" {
		return "", ""
	}
	if len(s) == 3 && '1' <= s[0] && s[0] <= '5' {
		if _, err := strconv.ParseUint(s, 10, 16); err == nil || s[1:] == "xx" {
			return "", ""
		}
	}
	return fmt.Sprintf("%q is no status", s), "use ok, failed, none, a number such as 404, or a class such as 5xx"
}

// checkRef refuses a short name, which no ref of a payload is.
func checkRef(s string) (reason, hint string) {
	if reason, hint := checkGlob(s); reason != "" {
		return reason, hint
	}
	if strings.HasPrefix(s, "refs/") || strings.ContainsAny(s[:1], "*?") {
		return "", ""
	}
	return fmt.Sprintf("%q is no whole ref", s), "branches are refs/heads/main, tags refs/tags/v1, pull requests refs/pr/7; * stands for anything"
}

// keyHint says which keys there are, and which one may have been meant.
func keyHint(name string) string {
	hint := "keys are " + strings.Join(FilterKeys(), ", ")
	best, distance := "", 3
	for _, k := range filterKeys {
		d := editDistance(name, k.name)
		if len(name) > 2 && (strings.HasPrefix(k.name, name) || strings.HasPrefix(name, k.name)) {
			d = min(d, 1)
		}
		if d < distance && d < len(name) {
			best, distance = k.name, d
		}
	}
	if best != "" {
		hint = fmt.Sprintf("did you mean %s? %s", best, hint)
	}
	return hint
}

// editDistance counts the letters to be added, removed or changed to make b of
// a. Names that are much longer than a key are far from all of them.
func editDistance(a, b string) int {
	if len(a) > 2*len(b) {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
