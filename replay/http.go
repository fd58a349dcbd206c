package replay

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/hfhook/hfhook/replay/internal/redact"
)

// minHidden is how long a password has to be to be looked for in answers, in
// bytes: a short one may be in them by chance.
const minHidden = 8

// HTTPOptions says how an HTTPTarget sends.
type HTTPOptions struct {
	// Secret is put in where a delivery's secret was redacted. Without one,
	// the header and the query parameter are left out. Default: none.
	Secret string

	// Header replaces headers of the delivery; a name without a value takes
	// the header away. Default: none.
	Header http.Header

	// Host is the Host header; the target's. A proxy on the way to an http
	// target is always given the target's.
	Host     string
	KeepHost bool          // send the Host header that came in; false
	Timeout  time.Duration // for a whole attempt; 30s
	TLS      TLSOptions    // for https
}

// HTTPTarget sends deliveries to a URL: the body bit for bit, with the method,
// query and headers that came in. It follows no redirects, adds no headers of
// its own beyond those that HTTP needs, and takes those away that were meant
// for one connection only.
//
// An answer that shows the secret is kept with Redacted in its place, also when it
// is escaped (as in URLs, JSON, program text or HTML, up to twice), in hexadecimal,
// in base64, or a list of bytes. So is the password of the URL. One that comes
// compressed with gzip or deflate is kept as it was before that; one with another
// Content-Encoding without its body, where there is a secret to hide.
//
// A kept connection that turns out to be dead before any of the answer came is
// replaced by a new one, and the delivery sent again there: a target that read it
// and died gets it twice. Environment proxies are used, though not for loopback
// addresses.
type HTTPTarget struct {
	name      string
	base      *url.URL // its Path is empty when that of the delivery is to be kept
	basic     string   // the Authorization header for the URL's user, if any
	options   HTTPOptions
	transport *http.Transport
	plain     *plainHTTP // nil where only the transport will do
	redact    *redact.Secrets
}

// NewHTTPTarget reads a target's URL, which is one of
//
//	http://host[:port][/path][?query]
//	https://host[:port][/path][?query]
//	unix:///path/to.sock[:/path][?query]
//
// A URL with a path, be it "/", gets every delivery there. To one without a
// path, each goes to the path that it came to. The query of the URL stands
// before that of the delivery. A user and password in the URL are sent as basic
// authentication.
//
// The path to a socket stands as it is, without escapes, and ends at the first
// ":/". Close frees the connections.
func NewHTTPTarget(rawURL string, o HTTPOptions) (*HTTPTarget, error) {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	base, socket, err := parseTarget(rawURL)
	if err != nil {
		return nil, fmt.Errorf("target URL: %w", err)
	}
	t := &HTTPTarget{base: base, options: o, transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    512, // as many as are sent at a time
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: MaxAnswer,
	}}
	if base.Scheme == "https" {
		if t.transport.TLSClientConfig, err = o.TLS.config(); err != nil {
			return nil, err
		}
	} else if o.TLS != (TLSOptions{}) {
		return nil, errors.New("TLS options are for https targets only")
	}
	hide := []string{o.Secret}
	if base.User != nil {
		password, _ := base.User.Password()
		if len(password) >= minHidden {
			hide = append(hide, password)
		}
		t.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(base.User.Username()+":"+password))
		base.User = nil
	}
	named := *base
	named.RawQuery = redactQuery(named.RawQuery)
	t.name = named.String()
	if socket != "" {
		t.name = "unix://" + socket
		if named.Path != "" {
			t.name += ":"
		}
		named.Scheme, named.Host = "", ""
		t.name += named.String()
		t.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	if base.Scheme == "http" {
		t.plain = &plainHTTP{dial: t.transport.DialContext}
		if socket == "" {
			t.plain.dial = new(net.Dialer).DialContext
		}
	}
	t.redact = redact.New(hide...)
	return t, nil
}

func (o *HTTPOptions) check() error {
	if !httpguts.ValidHeaderFieldValue(o.Secret) {
		return errors.New("the secret cannot be sent in a header: it has control characters")
	}
	o.Header = o.Header.Clone()
	for name, values := range o.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%q is not a valid header name", name)
		}
		bad := func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }
		if slices.ContainsFunc(values, bad) {
			return fmt.Errorf("the value for header %s has control characters", name)
		}
		if http.CanonicalHeaderKey(name) == "Host" {
			return errors.New("the Host header is set by the Host option")
		}
	}
	return nil
}

// parseTarget reads a target's URL. Errors hold nothing of what may be secret
// in it.
func parseTarget(raw string) (base *url.URL, socket string, err error) {
	if rest, ok := strings.CutPrefix(raw, "unix:"); ok {
		path, query, _ := strings.Cut(rest, "?")
		socket, path, found := strings.Cut(path, ":/")
		socket, ok = strings.CutPrefix(socket, "//")
		if !ok || !strings.HasPrefix(socket, "/") {
			return nil, "", errors.New("a unix socket needs three slashes: unix:///path/to.sock")
		}
		if found {
			path = "/" + path
		}
		base, err = url.Parse(path)
		if err == nil {
			base.Scheme, base.Host, base.RawQuery = "http", "localhost", query
		}
		return base, socket, withoutURL(err)
	}
	base, err = url.Parse(raw)
	switch {
	case err != nil:
		return nil, "", withoutURL(err)
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, "", fmt.Errorf("the scheme is %q: want http, https or unix", base.Scheme)
	case base.Hostname() == "":
		return nil, "", errors.New("there is no host")
	}
	base.Host = strings.ToLower(base.Host)
	base.Fragment, base.RawFragment = "", ""
	return base, "", nil
}

