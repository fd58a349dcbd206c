package ssh

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"os/user"
	"regexp"
	"strconv"
	"strings"

	"github.com/hfhook/hfhook/tunnel"
)

// Parse reads what --tunnel names: "ssh:" and the name of a preset, or an own
// server as "ssh://user@host:port?listen=127.0.0.1:9000". Listen is where the
// server is to listen: the reverse proxy on it passes requests on to there.
// The user is by default that of the operating system, the port 22. The error
// is an *tunnel.Error that does not repeat s, which may hold a password.
func Parse(s string) (Server, error) {
	refuse := func(detail, hint string) (Server, error) {
		return Server{}, &tunnel.Error{Provider: "ssh", Code: "url", Permanent: true, Detail: detail, Hint: hint}
	}
	const example = "for example --tunnel='ssh://me@example.com?listen=127.0.0.1:9000'"

	name, isName := strings.CutPrefix(s, "ssh:")
	if isName && !strings.HasPrefix(name, "//") {
		var known []string
		for _, p := range Presets() {
			if p.Name == name {
				return p, nil
			}
			known = append(known, "ssh:"+p.Name)
		}
		return refuse("no SSH service of this name is built in",
			"there are "+strings.Join(known, ", ")+"; an own server is ssh://user@host?listen=127.0.0.1:9000")
	}

	u, err := url.Parse(s)
	if err != nil || u.Scheme != "ssh" || u.Opaque != "" {
		return refuse("the SSH server is not a URL like ssh://user@host", example)
	}
	login := u.User.Username()
	query, err := url.ParseQuery(u.RawQuery)
	listen := query["listen"]
	delete(query, "listen")
	switch _, hasPassword := u.User.Password(); {
	case hasPassword:
		return refuse("the URL of the SSH server has a password in it", "hfhook logs in with an SSH agent or a key file: leave the password out")
	case !hostName.MatchString(u.Hostname()) && !isIP(u.Hostname()):
		return refuse("the URL of the SSH server has no host, or one with odd characters", example)
	case u.Port() != "" && !isPort(u.Port()):
		return refuse("the port of the SSH server is not a number between 1 and 65535", example)
	case login != "" && !loginName.MatchString(login):
		return refuse("the user of the SSH server has odd characters in it", example)
	case strings.Trim(u.Path, "/") != "" || u.Fragment != "":
		return refuse("the URL of the SSH server has a path", "leave out what follows the host, except ?listen=")
	case err != nil || len(query) > 0:
		return refuse("the URL of the SSH server takes nothing but listen after the ?", example)
	case len(listen) != 1:
		return refuse("the URL of the SSH server does not say where the server is to listen",
			"add ?listen=127.0.0.1:9000, the address to which the reverse proxy on the server passes requests on")
	}
	host, port, err := net.SplitHostPort(listen[0])
	if err != nil || !isPort(port) || host != "" && host != "*" && !hostName.MatchString(host) && !isIP(host) {
		return refuse("listen of the SSH server is not an address with a port", "for example ?listen=127.0.0.1:9000")
	}
	n, _ := strconv.ParseUint(port, 10, 16)
	return Server{
		Addr:     net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), "22")),
		User:     cmp.Or(login, systemUser()),
		BindHost: host,
		BindPort: uint16(n),
	}, nil
}

var (
	hostName  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)
	loginName = regexp.MustCompile(`^[A-Za-z0-9_.@+][A-Za-z0-9_.@+$-]*$`)
)

func isIP(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && (ip.Zone() == "" || hostName.MatchString(ip.Zone()))
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// systemUser is "" where the system does not tell; the server refuses that.
func systemUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	// On Windows a domain stands in front.
	return u.Username[strings.LastIndex(u.Username, `\`)+1:]
}

// host is the name of the server in texts.
func (s Server) host() string {
	host, _, _ := net.SplitHostPort(s.Addr)
	return host
}
