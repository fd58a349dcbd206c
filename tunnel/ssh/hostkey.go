package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/hfhook/hfhook/tunnel"
)

// A server has several keys, and shows the one of the first algorithm that
// the client asks for and the server has. So asking for the wrong one would
// make a known server a stranger.
var (
	rsaAlgorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	ecAlgorithms  = []string{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521}
	edAlgorithms  = []string{ssh.KeyAlgoED25519}

	allAlgorithms = slices.Concat(edAlgorithms, ecAlgorithms, rsaAlgorithms)

	certAlgorithms = []string{
		ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
		ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
	}
)

// hostKeys decide whether a server is the right one. Nobody is trusted because
// it is the first time.
type hostKeys struct {
	// tries are the algorithms to ask for, in one connection after the other:
	// a fingerprint does not say which key it is of.
	tries [][]string

	// check is nil for a key that is trusted.
	check func(key ssh.PublicKey) *tunnel.Error
}

// trusted finds out what makes the server of o the right one: what the user
// gave, what is built in, else the known_hosts files.
func (o *opener) trusted() (hostKeys, *tunnel.Error) {
	switch {
	case len(o.HostKeys) > 0:
		for _, f := range o.HostKeys {
			if !strings.HasPrefix(f, "SHA256:") || len(f) != len("SHA256:")+43 {
				return hostKeys{}, o.problem("hostkey", "the SSH host key to expect is not a fingerprint like SHA256:...",
					"ssh-keyscan HOST | ssh-keygen -lf - shows those of a server; compare them with what its owner says")
			}
		}
		tries := [][]string{edAlgorithms, rsaAlgorithms, ecAlgorithms}
		if o.Server.hosted() { // of the services all that is known is RSA
			tries = [][]string{rsaAlgorithms, edAlgorithms, ecAlgorithms}
		}
		return hostKeys{tries, o.pinned(o.HostKeys, "the one given with --ssh-host-key",
			"not connecting; compare the fingerprint with what the owner of the server says")}, nil
	case len(o.Server.HostKeys) > 0 && len(o.KnownHosts) == 0:
		return hostKeys{[][]string{rsaAlgorithms}, o.pinned(o.Server.HostKeys, "the one built into hfhook",
			"not connecting; if the service announced a new key, update hfhook or pass --ssh-host-key SHA256:...")}, nil
	}
	return o.knownHosts()
}

func (o *opener) pinned(fingerprints []string, which, hint string) func(ssh.PublicKey) *tunnel.Error {
	return func(key ssh.PublicKey) *tunnel.Error {
		shown := ssh.FingerprintSHA256(key)
		if slices.Contains(fingerprints, shown) {
			return nil
		}
		return o.problem("hostkey", fmt.Sprintf("the SSH key of %s is not %s (%s)", o.Server.host(), which, shown), hint)
	}
}

// knownHosts reads the files anew for every connection: the user may have
// added the server meanwhile.
func (o *opener) knownHosts() (hostKeys, *tunnel.Error) {
	files := o.KnownHosts
	if len(files) == 0 {
		if home, err := os.UserHomeDir(); err == nil {
			files = append(files, filepath.Join(home, ".ssh", "known_hosts"))
		}
		files = append(files, "/etc/ssh/ssh_known_hosts")
		files = slices.DeleteFunc(files, func(name string) bool {
			_, err := os.Stat(name)
			return errors.Is(err, fs.ErrNotExist)
		})
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return hostKeys{}, o.problem("missing", fmt.Sprintf("cannot read the known SSH hosts (%s)", o.printable(err.Error())), "see --ssh-known-hosts FILE")
	}
	// The files say which keys the server has when it shows another.
	var want *knownhosts.KeyError
	stranger, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return hostKeys{}, o.problem("hostkey", err.Error(), "")
	}
	key, err := ssh.NewPublicKey(stranger)
	if err != nil {
		return hostKeys{}, o.problem("hostkey", err.Error(), "")
	}
	algorithms := allAlgorithms // a stranger's key is refused, but shown
	if errors.As(known(o.Server.Addr, &net.TCPAddr{}, key), &want) && len(want.Want) > 0 {
		algorithms = nil
		for _, k := range want.Want {
			switch t := k.Key.Type(); {
			case isAuthority(k):
				algorithms = append(slices.Clone(certAlgorithms), algorithms...)
			case t == ssh.KeyAlgoRSA:
				algorithms = append(algorithms, rsaAlgorithms...)
			default:
				algorithms = append(algorithms, t)
			}
		}
	}
	return hostKeys{[][]string{algorithms}, func(key ssh.PublicKey) *tunnel.Error {
		err := known(o.Server.Addr, &net.TCPAddr{}, key)
		if err == nil {
			return nil
		}
		return o.unknown(key, err)
	}}, nil
}

// isAuthority reports whether a known key signs the keys of hosts.
func isAuthority(k knownhosts.KnownKey) bool {
	b, err := os.ReadFile(k.Filename)
	if err != nil {
		return false
	}
	lines := strings.Split(string(b), "\n")
	return k.Line <= len(lines) && strings.HasPrefix(strings.TrimSpace(lines[k.Line-1]), "@cert-authority")
}

// unknown explains what the known_hosts files say against a key.
func (o *opener) unknown(key ssh.PublicKey, err error) *tunnel.Error {
	host, shown := o.Server.host(), ssh.FingerprintSHA256(key)
	revoked, isRevoked := errors.AsType[*knownhosts.RevokedError](err)
	other, isKey := errors.AsType[*knownhosts.KeyError](err)
	var e *tunnel.Error
	switch {
	case isRevoked:
		e = o.problem("hostkey", fmt.Sprintf("the SSH key of %s is revoked in %s, line %d (%s)", host, revoked.Revoked.Filename, revoked.Revoked.Line, shown),
			"not connecting; ask the owner of the server for its new key")
	case isKey && len(other.Want) > 0:
		e = o.problem("hostkey", fmt.Sprintf("the SSH key of %s is not the one in %s, line %d (%s)", host, other.Want[0].Filename, other.Want[0].Line, shown),
			fmt.Sprintf("not connecting; if the server has a new key, remove the old one with ssh-keygen -R '%s'", knownhosts.Normalize(o.Server.Addr)))
	case isKey:
		e = o.problem("hostkey", fmt.Sprintf("the SSH key of %s is not known here (%s)", host, shown),
			fmt.Sprintf("compare it with what the owner of the server says, then connect once with %s, or pass --ssh-host-key %s", o.command(), shown))
	default:
		e = o.problem("hostkey", fmt.Sprintf("the SSH certificate of %s is not good (%s)", host, o.printable(err.Error())), "")
	}
	e.Err = err
	return e
}

// command is how a user connects to the server.
func (o *opener) command() string {
	_, port, _ := net.SplitHostPort(o.Server.Addr)
	if port == "22" {
		return fmt.Sprintf("ssh %s@%s", o.Server.User, o.Server.host())
	}
	return fmt.Sprintf("ssh -p %s %s@%s", port, o.Server.User, o.Server.host())
}
