package receiver

import (
	"errors"
	"fmt"
	"strings"
)

// prefix is where huggingface_hub's server has its endpoints too.
const prefix = "/webhooks/"

const maxName = 200

// cleanName gives the endpoint that a name or path stands for. It allows only
// what stands in a URL as it is, so that there is one spelling of each path.
func cleanName(name string) (string, error) {
	name = strings.Trim(name, "/")
	switch {
	case name == "":
		return "", errors.New("the name is empty")
	case len(name) > maxName:
		return "", fmt.Errorf("the name is longer than %d bytes", maxName)
	}
	for segment := range strings.SplitSeq(name, "/") {
		switch segment {
		case "", ".", "..":
			return "", errors.New("the name has an empty or dotted path segment")
		}
		if i := strings.IndexFunc(segment, func(r rune) bool { return !plain(r) }); i >= 0 {
			return "", errors.New(`the name holds something else than letters, digits, "-._~" and "/"`)
		}
	}
	return name, nil
}

// plain reports whether r is unreserved in a URL (RFC 3986, 2.3).
func plain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r)
}

// route gives the endpoint of an escaped path and whether it takes deliveries.
// It takes the path as it came: cleaning it would mean to redirect, and to the
// Hub everything outside 2xx is a failed delivery. One slash at the end is
// forgiven for that same reason.
func (s *Server) route(path string) (endpoint string, ok bool) {
	name, under := strings.CutPrefix(path, prefix)
	if under {
		name = strings.TrimSuffix(name, "/")
		if _, ok := s.handlers[name]; ok {
			return name, true
		}
	}
	if !s.o.AnyPath {
		return "", false
	}
	if clean, err := cleanName(name); under && err == nil && clean == name {
		return name, true
	}
	return path, true
}
