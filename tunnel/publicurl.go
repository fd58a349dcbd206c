package tunnel

import (
	"errors"
	"net/url"
	"strings"
)

// ParsePublicURL reads the URL under which the Hub is to reach this machine:
// absolute, https, with a host and without user, query or fragment. A path is
// a prefix in front of everything; its trailing slashes are cut. With insecure
// http is good enough. The error is an *Error that does not repeat s, which
// may hold a password.
func ParsePublicURL(s string, insecure bool) (*url.URL, error) {
	refuse := func(detail, hint string, err error) (*url.URL, error) {
		return nil, &Error{Code: "url", Detail: "the public URL " + detail, Permanent: true, Hint: hint, Err: err}
	}
	const example = "for example https://hooks.example.com"

	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return refuse("is not a URL", example, err)
	}
	switch {
	case u.Scheme == "http" && insecure, u.Scheme == "https":
	case u.Scheme == "http":
		return refuse("starts with http://: whoever is on the way could read the secret",
			"put TLS in front and give the https URL, or insist with --insecure-public-url", nil)
	default:
		return refuse("does not start with https://", example, nil)
	}
	switch {
	case u.Opaque != "" || u.Hostname() == "":
		return refuse("has no host", example, nil)
	case u.User != nil:
		return refuse("has a user name in it", "leave out what is in front of the @", nil)
	case u.RawQuery != "" || u.ForceQuery:
		return refuse("has a query", "leave out what follows the ?", nil)
	case u.Fragment != "":
		return refuse("has a fragment", "leave out what follows the #", nil)
	}
	u.Host = strings.ToLower(u.Host)
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// SpaceInfo is the Hugging Face Space that this program runs on.
type SpaceInfo struct {
	ID  string   // owner/name
	URL *url.URL // its public URL
}

// Space tells whether this is a Space, by the variables that Spaces set:
// SPACE_ID and SPACE_HOST. Source: hub-docs spaces-overview.md. A private
// Space cannot be called by a webhook.
func Space(getenv func(string) string) (SpaceInfo, bool) {
	id, host := getenv("SPACE_ID"), getenv("SPACE_HOST")
	if id == "" || host == "" {
		return SpaceInfo{}, false
	}
	return SpaceInfo{ID: id, URL: &url.URL{Scheme: "https", Host: host}}, true
}
