// Package redact takes secrets out of what others answer or print, also where
// they are written in another form.
package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Mark stands in place of a secret; it is replay.Redacted.
const Mark = "[redacted]"

// Secrets finds secrets in texts: as they are; escaped as in URLs, JSON, program
// text or HTML, wholly or where it has to be, also twice; in hexadecimal; in
// base64, also with something before it; as a list of the numbers of their bytes.
// What is done to them beyond that (other ciphers and sums, lines broken within,
// parts of them) is not recognised. Nil finds nothing. It may be used by several
// goroutines at once.
type Secrets struct {
	needles  []*needle
	first    [256][]*needle // by their first byte, those that may be escaped
	shortest int
	longest  int
}

// needle is one text that gives a secret away.
type needle struct {
	text   []byte
	layers uint // those that it may be in, a bit each
}

// A form that is not the secret itself is only looked for when it is this long,
// in bytes: shorter ones are found anywhere.
const minForm = 8

// What is cut off is no secret when less than this is left of it, in bytes.
const minCut = 4

// growth bounds how much longer a secret gets when it is escaped.
const growth = 12

// New knows the given secrets; empty ones are left out.
func New(secrets ...string) *Secrets {
	s := new(Secrets)
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		s.add(secret, once|twice)
		if len(secret) < minForm {
			for _, form := range escaped(secret) {
				s.add(form, 0)
			}
			continue
		}
		for _, form := range slices.Concat(escaped(secret), encoded(secret)) {
			s.add(form, once)
		}
		for _, form := range listed(secret) {
			s.add(form, 0)
		}
	}
	if len(s.needles) == 0 {
		return nil
	}
	return s
}

func (s *Secrets) add(text string, in uint) {
	if slices.ContainsFunc(s.needles, func(n *needle) bool { return string(n.text) == text }) {
		return
	}
	n := &needle{[]byte(text), in}
	s.needles = append(s.needles, n)
	if s.shortest == 0 || len(text) < s.shortest {
		s.shortest = len(text)
	}
	s.longest = max(s.longest, len(text))
	if in != 0 {
		s.first[text[0]] = append(s.first[text[0]], n)
		s.longest = max(s.longest, growth*len(text))
	}
}

// escaped are the forms in which a secret is quoted as a whole.
func escaped(secret string) []string {
	quoted, _ := json.Marshal(secret)
	ascii := strconv.QuoteToASCII(secret)
	return []string{url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1 : len(quoted)-1]), ascii[1 : len(ascii)-1]}
}

// encoded are the forms in which no byte of a secret can be read.
func encoded(secret string) []string {
	forms := []string{hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			forms = append(forms, within64(encoding, secret, before))
		}
	}
	return forms
}

// listed are the forms in which programs print bytes.
func listed(secret string) (forms []string) {
	for _, format := range []string{"%d", "%#x", "%02x"} {
		var numbers []string
		for _, c := range []byte(secret) {
			numbers = append(numbers, fmt.Sprintf(format, c))
		}
		for _, between := range []string{" ", ", ", ",", ":"} {
			forms = append(forms, strings.Join(numbers, between))
		}
	}
	return forms
}

// within64 is the part of the base64 of some bytes and a secret that depends on
// the secret alone.
func within64(encoding *base64.Encoding, secret string, before int) string {
	text := encoding.EncodeToString(append(make([]byte, before), secret...))
	first := (before*8 + 5) / 6
	return text[first : (before+len(secret))*8/6]
}

// Longest is how many bytes of a text a secret may take, in the longest form.
func (s *Secrets) Longest() int {
	if s == nil {
		return 0
	}
	return s.longest
}

// Find gives the places of secrets in text, one after the other: of those that
// overlap the first, and of several that begin there the longest. What is found
// at a place depends on no more than the Longest bytes from there.
func (s *Secrets) Find(text []byte) iter.Seq2[int, int] {
	return func(yield func(at, size int) bool) {
		if s == nil || len(text) < s.shortest {
			return
		}
		plain := make([]int, len(s.needles)) // where each is next, as it is
		for i := range plain {
			plain[i] = -1
		}
		escapes := bytes.ContainsAny(text, escapeStarts)
		for from := 0; from < len(text); {
			at, size := len(text), 0
			for i, needle := range s.needles {
				if plain[i] < from {
					plain[i] = len(text)
					if n := bytes.Index(text[from:], needle.text); n >= 0 {
						plain[i] = from + n
					}
				}
				if plain[i] < at || plain[i] == at && len(needle.text) > size {
					at, size = plain[i], len(needle.text)
				}
			}
			if escapes {
				for i := from; i < len(text) && i <= at; i++ {
					if n := s.escapedAt(text[i:]); n > 0 && (i < at || n > size) {
						at, size = i, n
					}
				}
			}
			if at == len(text) || !yield(at, size) {
				return
			}
			from = at + size
		}
	}
}

// escapedAt is how many bytes the longest secret takes that text begins with, in
// one of the layers.
func (s *Secrets) escapedAt(text []byte) (size int) {
	if c := text[0]; strings.IndexByte(escapeStarts, c) < 0 && len(s.first[c]) == 0 {
		return 0
	}
	for l := range layers {
		c, _ := layers[l].next(text)
		for _, needle := range s.first[c] {
			if needle.layers>>l&1 == 1 {
				size = max(size, layers[l].match(text, needle.text))
			}
		}
	}
	return size
}

// Replace gives text with Mark in place of each secret.
func (s *Secrets) Replace(text string) string {
	var b strings.Builder
	done := 0
	for at, size := range s.Find([]byte(text)) {
		b.WriteString(text[done:at])
		b.WriteString(Mark)
		done = at + size
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// ReplaceCut is Replace for a text that ended too early: what may be the
// beginning of a secret at its end is one.
func (s *Secrets) ReplaceCut(text string) string {
	text = s.Replace(text)
	if s == nil {
		return text
	}
	longest := 0
	for _, needle := range s.needles {
		for n := min(len(needle.text), len(text)); n > longest; n-- {
			if strings.HasSuffix(text, string(needle.text[:n])) {
				longest = n
			}
		}
	}
	if longest < minCut {
		return text
	}
	return text[:len(text)-longest] + Mark
}
