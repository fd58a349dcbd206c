package replay

import (
	"net/url"
	"strings"
)

// redactQuery gives a raw query whose "secret" parameters have Redacted as
// their value. All its other bytes stay.
func redactQuery(raw string) string {
	return mapSecrets(raw, func(head, _ string) (string, bool) { return head + Redacted, true })
}

// restoreQuery puts secret where redactQuery took one out. Without a secret,
// the parameter goes too.
func restoreQuery(raw, secret string) string {
	return mapSecrets(raw, func(head, value string) (string, bool) {
		switch {
		case value != Redacted:
			return head + value, true
		case secret != "":
			return head + url.QueryEscape(secret), true
		}
		head = head[:strings.LastIndexByte(head, ';')+1]
		return strings.TrimSuffix(head, ";"), head != ""
	})
}

// CutAtSecrets cuts a raw query where the value of a "secret" parameter was
// redacted: the secret belongs between each two parts.
func CutAtSecrets(raw string) []string {
	parts := []string{""}
	for i, pair := range strings.Split(raw, "&") {
		last := len(parts) - 1
		if i > 0 {
			parts[last] += "&"
		}
		if at := secretValue(pair); at >= 0 && pair[at:] == Redacted {
			parts[last] += pair[:at]
			parts = append(parts, "")
			continue
		}
		parts[last] += pair
	}
	return parts
}

// mapSecrets replaces the pairs of a raw query that hold a secret. They are
// given in two parts, of which the second is the value, and are left out where
// replace says so.
func mapSecrets(raw string, replace func(head, value string) (string, bool)) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	kept := pairs[:0]
	for _, pair := range pairs {
		keep := true
		if i := secretValue(pair); i >= 0 {
			pair, keep = replace(pair[:i], pair[i:])
		}
		if keep {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// secretValue finds where the value of a "secret" parameter begins in a pair of
// a raw query; -1 when there is none. Some take ";" for a separator of pairs
// and some do not: a key may come after one, a value goes on over it.
func secretValue(pair string) int {
	start := 0
	for part := range strings.SplitSeq(pair, ";") {
		key, value, ok := strings.Cut(part, "=")
		if ok && isSecretKey(key) {
			return start + len(part) - len(value)
		}
		// The "=" may be escaped: no parameter for us, a secret all the same.
		if name, _, ok := strings.Cut(unescapeKey(part), "="); ok && isSecretKey(name) {
			return start
		}
		start += len(part) + 1
	}
	return -1
}

// isSecretKey errs on the side of secrecy about case, blanks and, in a key that
// cannot be decoded, what stands around the word.
func isSecretKey(key string) bool {
	name := strings.ToLower(unescapeKey(key))
	if _, err := url.QueryUnescape(key); err != nil {
		return strings.Contains(name, "secret")
	}
	return strings.TrimSpace(name) == "secret"
}

// unescapeKey is url.QueryUnescape that leaves alone what it cannot decode.
func unescapeKey(key string) string {
	var b strings.Builder
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c == '%' && i+2 < len(key) {
			if s, err := url.QueryUnescape(key[i : i+3]); err == nil {
				b.WriteString(s)
				i += 2
				continue
			}
		}
		if c == '+' {
			c = ' '
		}
		b.WriteByte(c)
	}
	return b.String()
}
