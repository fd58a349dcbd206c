package tunnel

import (
	"cmp"
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// ParsePublicURL reads the URL under which the Hub is to reach this machine:
// absolute, https, with a host and without user, query or fragment. A path is
// a prefix in front of everything; its trailing slashes are cut. With insecure
// http is good enough. A host name in other letters than those of DNS is written
// in them, so that the URL looks like what it is. The error is an *Error that
// does not repeat s, which may hold a password.
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
	case strings.ContainsFunc(u.Path, func(r rune) bool { return !unicode.IsPrint(r) }):
		return refuse("has something in its path that cannot be shown", example, nil)
	}
	if u.Host, err = plainHost(u); err != nil {
		return refuse("has no valid host name or port", example, err)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// hostSyntax is what host names are made of, and more than the standard has:
// the underscore. net/url lets nearly everything pass, as quotes and $(x).
var hostSyntax = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$`)

var errNoHost = errors.New("it is no host name and no address")

// plainHost is the host of u, with its port, in the letters of DNS.
func plainHost(u *url.URL) (string, error) {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", errors.New("its port is no number between 1 and 65535")
		}
		port = ":" + port
	}
	if strings.HasPrefix(u.Host, "[") {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", cmp.Or(err, errNoHost)
		}
		return "[" + host + "]" + port, nil
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
		var err error
		if host, err = idna.Lookup.ToASCII(host); err != nil {
			return "", errNoHost // err repeats it
		}
	}
	if len(host) > 253 || !hostSyntax.MatchString(host) {
		return "", errNoHost
	}
	return host + port, nil
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
