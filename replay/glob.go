package replay

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
)

// matchScope reports whether s is what pattern describes, or narrower.
func matchScope(pattern, s payload.Scope) bool {
	if !strings.ContainsAny(string(pattern), "*?") {
		return s.Within(pattern)
	}
	return matchGlob(string(pattern), string(s), exact) || matchGlob(string(pattern)+".*", string(s), exact)
}

// matchRefs reports whether d is about a ref that one of the globs describes.
func matchRefs(globs []string, d *Delivery) bool {
	if d.Verdict != Accepted {
		return false
	}
	p, err := payload.Decode(d.Body)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(p.Refs(), func(ref string) bool {
		return slices.ContainsFunc(globs, func(glob string) bool { return matchGlob(glob, ref, exact) })
	})
}

// matchGlob reports whether the whole of s is what glob describes, in which *
// stands for any characters, also none, and ? for any one. Bytes are compared
// as fold gives them.
func matchGlob(glob, s string, fold func(byte) byte) bool {
	// star and from are where to go back to when what follows the last *
	// does not match: one character further on.
	star, from := -1, 0
	i, j := 0, 0
	for j < len(s) {
		_, size := utf8.DecodeRuneInString(s[j:])
		switch {
		case i < len(glob) && glob[i] == '*':
			star, from = i, j
			i++
		case i < len(glob) && glob[i] == '?':
			i++
			j += size
		case i < len(glob) && fold(glob[i]) == fold(s[j]):
			i++
			j++
		case star >= 0:
			_, size = utf8.DecodeRuneInString(s[from:])
			from += size
			i, j = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(glob[i:], "*") == ""
}

func exact(c byte) byte { return c }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
