package ssh

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Server is an SSH server that forwards a port: a hosted service of Presets,
// or one's own (see Parse).
type Server struct {
	// Name of the service. Empty for an own server.
	Name string

	// Addr is where it listens: a host and a port.
	Addr string

	// User is who hfhook logs in as. KeyUser is the user instead when a key
	// file is given; empty: the same.
	User, KeyUser string

	// BindHost and BindPort are where the server is asked to listen. Services
	// take them as a wish for a name, or not at all.
	BindHost string
	BindPort uint16

	// Command is what a service is asked to run so that it says the public
	// URL; empty: its shell.
	Command string

	// HostKeys are the fingerprints of its key, as "SHA256:...". Empty: the
	// key must be in a known_hosts file.
	HostKeys []string

	// Suffixes are the domains under which it gives names, and the only ones
	// that are believed.
	Suffixes []string

	// About says in a few words what a user should know: who can read the
	// traffic, and how long the name lives.
	About string

	// TokenAddr and TokenSuffixes stand for Addr and Suffixes when a token is
	// given, which is then the user. Empty: the service takes none.
	TokenAddr     string
	TokenSuffixes []string

	announces func(line string) announcement
	renames   bool // an open session gets another name; others say one once
}

// The hosted services, by the names that --tunnel takes after "ssh:". All of
// them end TLS themselves. Host keys: the first is published in the service's
// own repository, the second was only ever seen, the third stands in the
// vendor's Python SDK.
var (
	LocalhostRun = Server{
		Name: "localhost.run", Addr: "localhost.run:22",
		User: "nokey", KeyUser: "hfhook",
		BindHost: "localhost", BindPort: 80,
		Command:   "--output json",
		HostKeys:  []string{"SHA256:FV8IMJ4IYjYUTnd6on7PqbRjaZf4c1EhhEBgeUdE94I"},
		Suffixes:  []string{"lhr.life", "lhr.rocks", "lhr.pro"},
		About:     "through localhost.run: TLS ends there, the name changes every few hours",
		announces: localhostRun,
		renames:   true,
	}
	Serveo = Server{
		Name: "serveo", Addr: "serveo.net:22",
		User:     "hfhook",
		BindPort: 80,
		HostKeys: []string{"SHA256:07jcXlJ4SkBnyTmaVnmTpXuBiRx2+Q2adxbttO9gt0M"},
		Suffixes: []string{"serveo.net", "serveousercontent.com"},
		About: "through serveo.net: TLS ends there, the name changes with every connection, " +
			"the name contains your public IP address",
		announces: serveo,
	}
	Pinggy = Server{
		Name: "pinggy", Addr: "free.pinggy.io:443", TokenAddr: "pro.pinggy.io:443",
		User:          "free",
		HostKeys:      []string{"SHA256:nFd5rfJMGuZXvfeRzJ/BtT3TfksAxTWMajcrHRcI7AM"},
		Suffixes:      []string{"run.pinggy-free.link", "free.pinggy.net"},
		TokenSuffixes: []string{"a.pinggy.link", "a.pinggy.online"},
		About: "through pinggy: TLS ends there, the tunnel ends after 60 minutes unless you pay and the name changes, " +
			"the name contains your public IP address",
		announces: pinggy,
	}
)

// Presets are the hosted services.
func Presets() []Server { return []Server{LocalhostRun, Serveo, Pinggy} }

// hosted reports whether s says the public URL itself.
func (s Server) hosted() bool { return s.announces != nil }

// announcement is what a line of a service says.
type announcement struct {
	host      string // of the public URL; may be anybody's
	refusal   string // why there is none
	anonymous bool   // there is no account behind the login
}

// localhostRun knows three shapes: two of JSON, and plain text.
func localhostRun(line string) (a announcement) {
	if !strings.HasPrefix(line, "{") {
		a.host = localhostRunText(line)
		return a
	}
	var e struct {
		Event, Address, Status, Message string
		AuthzCode                       string `json:"authz_code"`

		Type, ID, Data string // a CloudEvent
	}
	_ = json.Unmarshal([]byte(line), &e) // what is of another type stays empty
	switch {
	case e.Type == "v1.tcpip_forward.register.accepted":
		_, a.host, _ = strings.Cut(e.ID, "/")
		if !isHost(a.host) {
			a.host = localhostRunText(firstLine(e.Data))
		}
	case e.Type == "v1.tcpip_forward.register.rejected":
		a.refusal = cmp.Or(firstLine(e.Data), "rejected")
	case e.Event != "tcpip-forward":
	case strings.EqualFold(e.Status, "success") || strings.EqualFold(e.AuthzCode, "OK"):
		a.host = e.Address
	default:
		a.refusal = cmp.Or(firstLine(e.Message), e.AuthzCode, e.Status, "rejected")
	}
	return a
}

var localhostRunLine = regexp.MustCompile(`^(\S+) tunneled with tls termination, https://(\S+)$`)

func localhostRunText(line string) string {
	if m := localhostRunLine.FindStringSubmatch(line); m != nil && m[1] == m[2] {
		return m[1]
	}
	return ""
}

func serveo(line string) (a announcement) {
	a.host, _ = strings.CutPrefix(line, "Forwarding HTTP traffic from https://")
	if a.host == line {
		a.host = ""
	}
	return a
}

// pinggy gives lines that are a URL and nothing else.
func pinggy(line string) (a announcement) {
	a.anonymous = strings.Contains(strings.ToLower(line), "you are not authenticated")
	if host, ok := strings.CutPrefix(line, "https://"); ok {
		a.host = host
	}
	return a
}

// names reports whether host is one that the service gives.
func (s Server) names(host string) bool {
	return isHost(host) && slices.ContainsFunc(s.Suffixes, func(suffix string) bool { return strings.HasSuffix(host, "."+suffix) })
}

var hostSyntax = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

func isHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if len(label) > 63 {
			return false
		}
	}
	return len(s) <= 253 && hostSyntax.MatchString(s)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}
