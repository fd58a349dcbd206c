package replay

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
)

// NewDelivery takes down a request that arrived at a server, with the body that
// was read from it. The delivery keeps body, and has no verdict yet.
//
// The path and query are those of the request line, not decoded and not
// cleaned. The secret is redacted: in X-Webhook-Secret, in the query, and in
// headers that repeat the URL, as proxies add them.
func NewDelivery(r *http.Request, body []byte) Delivery {
	path, query := requestTarget(r)
	return Delivery{
		WebhookID: r.Header.Get(HeaderWebhookID),
		Method:    r.Method,
		Path:      path,
		Query:     redactQuery(query),
		Host:      r.Host,
		Header:    redactHeader(r.Header),
		Body:      body,
		BodySize:  int64(len(body)),
	}
}

func requestTarget(r *http.Request) (path, query string) {
	target := r.RequestURI
	if target == "" { // a request that no server read
		target = r.URL.RequestURI()
	}
	// To a proxy, the whole URL is sent.
	if !strings.HasPrefix(target, "/") {
		if _, rest, ok := strings.Cut(target, "://"); ok {
			if i := strings.IndexAny(rest, "/?"); i >= 0 {
				target = rest[i:]
			} else {
				target = ""
			}
		}
	}
	path, query, _ = strings.Cut(target, "?")
	// Behind a host, what begins otherwise would be part of its name: a:@b is a
	// target that servers take.
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path, query
}

func redactHeader(h http.Header) http.Header {
	kept := make(http.Header, len(h))
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		for _, value := range values {
			if name == HeaderSecret {
				value = Redacted
			} else if before, query, ok := strings.Cut(value, "?"); ok {
				value = before + "?" + redactQuery(query)
			}
			kept[name] = append(kept[name], value)
		}
	}
	return kept
}

// maxText bounds what is taken out of a body for lists, in bytes.
const maxText = 512

// Describe fills in what lists and filters know of a delivery's body. Texts
// that are longer than 512 bytes are cut.
func (d *Delivery) Describe(p *payload.Payload) {
	d.Scope = payload.Scope(text(string(p.Event.Scope)))
	d.Action = payload.Action(text(string(p.Event.Action)))
	d.RepoType = payload.RepoType(text(string(p.Repo.Type)))
	d.Repo = text(p.Repo.Name)
	d.Summary = text(p.Describe())
}

// text gives at most maxText bytes of valid UTF-8.
func text(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
