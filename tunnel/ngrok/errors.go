package ngrok

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/plain"
)

// The library has three types for errors with a code, and one path that has
// none of them; the code is in the text of all.
var codePattern = regexp.MustCompile(`(?i)ERR_NGROK_([0-9]{1,6})`)

// kind is what a code means to hfhook: a Code of tunnel.Error, and whether
// waiting helps. While opening, more is permanent than later: an older session
// of our own passes, somebody else's does not.
type kind struct {
	code      string
	permanent bool
	atStart   bool // permanent while opening
}

// kinds knows the codes that an agent can meet; any other is worth a retry.
// Source: ngrok-docs, errors.
var kinds = func() map[string]kind {
	all := map[string]kind{}
	for k, numbers := range map[kind]string{
		{code: "auth", permanent: true}:    "105 106 107 4018",
		{code: "account", permanent: true}: "102 103 115 116 123 9040 15014",
		{code: "version", permanent: true}: "119 120 121",
		{code: "limit", atStart: true}:     "108 348",
		{code: "limit", permanent: true}:   "324 350",
		{code: "rate"}:                     "128 349",
		{code: "taken", atStart: true}:     "334",
		{code: "domain", permanent: true}:  "313 314 319 320 322 15002 15013",
		{code: "url", permanent: true}:     "326 327 328 329 330 331 347 355 9037",
	} {
		for n := range strings.FieldsSeq(numbers) {
			all[n] = k
		}
	}
	return all
}()

// explain turns what the library reports into what the user reads. pause is
// how long until the next try.
func (t *ngrokTunnel) explain(err error, state tunnel.State, pause time.Duration) *tunnel.Error {
	if e, ok := errors.AsType[*tunnel.Error](err); ok {
		return e
	}
	opening := state == tunnel.Opening
	e := &tunnel.Error{Provider: "ngrok", Err: t.redact.Error(err)}
	m := codePattern.FindStringSubmatch(err.Error())
	if m == nil {
		t.explainNetwork(e, err, opening)
		return e
	}

	number, code := m[1], "ERR_NGROK_"+m[1]
	k := kinds[number]
	e.Code = cmp.Or(k.code, "refused")
	e.Permanent = k.permanent || k.atStart && opening
	public, host := "the domain of this account", "of this account"
	if u := t.URL(); u != nil {
		public, host = "https://"+u.Host, u.Hostname()
	}
	switch {
	case e.Code == "auth":
		e.Detail = fmt.Sprintf("ngrok refused the authtoken from %s (%s)", t.p.TokenSource, code)
		e.Hint = "it may have been reset: copy it again from https://dashboard.ngrok.com/get-started/your-authtoken"
	case e.Code == "limit" && k.atStart:
		e.Detail = fmt.Sprintf("your ngrok plan allows no further agent (%s)", code)
		e.Hint = "stop another ngrok or hfhook, see https://dashboard.ngrok.com/agents"
	case e.Code == "limit":
		e.Detail = fmt.Sprintf("your ngrok plan allows no further endpoint (%s)", code)
		e.Hint = "stop another one, see https://dashboard.ngrok.com/endpoints"
	case e.Code == "rate":
		e.Detail = fmt.Sprintf("ngrok limits new sessions right now (%s)", code)
		e.Hint = "wait a few minutes"
	case e.Code == "taken" && opening:
		e.Detail = fmt.Sprintf("%s is already online in another session (%s)", public, code)
		e.Hint = "is another hfhook or ngrok running?"
	case e.Code == "taken":
		e.Detail = fmt.Sprintf("waiting for ngrok to release the old session of %s (retry in %s)", public, pause.Round(100*time.Millisecond))
	case number == "15002" || number == "15013":
		e.Detail = fmt.Sprintf("this ngrok account has no dev domain yet (%s)", code)
		e.Hint = "create it at https://dashboard.ngrok.com/domains"
	case e.Code == "domain":
		e.Detail = fmt.Sprintf("the domain %s is not reserved for this ngrok account (%s)", host, code)
		e.Hint = "leave out --public-url to use your dev domain"
	case e.Code == "url":
		e.Detail = fmt.Sprintf("ngrok does not take the public URL %s (%s)", public, code)
		e.Hint = "give a URL like https://name.ngrok-free.app, or leave out --public-url to use your dev domain"
	case e.Code == "version":
		e.Detail = fmt.Sprintf("ngrok does not take this version of hfhook any more (%s)", code)
		e.Hint = "update hfhook"
	default:
		e.Detail = fmt.Sprintf("ngrok refused: %s (%s)", t.firstLine(err), code)
		e.Hint = "see https://ngrok.com/docs/errors/" + strings.ToLower(code)
	}
	return e
}

// explainNetwork is for errors on the way to ngrok. They pass, except for a
// foreign certificate at the start.
func (t *ngrokTunnel) explainNetwork(e *tunnel.Error, err error, opening bool) {
	_, foreign := errors.AsType[*tls.CertificateVerificationError](err)
	dial, unreachable := errors.AsType[*dialError](err)
	switch {
	case foreign:
		e.Code, e.Permanent = "intercepted", opening
		e.Detail = "the connection to ngrok is intercepted (certificate not signed by ngrok)"
		e.Hint = "ask for an exception, or pass --tunnel-ca FILE"
	case unreachable:
		e.Code = "unreachable"
		e.Detail = fmt.Sprintf("cannot reach %s (%s)", t.p.ConnectURL, tunnel.DialProblem(dial.err))
		e.Hint = "behind a company proxy, set HTTPS_PROXY"
	case errors.Is(err, net.ErrClosed): // only a Kick closes it at this end
		e.Code = "lost"
		e.Detail = "the connection to ngrok was cut to make a new one"
	default:
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // without addresses
		}
		e.Code = "lost"
		e.Detail = fmt.Sprintf("the connection to ngrok broke (%s)", t.firstLine(err))
	}
}

// stopped explains why ngrok ended the endpoint of a living session.
func (t *ngrokTunnel) stopped(err error) *tunnel.Error {
	e := &tunnel.Error{Provider: "ngrok", Code: "stopped", Permanent: true, Err: t.redact.Error(err),
		Detail: "ngrok stopped this endpoint: " + t.firstLine(err)}
	if m := codePattern.FindStringSubmatch(err.Error()); m != nil {
		e.Detail += " (ERR_NGROK_" + m[1] + ")"
		e.Hint = "see https://ngrok.com/docs/errors/err_ngrok_" + m[1]
	}
	return e
}

// firstLine is the first line of what ngrok or its library says, fit for a
// terminal. The library puts its own words and colons in front.
func (t *ngrokTunnel) firstLine(err error) string {
	text := err.Error()
	for _, prefix := range []string{
		"failed to connect: ", "failed to accept connection: ", "failed to start tunnel: ",
		"authentication failed: ", "failed to send authentication request: ",
	} {
		text = strings.TrimPrefix(text, prefix)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(t.redact.String(text)), "\n")
	return plain.Short(strings.TrimRight(plain.Line(line), ". "), 200)
}

// dialError marks an error of the dialer on its way through the library.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }
