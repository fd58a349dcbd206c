package receiver

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/hfhook/hfhook/replay"
)

var (
	errNoSecret    = &refusal{status: http.StatusUnauthorized, reason: "no secret"}
	errWrongSecret = &refusal{status: http.StatusForbidden, reason: "wrong secret"}
	errManySecrets = &refusal{status: http.StatusForbidden, reason: "more than one secret"}
)

// secrets are the sums of those that are let in.
type secrets [][sha256.Size]byte

func newSecrets(o Options) (secrets, error) {
	if o.NoSecret {
		if len(o.Secrets) > 0 {
			return nil, errors.New("options Secrets and NoSecret exclude each other")
		}
		return nil, nil
	}
	texts, from := o.Secrets, "option Secrets"
	if env := os.Getenv("WEBHOOK_SECRET"); len(texts) == 0 && env != "" {
		texts, from = []string{env}, "WEBHOOK_SECRET"
	}
	var all secrets
	for _, text := range texts {
		if err := CheckSecret(text); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		all = append(all, sha256.Sum256([]byte(text)))
	}
	return all, nil
}

// CheckSecret refuses what the Hub would not take as a secret or HTTP would
// not carry. The error does not repeat it.
// Source: the Hub's OpenAPI document, pattern ^[\x20-\x7F]*$; a header field
// cannot hold \x7F, and loses blanks at its ends.
func CheckSecret(text string) error {
	switch {
	case text == "":
		return errors.New("the secret is empty")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }):
		return errors.New("the secret holds something else than printable ASCII")
	case strings.Trim(text, " ") != text:
		return errors.New("the secret has a blank at an end, which is lost on the way")
	}
	return nil
}

// check says why r is not let in, if it is not. It does not touch the body.
func (s secrets) check(r *http.Request) *refusal {
	if len(s) == 0 {
		return nil
	}
	given := r.Header[replay.HeaderSecret]
	if len(given) == 0 || len(given) == 1 && given[0] == "" {
		given = nil
		if r.URL.RawQuery != "" {
			given = r.URL.Query()["secret"]
		}
	}
	switch {
	case len(given) > 1:
		return errManySecrets
	case len(given) == 0 || given[0] == "":
		return errNoSecret
	case !s.have(given[0]):
		return errWrongSecret
	}
	return nil
}

// have compares sums, which hides content and length, and compares them all,
// which hides the place.
func (s secrets) have(given string) bool {
	sum := sha256.Sum256([]byte(given))
	found := 0
	for _, want := range s {
		found |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return found == 1
}