// withoutURL takes off what repeats a URL, with its password.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// setPath sets a path that is sent exactly as it stands in raw.
func setPath(u *url.URL, raw string) {
	path, err := url.PathUnescape(raw)
	u.Path, u.RawPath = path, raw
	// Some paths that servers take, package url would write another way.
	// Opaque is not the way for all, because it ends proxies, and "//" means a
	// host there.
	if (err != nil || u.EscapedPath() != raw) && !strings.HasPrefix(raw, "//") {
		u.Opaque = raw
	}
}

// Name is the URL, without user and password, and with its "secret" parameter
// redacted.
func (t *HTTPTarget) Name() string { return t.name }

// Close frees the connections that are not in use. The target stays usable.
func (t *HTTPTarget) Close() error {
	t.transport.CloseIdleConnections()
	if t.plain != nil {
		t.plain.close()
	}
	return nil
}

// Send implements Target.
func (t *HTTPTarget) Send(ctx context.Context, d *Delivery) *Attempt {
	a := &Attempt{}
	limited, cancel := context.WithTimeout(ctx, t.options.Timeout)
	defer cancel()
	var progress progress
	req, err := t.request(d)
	var resp *http.Response
	if err == nil {
		resp, err = t.roundTrip(limited, req, &progress)
	}
	if err == nil {
		err = t.read(a, resp)
		resp.Body.Close()
	}
	if err != nil {
		t.fail(ctx, limited, a, err, &progress)
	}
	return a
}

// roundTrip is not by an http.Client: that would follow redirects and name the
// URL in errors.
func (t *HTTPTarget) roundTrip(ctx context.Context, req *http.Request, p *progress) (*http.Response, error) {
	proxy, err := t.transport.Proxy(req)
	switch {
	case err == nil && proxy == nil && t.plain != nil && t.plain.takes(req):
		return t.plain.roundTrip(ctx, req, p)
	case proxy != nil && req.URL.Scheme == "http":
		req.Host = "" // else the proxy would take it for where to go
	}
	return t.transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, p.trace())))
}

func (t *HTTPTarget) request(d *Delivery) (*http.Request, error) {
	u := *t.base
	if u.Path == "" && u.Opaque == "" {
		setPath(&u, d.Path)
	}
	query := restoreQuery(d.Query, t.options.Secret)
	if u.RawQuery != "" && query != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += query

	req := &http.Request{
		Method:        d.Method,
		URL:           &u,
		Header:        t.header(d),
		Host:          t.options.Host,
		ContentLength: int64(len(d.Body)),
		GetBody:       func() (io.ReadCloser, error) { return newBody(d.Body), nil },
	}
	if req.Method == "" {
		req.Method = http.MethodPost
	}
	if t.options.KeepHost && req.Host == "" {
		req.Host = d.Host
	}
	req.Body, _ = req.GetBody()
	return req, sendable(req)
}

// sendable refuses a request that can be read in two ways, or that asks for
// another host or a tunnel to one. None like it arrives at a receiver, but what
// is kept may have been imported.
func sendable(req *http.Request) error {
	target := req.URL.RequestURI()
	switch {
	case !httpguts.ValidHeaderFieldName(req.Method): // a token, too
		return errors.New("the method is not valid")
	case req.Method == http.MethodConnect:
		return errors.New("the method CONNECT is for proxies")
	case strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == '\x7f' }):
		return errors.New("the path or query has a blank or a control character")
	case !strings.HasPrefix(target, "/") && (target != "*" || req.Method != http.MethodOptions):
		return errors.New("the path does not begin with a slash")
	case !httpguts.ValidHostHeader(req.Host):
		return errors.New("the Host header is not valid")
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%q is not a valid header name", name)
		}
		if slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return fmt.Errorf("the value for header %s has control characters", name)
		}
	}
	return nil
}

// hopByHop are the headers that are about one connection, besides those that
// Connection names and all that begin with Proxy-.
var hopByHop = []string{"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// EndToEnd gives the headers of a delivery that are for its target: a copy
// without those that are about the connection that it came by, or the length of
// what went over it.
func (d *Delivery) EndToEnd() http.Header {
	h := d.Header.Clone()
	if h == nil {
		h = make(http.Header)
	}
	for name, values := range d.Header {
		if canonical := http.CanonicalHeaderKey(name); canonical != name {
			delete(h, name)
			h[canonical] = append(h[canonical], values...)
		}
	}
	for _, value := range h["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for name := range h {
		if slices.Contains(hopByHop, name) || strings.HasPrefix(name, "Proxy-") {
			delete(h, name)
		}
	}
	delete(h, "Content-Length") // it is the request's own
	delete(h, "Host")           // it is in d.Host
	return h
}

func (t *HTTPTarget) header(d *Delivery) http.Header {
	h := d.EndToEnd()
	if values := h[HeaderSecret]; slices.Contains(values, Redacted) {
		if t.options.Secret == "" {
			delete(h, HeaderSecret)
		} else {
			for i := range values {
				values[i] = t.options.Secret
			}
		}
	}
	if t.basic != "" {
		h.Set("Authorization", t.basic)
	}
	for name, values := range t.options.Header {
		h.Del(name)
		if len(values) > 0 {
			h[http.CanonicalHeaderKey(name)] = values
		}
	}
	// What net/http would add by itself.
	if len(h["User-Agent"]) == 0 {
		h["User-Agent"] = []string{""}
	}
	// Not sent: it lets net/http replace a kept connection that is dead.
	if _, ok := h["Idempotency-Key"]; !ok {
		h["Idempotency-Key"] = nil
	}
	return h
}
