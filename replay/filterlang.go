package replay

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What a filter may cost whoever looks for it.
const (
	maxFilterText   = 4 << 10 // bytes
	maxFilterValues = 256     // of all its words
)

// ParseFilter reads the filter language: words such as
//
//	scope=discussion* repo=acme/*,other/one action!=delete text='two words'
//
// with blanks between them. All have to match; of the values behind one key any
// will do, and with != none may match. An empty text chooses everything. Keys
// are FilterKeys:
//
//	since, until   when it arrived first: 2h (ago), 15:04 (today), 2006-01-02T15:04:05Z
//	endpoint       the name under /webhooks/, or the path
//	scope          this scope or a narrower one; * and ? stand for any characters
//	action         create, update, delete, move
//	repo           a glob over owner/name, case is ignored
//	type           model, dataset, space, bucket, kernel
//	ref            a glob over the whole refs that a push changed, as in
//	               refs/heads/main, and refs/pr/7 for what is about that pull request
//	verdict        accepted, rejected, undecodable
//	status         of the last attempt: ok, failed, none, 404, 5xx
//	text           stands in the body, case is ignored
//	webhook-id     its Webhook-Id
//
// Quotes, ' or ", keep blanks and commas together, also for a part of a value;
// there is no escape character. A value in text and webhook-id is not split at
// commas. now is what times such as 2h are reckoned from.
//
// The error is a *FilterError.
func ParseFilter(text string, now time.Time) (Filter, error) {
	var f Filter
	if len(text) > maxFilterText {
		return f, &FilterError{Word: text[:16] + "...", Reason: fmt.Sprintf("the filter is longer than %d bytes", maxFilterText)}
	}
	values := 0
	for rest := skipBlanks(text); rest != ""; rest = skipBlanks(rest) {
		c, after, err := readCondition(rest)
		if err == nil {
			err = f.Add(c, now)
		}
		if err != nil {
			return Filter{}, err
		}
		if values += len(c.Values); values > maxFilterValues {
			return Filter{}, &FilterError{Word: c.Key, Key: c.Key, Reason: fmt.Sprintf("the filter has more than %d values", maxFilterValues)}
		}
		rest = after
	}
	return f, nil
}

func skipBlanks(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }

// readCondition reads the first word of s, which is not blank, and gives what
// follows it.
func readCondition(s string) (c Condition, rest string, err error) {
	word := s
	if end := strings.IndexFunc(s, unicode.IsSpace); end >= 0 {
		word = s[:end]
	}
	wrong := func(reason, hint string) (Condition, string, error) {
		return c, "", &FilterError{Word: word, Key: c.Key, Reason: reason, Hint: hint}
	}
	name, _, ok := strings.Cut(word, "=")
	if !ok || name == "" || strings.ContainsAny(name, `'"`) {
		return wrong("it is no condition", "write key=value, and quotes around a value with blanks; keys are "+strings.Join(FilterKeys(), ", "))
	}
	rest = s[len(name)+1:]
	c.Key, c.Not = strings.CutSuffix(name, "!")
	if strings.HasPrefix(rest, "=") {
		return wrong("one equals sign is enough", "write "+c.Key+"=VALUE; a value that begins with one needs quotes")
	}
	k := findFilterKey(c.Key)
	c.Values, rest, ok = readValues(rest, k == nil || k.many)
	switch {
	case !ok:
		return wrong("a quote is not closed", "")
	case len(c.Values) > 1 && c.Values[len(c.Values)-1] == "":
		return wrong("no value follows the comma", "write values without blanks between: "+c.Key+"=ONE,OTHER")
	}
	return c, rest, nil
}

// readValues reads up to a blank that is not in quotes. It reports whether all
// quotes are closed.
func readValues(s string, commas bool) (values []string, rest string, ok bool) {
	var value strings.Builder
	var quoted byte // the quote that is open; 0: none
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case quoted != 0 && s[0] == quoted:
			quoted = 0
		case quoted != 0:
			value.WriteString(s[:size])
		case s[0] == '\'' || s[0] == '"':
			quoted = s[0]
		case unicode.IsSpace(r):
			return append(values, value.String()), s, true
		case commas && s[0] == ',':
			values = append(values, value.String())
			value.Reset()
		default:
			value.WriteString(s[:size])
		}
		s = s[size:]
	}
	return append(values, value.String()), "", quoted == 0
}

// quote spells a value so that readValues reads it.
func quote(s string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./*?:@+", r)
	}
	switch {
	case s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0:
		return s
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	case !strings.Contains(s, `"`):
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}
