package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/hfhook/hfhook/tunnel"
)

// identities are the keys to log in with.
type identities struct {
	signers []ssh.Signer
	offered []string // what they are, for texts
	skipped []string // what could not be used, and what to do about it
	close   func()   // after the login
}

// identities collects the keys: those of the agent, then the files. With files
// from the user, nothing else: a server counts the keys that it refuses.
func (o *opener) identities(ctx context.Context, deadline time.Time) (*identities, *tunnel.Error) {
	ids := &identities{close: func() {}}
	if o.Server.hosted() && len(o.KeyFiles) == 0 {
		return ids, nil // a service needs none
	}
	files := o.KeyFiles
	if len(files) == 0 {
		home, err := os.UserHomeDir()
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			if file := filepath.Join(home, ".ssh", name); err == nil && exists(file) {
				files = append(files, file)
			}
		}
	}
	var fromFiles []ssh.Signer
	var locked []ssh.PublicKey // in files with a passphrase
	for _, file := range files {
		signers, err := readKey(file)
		phrase, hasPassphrase := errors.AsType[*ssh.PassphraseMissingError](err)
		switch {
		case hasPassphrase:
			if phrase.PublicKey != nil {
				locked = append(locked, phrase.PublicKey)
			}
			ids.skipped = append(ids.skipped, fmt.Sprintf("%s has a passphrase: add it to your SSH agent with ssh-add %s", file, file))
		case err != nil && len(o.KeyFiles) > 0:
			e := o.problem("missing", fmt.Sprintf("cannot use the SSH key %s (%s)", file, o.printable(fileProblem(err))), "see --ssh-key FILE")
			e.Err = err
			return nil, e
		case err != nil:
			ids.skipped = append(ids.skipped, fmt.Sprintf("%s cannot be used (%s)", file, o.printable(fileProblem(err))))
		default:
			fromFiles = append(fromFiles, signers...)
			ids.offered = append(ids.offered, file)
		}
	}

	held := o.agentKeys(ctx, deadline, ids)
	if len(o.KeyFiles) > 0 { // of the agent only the keys that the user named
		held = slices.DeleteFunc(held, func(s ssh.Signer) bool { return !holds(locked, s.PublicKey()) })
	}
	if len(held) > 0 {
		ids.offered = slices.Insert(ids.offered, 0, plural(len(held), "key")+" of the SSH agent")
		if len(o.KeyFiles) > 0 {
			ids.skipped = nil
		}
	}
	ids.signers = append(held, fromFiles...)
	return ids, nil
}

// agentKeys are the keys in the SSH agent, if there is one.
func (o *opener) agentKeys(ctx context.Context, deadline time.Time, ids *identities) []ssh.Signer {
	if o.AgentSocket == "" || o.AgentSocket == "none" {
		return nil
	}
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	c, err := new(net.Dialer).DialContext(dialing, "unix", o.AgentSocket)
	if err == nil {
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		ids.close = func() {
			stop()
			_ = c.Close()
		}
		_ = c.SetDeadline(deadline) // a signature may wait for a touch of the key
		var held []ssh.Signer
		if held, err = agent.NewClient(c).Signers(); err == nil {
			return held
		}
	}
	o.log.Debug("no key from the SSH agent", "error", err)
	ids.skipped = append(ids.skipped, "the SSH agent of SSH_AUTH_SOCK does not answer")
	return nil
}

// readKey reads a key file, and puts the certificate beside it in front.
func readKey(file string) ([]ssh.Signer, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(b)
	if err != nil {
		return nil, err
	}
	if b, err = os.ReadFile(file + "-cert.pub"); err == nil {
		if key, _, _, _, err := ssh.ParseAuthorizedKey(b); err == nil {
			if cert, ok := key.(*ssh.Certificate); ok {
				if certified, err := ssh.NewCertSigner(cert, signer); err == nil {
					return []ssh.Signer{certified, signer}, nil
				}
			}
		}
	}
	return []ssh.Signer{signer}, nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func fileProblem(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), "ssh: ")
}

func holds(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return slices.Equal(k.Marshal(), key.Marshal()) })
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// errNoLogin ends a handshake in which nothing is left to log in with.
var errNoLogin = errors.New("no way to log in is left")

// login gives the ways to log in, one after the other. The library tries
// "none" before all of them.
func (o *opener) login(ids *identities, asked func()) ssh.ClientAuthCallback {
	type way struct {
		name   string
		method ssh.AuthMethod
	}
	var ways []way
	if len(ids.signers) > 0 {
		ways = append(ways, way{"publickey", ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return ids.signers, nil })})
	}
	if o.Server.hosted() { // services let everybody in, and have various ways to say it
		ways = append(ways,
			way{"password", ssh.Password("")},
			way{"keyboard-interactive", ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
				return make([]string, len(questions)), nil
			})})
	}
	return func(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
		asked()
		for _, w := range ways {
			if slices.Contains(c.AllowedMethods, w.name) && !slices.Contains(c.TriedMethods, w.name) &&
				!slices.Contains(c.PartialSuccessMethods, w.name) {
				return w.method, nil
			}
		}
		return nil, errNoLogin
	}
}
