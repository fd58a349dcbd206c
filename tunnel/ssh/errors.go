package ssh

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/internal/plain"
)

// problem is an error that waiting does not help.
func (o *opener) problem(code, detail, hint string) *tunnel.Error {
	return &tunnel.Error{Provider: o.Name(), Code: code, Permanent: true, Detail: detail, Hint: hint}
}

// passing is an error that may pass.
func (o *opener) passing(code, detail, hint string, err error) *tunnel.Error {
	e := o.problem(code, detail, hint)
	e.Permanent, e.Err = false, o.redact.Error(err)
	return e
}

func (o *opener) unreachable(err error) *tunnel.Error {
	hint := "behind a company proxy, set HTTPS_PROXY"
	if strings.HasSuffix(o.Server.Addr, ":22") {
		hint = "port 22 is often blocked: try --tunnel=ngrok or --tunnel=cloudflared"
	}
	return o.passing("unreachable", fmt.Sprintf("cannot reach %s (%s)", o.Server.Addr, o.printable(tunnel.DialProblem(err))), hint, err)
}

// lost explains why a connection ended.
func (o *opener) lost(err error) *tunnel.Error {
	if e, ok := errors.AsType[*tunnel.Error](err); ok { // what the check of the host key says
		return e
	}
	why := err
	if op, ok := errors.AsType[*net.OpError](err); ok {
		why = op.Err // without addresses
	}
	words := o.printable(strings.TrimPrefix(why.Error(), "ssh: "))
	switch _, silent := errors.AsType[*silentError](err); {
	case silent:
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		words = "the server closed it"
	case isTimeout(err):
		words = "timed out"
	}
	return o.passing("lost", fmt.Sprintf("the connection to %s broke (%s)", o.Server.host(), words), "", err)
}

// silentError says that the server leaves a question without an answer.
type silentError struct{ after time.Duration }

func (e *silentError) Error() string { return fmt.Sprintf("no answer for %s", e.after) }

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// shake explains why a handshake failed. asked: the server is the right one,
// and has said how one can log in.
func (o *opener) shake(err error, asked bool, ids *identities) *tunnel.Error {
	mismatch, isMismatch := errors.AsType[*ssh.AlgorithmNegotiationError](err)
	_, isNet := errors.AsType[net.Error](err)
	hangup := isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case isMismatch && mismatch.What == "host key":
		e := o.problem("hostkey", fmt.Sprintf("%s has no SSH key of the kind that is known of it", o.Server.host()),
			"not connecting; it may have new keys: compare them with what the owner of the server says, and pass --ssh-host-key SHA256:...")
		e.Err = err
		return e
	case isMismatch:
		e := o.problem("version", fmt.Sprintf("%s and hfhook have no %s algorithm in common", o.Server.host(), mismatch.What), "update the SSH server")
		e.Err = err
		return e
	case asked && !hangup:
		return o.noLogin(err, ids)
	case isTimeout(err) && !asked:
		return o.unreachable(err)
	}
	return o.lost(err)
}

// noLogin is permanent at first only: a tunnel that was up got in before, so
// the agent may be locked, or the server busy.
func (o *opener) noLogin(err error, ids *identities) *tunnel.Error {
	offered := "no key"
	if len(ids.offered) > 0 {
		offered = strings.Join(ids.offered, ", ")
	}
	hint := "put your public key into .ssh/authorized_keys on the server, or name a key with --ssh-key FILE"
	if o.Server.hosted() {
		hint = "the service may want a registered key: name one with --ssh-key FILE, or use another tunnel"
	}
	if len(ids.skipped) > 0 {
		hint = strings.Join(ids.skipped, "; ")
	}
	e := o.passing("auth", fmt.Sprintf("%s did not let %s in (offered: %s)", o.Server.host(), o.redact.String(o.Server.User), offered), hint, err)
	e.Permanent = !o.online
	return e
}

// refused is the answer no to the request to listen.
func (o *opener) refused() *tunnel.Error {
	if o.Server.hosted() {
		return o.passing("refused", o.Server.host()+" refused to forward", "try again later, or use another tunnel", nil)
	}
	return o.passing("refused",
		fmt.Sprintf("%s refused the remote port %d: in use by an older session, or AllowTcpForwarding or PermitListen forbid it",
			o.Server.host(), o.Server.BindPort),
		"an older session goes away sooner with ClientAliveInterval 15 and ClientAliveCountMax 2 in sshd_config", nil)
}

// noURL says what came instead.
func (o *opener) noURL(last []string) *tunnel.Error {
	detail := o.Server.host() + " accepted the connection but announced no URL"
	if len(last) > 0 {
		detail += " (last lines: " + strings.Join(last, " / ") + ")"
	}
	return o.passing("nourl", detail, "try again later, or use another tunnel", nil)
}

func (o *opener) anonymous() *tunnel.Error {
	return o.problem("anonymous", o.Server.Name+" did not accept the token and offered an anonymous 60-minute tunnel",
		"check --tunnel-token, or leave it out")
}

// printable is text from elsewhere, fit for a terminal: one line, no secrets.
func (o *opener) printable(s string) string {
	// What is cut out must not put a secret together, or cut one in two.
	return plain.Short(o.redact.String(strings.TrimSpace(plain.Line(s))), 200)
}
