// Package hub talks to the Hugging Face Hub's settings API of webhooks.
//
// A [Client] lists, makes, changes and deletes the webhooks of a user, and
// tells who that is. [FindToken] and [FindEndpoint] look where huggingface_hub
// looks. What goes wrong is an [*Error], with a hint for the user.
// Package hubtest has a Hub for tests.
package hub

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options are for New. All of them have defaults.
type Options struct {
	// Endpoint is the Hub's base URL, http or https. Default: DefaultEndpoint.
	Endpoint string

	// Token of the user, see FindToken. It appears in no log and no error.
	// Default: none, and calls fail with ErrNoToken.
	Token Token

	// Version is that of the program, for the User-Agent. Default: "dev".
	Version string

	// Timeout bounds each call, its retries and waits included.
	// Default: 30 s.
	Timeout time.Duration

	// Offline makes calls fail with ErrOffline. See FindOffline.
	Offline bool

	// Transport makes the requests. Default: one that follows the proxy
	// settings of the environment.
	Transport http.RoundTripper

	// Log takes warnings of the Hub, and in debug each request.
	// Default: none.
	Log *slog.Logger
}

// Client makes calls to the Hub. Its methods may be called at the same time.
// All errors that they return are *Error.
//
// Rate limits are waited for where that fits into the timeout, once per call.
// A call that only reads is made again when the connection broke or the Hub has
// a problem, two times at most; any other only when it cannot have reached the
// Hub. Redirects are not followed.
type Client struct {
	endpoint  string
	token     func() Token // fmt shows all other kinds of fields
	userAgent string
	timeout   time.Duration
	offline   bool
	transport http.RoundTripper
	close     func()
	log       *slog.Logger
}

// New makes a Client. It connects to nothing yet.
func New(o Options) (*Client, error) {
	const op = "use the Hub"
	u, err := url.Parse(strings.TrimRight(cmp.Or(o.Endpoint, DefaultEndpoint), "/"))
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, reject(op, "the endpoint is no http or https URL", "set HF_ENDPOINT to one like "+DefaultEndpoint, ErrInvalid)
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, reject(op, "the endpoint has more than a host and a path", "set HF_ENDPOINT to one like "+DefaultEndpoint, ErrInvalid)
	case strings.ContainsFunc(string(o.Token.Value), func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, reject(op, o.Token.named()+" has characters that no token has", "copy it again from "+u.String()+"/settings/tokens", ErrInvalid)
	}
	c := &Client{
		endpoint:  u.String(),
		token:     func() Token { return o.Token },
		userAgent: "hfhook/" + cmp.Or(o.Version, "dev"),
		timeout:   cmp.Or(o.Timeout, 30*time.Second),
		offline:   o.Offline,
		transport: o.Transport,
		close:     func() {},
		log:       cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
	}
	if c.transport == nil {
		t := &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    10 * time.Second,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
				if resp.StatusCode != http.StatusOK {
					return proxyError(resp.StatusCode)
				}
				return nil
			},
		}
		c.transport, c.close = t, t.CloseIdleConnections
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		c.log.Warn("the token goes to the Hub without encryption", "endpoint", c.endpoint)
	}
	return c, nil
}

// Endpoint is the Hub's base URL, without a slash at its end.
func (c *Client) Endpoint() string { return c.endpoint }

// Close frees the connections that are not in use. The client stays usable.
func (c *Client) Close() { c.close() }
