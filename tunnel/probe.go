package tunnel

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// probePath is where a Prober answers itself, below any prefix.
const probePath = "/.well-known/hfhook/"

// Prober finds out whether a public URL leads to this very program: it asks
// the URL for a value that only its own Handler can give. NewProber makes one;
// its methods may be called at the same time.
type Prober struct {
	// Client makes the request; of it only the transport is used.
	// Default: one that follows the proxy settings of the environment.
	Client *http.Client

	// Version is that of the program, for the User-Agent. Default: "dev".
	Version string

	// Timeout bounds one probe. Default: 10 s.
	Timeout time.Duration

	key [32]byte
}

// NewProber makes a Prober with a key of its own.
func NewProber() *Prober {
	p := new(Prober)
	rand.Read(p.key[:])
	return p
}

// Handler answers probes and hands everything else to next. It needs no secret
// and shows none. A path in front, which a reverse proxy may have left there,
// does not matter.
func (p *Prober) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, nonce, ok := strings.Cut(r.URL.Path, probePath)
		if !ok || r.Method != http.MethodGet || !isNonce(nonce) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, p.answer(nonce))
	})
}

// isNonce keeps the handler from working on anything but what Probe sends:
// letters and digits, not many.
func isNonce(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z')
	})
}

func (p *Prober) answer(nonce string) string {
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write([]byte(nonce))
	return hex.EncodeToString(mac.Sum(nil))
}

// Probe makes one request through the public URL, whose path is kept in front.
// Nil means that the URL leads to the Handler of p; any other result is a
// *ProbeError.
func (p *Prober) Probe(ctx context.Context, public *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(p.Timeout, 10*time.Second))
	defer cancel()

	nonce := rand.Text()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, public.JoinPath(probePath, nonce).String(), nil)
	if err != nil {
		return transportError(public, err)
	}
	req.Close = true
	req.Header.Set("User-Agent", "hfhook/"+cmp.Or(p.Version, "dev"))
	req.Header.Set("Ngrok-Skip-Browser-Warning", "1")

	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if p.Client != nil {
		client.Transport = p.Client.Transport
	}
	resp, err := client.Do(req)
	if err != nil {
		return transportError(public, err)
	}
	defer resp.Body.Close()
	want := p.answer(nonce)
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(len(want))+1))
	if err != nil {
		return transportError(public, err)
	}
	if resp.StatusCode == http.StatusOK && hmac.Equal(body, []byte(want)) {
		return nil
	}
	return answerError(public, resp)
}

// ProbeClass tells the ways apart in which a probe can fail.
type ProbeClass string

const (
	ProbeForeign     ProbeClass = "foreign"     // somebody else answers under this name
	ProbeProvider    ProbeClass = "provider"    // the provider answers itself: quota, offline
	ProbePage        ProbeClass = "page"        // a page for browsers stands in front
	ProbeStatus      ProbeClass = "status"      // any other HTTP status
	ProbeDNS         ProbeClass = "dns"         // the name is not known (yet)
	ProbeTLS         ProbeClass = "tls"         // no TLS there, or no good certificate
	ProbeTimeout     ProbeClass = "timeout"     // no answer in time
	ProbeUnreachable ProbeClass = "unreachable" // no connection, or it broke
)

// ProbeError says why a public URL does not lead here.
type ProbeError struct {
	Class  ProbeClass
	Status int    // HTTP status; 0: no answer
	Code   string // the provider's own code, as ERR_NGROK_727; may be empty
	Detail string // what the user reads: one sentence
	Hint   string // what the user can do; may be empty
	Err    error  // the cause; may be nil
}

// Error is Detail.
func (e *ProbeError) Error() string { return e.Detail }

// Unwrap is the cause.
func (e *ProbeError) Unwrap() error { return e.Err }

// answerError reads what came instead of the right value.
func answerError(public *url.URL, resp *http.Response) *ProbeError {
	e := &ProbeError{Status: resp.StatusCode}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch code := resp.Header.Get("Ngrok-Error-Code"); {
	case ngrokCode.MatchString(code):
		e.Class, e.Code = ProbeProvider, code
		e.Detail, e.Hint = ngrokAnswer(public, code)
	case resp.StatusCode == http.StatusOK && media == "text/html":
		e.Class = ProbePage
		e.Detail = fmt.Sprintf("%s shows a page before your receiver; deliveries may be lost", public)
		e.Hint = "if it is a warning page of the provider, switch it off there, or use another tunnel"
	case resp.StatusCode == http.StatusOK:
		e.Class = ProbeForeign
		e.Detail = fmt.Sprintf("%s answers, but not from this hfhook", public)
		e.Hint = "the name may belong to somebody else now: do not use it"
	default:
		e.Class = ProbeStatus
		e.Detail = fmt.Sprintf("%s does not lead here: it answers %d %s", public, resp.StatusCode, http.StatusText(resp.StatusCode))
		e.Hint = "check the reverse proxy in front of the receiver"
	}
	return e
}

var ngrokCode = regexp.MustCompile(`^ERR_NGROK_[0-9]{1,6}$`)

// ngrokAnswer is for what ngrok tells the caller and never the agent.
// Source: ngrok-docs, errors.
func ngrokAnswer(public *url.URL, code string) (detail, hint string) {
	switch code {
	case "ERR_NGROK_702", "ERR_NGROK_703", "ERR_NGROK_714",
		"ERR_NGROK_725", "ERR_NGROK_726", "ERR_NGROK_727", "ERR_NGROK_728", "ERR_NGROK_729",
		"ERR_NGROK_734", "ERR_NGROK_735", "ERR_NGROK_736":
		return fmt.Sprintf("ngrok answers for you: a request quota of your plan is used up (%s); deliveries do not arrive", code),
			"see https://dashboard.ngrok.com/usage, or use another tunnel"
	case "ERR_NGROK_3200":
		return fmt.Sprintf("ngrok says that %s is offline (%s); deliveries do not arrive", public, code), ""
	}
	return fmt.Sprintf("ngrok answers for you (%s); deliveries do not arrive", code),
		"see https://ngrok.com/docs/errors/" + strings.ToLower(code)
}

// transportError is for when there was no answer.
func transportError(public *url.URL, err error) *ProbeError {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	e := &ProbeError{Err: err}
	_, isDNS := errors.AsType[*net.DNSError](err)
	_, isCert := errors.AsType[*tls.CertificateVerificationError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	_, isAlert := errors.AsType[tls.AlertError](err)
	switch {
	case isTimeout(err):
		e.Class = ProbeTimeout
		e.Detail = fmt.Sprintf("%s did not answer in time", public)
	case isDNS:
		e.Class = ProbeDNS
		e.Detail = fmt.Sprintf("%s is not known to the name server (yet)", public.Hostname())
		e.Hint = "a new name can take a minute to appear in DNS"
	case isCert, isPlain, isAlert, errors.Is(err, http.ErrSchemeMismatch):
		e.Class = ProbeTLS
		e.Detail = fmt.Sprintf("TLS with %s fails (%s)", public, printable(err.Error()))
		e.Hint = "the Hub will not deliver to it either"
	default:
		e.Class = ProbeUnreachable
		e.Detail = fmt.Sprintf("%s does not lead here (%s)", public, DialProblem(err))
		e.Hint = "check the reverse proxy in front of the receiver, or GatewayPorts on an own SSH server"
	}
	return e
}
