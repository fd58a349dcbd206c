package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/cloudflared"
	cmdtunnel "github.com/hfhook/hfhook/tunnel/command"
	"github.com/hfhook/hfhook/tunnel/ngrok"
	"github.com/hfhook/hfhook/tunnel/ssh"
)

func tunnelFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "tunnel", Usage: "get the public URL through `TUNNEL`: auto, none, ngrok, cloudflared, ssh:localhost.run, ssh:serveo, ssh:pinggy, ssh://USER@HOST?listen=ADDRESS or command; auto takes ngrok when an authtoken is known, else cloudflared when it is installed, else ssh:localhost.run", Value: "auto", EnvVars: []string{"HFHOOK_TUNNEL"}},
		&cli.StringFlag{Name: "public-url", Usage: "the Hub reaches this machine at `URL`; with ngrok, the URL that you want", EnvVars: []string{"HFHOOK_PUBLIC_URL"}},
		&cli.BoolFlag{Name: "insecure-public-url", Usage: "take an http URL there", EnvVars: []string{"HFHOOK_INSECURE_PUBLIC_URL"}, DisableDefaultText: true},
		&cli.StringFlag{Name: "tunnel-token", Usage: "your account's `TOKEN` at ngrok or pinggy; better in the environment than here", DefaultText: "for ngrok, NGROK_AUTHTOKEN or what ngrok's own config file has", EnvVars: []string{"HFHOOK_TUNNEL_TOKEN"}},
		&cli.StringFlag{Name: "tunnel-cmd", Usage: "with --tunnel command, run `COMMAND`, without a shell; {port} in it is the port to forward to", EnvVars: []string{"HFHOOK_TUNNEL_CMD"}},
		&cli.StringFlag{Name: "tunnel-url-pattern", Usage: "the public URL is what the regular expression `PATTERN`, or its first group, finds in what the command prints", EnvVars: []string{"HFHOOK_TUNNEL_URL_PATTERN"}},
		&cli.StringSliceFlag{Name: "ssh-key", Usage: "log in to the SSH server with the key in `FILE`; may be repeated", TakesFile: true, DefaultText: "for an own server, the agent's and those in ~/.ssh", EnvVars: []string{"HFHOOK_SSH_KEY"}},
		&cli.StringSliceFlag{Name: "ssh-host-key", Usage: "the SSH server's key has the `FINGERPRINT`, as SHA256:...; may be repeated", DefaultText: "built in, or in known_hosts", EnvVars: []string{"HFHOOK_SSH_HOST_KEY"}},
		&cli.StringSliceFlag{Name: "ssh-known-hosts", Usage: "look for an own SSH server's key in `FILE`; may be repeated", TakesFile: true, DefaultText: "~/.ssh/known_hosts and the system's", EnvVars: []string{"HFHOOK_SSH_KNOWN_HOSTS"}},
		&cli.StringFlag{Name: "tunnel-ca", Usage: "trust the certificates in `FILE` for the connection to ngrok", TakesFile: true, EnvVars: []string{"HFHOOK_TUNNEL_CA"}},
		&cli.BoolFlag{Name: "no-probe", Usage: "do not check that the public URL leads here", EnvVars: []string{"HFHOOK_NO_PROBE"}, DisableDefaultText: true},
	}
}

const tunnelWords = "tunnels are auto, none, ngrok, cloudflared, ssh:localhost.run, ssh:serveo, ssh:pinggy, ssh://USER@HOST?listen=ADDRESS and command"

// carrier is a provider that may carry the traffic of a session.
type carrier struct {
	provider tunnel.Provider
	url      *url.URL // the public URL that is wanted or given; may be nil
	through  string   // who carries the traffic and where TLS ends, in words; empty for nobody
	weight   int      // its share of the time for opening
	optional bool     // is passed over when it cannot be opened
}

// chooseCarriers reads the tunnel flags: one carrier that has to do, or with
// --tunnel auto those to try in order.
func chooseCarriers(c *cli.Context, space *tunnel.SpaceInfo) ([]carrier, error) {
	wanted, err := wantedURL(c, space)
	if err != nil {
		return nil, err
	}
	word := c.String("tunnel")
	if word == "auto" {
		switch {
		case c.String("tunnel-cmd") != "":
			word = "command"
		case wanted != nil:
			word = "none"
		}
	}
	one := carrier{url: wanted, weight: 1}
	switch word {
	case "auto":
		return autoCarriers(c)
	case "none":
		one.provider = tunnel.None{} // of the local listener, once there is one
		switch {
		case space != nil && c.String("public-url") == "":
			one.through = "this Space; the Hub reaches it unless it is private"
		case wanted != nil:
			one.through = "as you gave it"
		}
	case "ngrok":
		one.provider, one.through, err = ngrokCarrier(c)
	case "cloudflared":
		one.provider, one.through = cloudflaredCarrier()
	case "command":
		one.provider, one.through, err = commandCarrier(c, wanted)
	default:
		one.provider, one.through, err = sshCarrier(c, word)
	}
	return []carrier{one}, err
}

// autoCarriers are those that need nothing that is not there. The stronger
// ones come first: ngrok's name stays, and the last needs neither an account
// nor a program.
func autoCarriers(c *cli.Context) ([]carrier, error) {
	var all []carrier
	if token, _ := ngrokToken(c); token != "" {
		provider, through, err := ngrokCarrier(c)
		if err != nil {
			return nil, err
		}
		all = append(all, carrier{provider: provider, through: through, weight: 2})
	}
	if _, err := exec.LookPath("cloudflared"); err == nil {
		provider, through := cloudflaredCarrier()
		all = append(all, carrier{provider: provider, through: through, weight: 5}) // a new name takes its time to appear in DNS
	}
	provider, through, err := sshCarrier(c, "ssh:"+ssh.LocalhostRun.Name)
	if err != nil {
		return nil, err
	}
	all = append(all, carrier{provider: provider, through: through, weight: 3})
	for i := range all {
		all[i].optional = true
	}
	return all, nil
}

func ngrokCarrier(c *cli.Context) (tunnel.Provider, string, error) {
	token, source := ngrokToken(c)
	cas, err := trusted(c)
	return ngrok.Provider{
		Authtoken: token, TokenSource: source, Version: version,
		ConnectURL: os.Getenv("HFHOOK_NGROK_CONNECT_URL"), ConnectCAs: cas,
	}, "through ngrok: TLS ends there, the name stays", err
}

// ngrokToken is --tunnel-token, or what ngrok's own programs would take.
func ngrokToken(c *cli.Context) (token, source string) {
	if token := c.String("tunnel-token"); token != "" {
		return token, "--tunnel-token"
	}
	home, _ := os.UserHomeDir()
	return ngrok.FindToken(os.Getenv, home, runtime.GOOS)
}

func cloudflaredCarrier() (tunnel.Provider, string) {
	p := cloudflared.Provider{}
	if server := os.Getenv("HFHOOK_CLOUDFLARED_NAME_SERVER"); server != "" {
		p.NameServers = func(context.Context, string) ([]string, error) { return []string{server}, nil }
	}
	return p, "through Cloudflare: TLS ends there, the name changes at every start"
}

// sshCarrier is a hosted service, also without ssh: in front, or an own server.
func sshCarrier(c *cli.Context, word string) (tunnel.Provider, string, error) {
	if !strings.HasPrefix(word, "ssh:") {
		if !slices.ContainsFunc(ssh.Presets(), func(s ssh.Server) bool { return s.Name == word }) {
			return nil, "", usage(fmt.Sprintf("there is no tunnel %q", word), tunnelWords)
		}
		word = "ssh:" + word
	}
	server, err := ssh.Parse(word)
	if err != nil {
		_, hint := explain(err)
		return nil, "", usage(err.Error(), hint)
	}
	through := server.About
	if server.Name == "" {
		host, _, _ := net.SplitHostPort(server.Addr)
		through = "through your server " + host + ": TLS ends at the reverse proxy on it"
	}
	p := ssh.Provider{
		Server: server, Version: version,
		KeyFiles: c.StringSlice("ssh-key"), HostKeys: c.StringSlice("ssh-host-key"), KnownHosts: c.StringSlice("ssh-known-hosts"),
	}
	if server.TokenAddr != "" {
		p.Token = c.String("tunnel-token")
	}
	return p, through, nil
}

func commandCarrier(c *cli.Context, public *url.URL) (tunnel.Provider, string, error) {
	p := cmdtunnel.Provider{Command: c.String("tunnel-cmd"), URLPattern: c.String("tunnel-url-pattern")}
	if err := p.Check(public); err != nil {
		_, hint := explain(err)
		return nil, "", usage(err.Error(), hint)
	}
	return p, "through the command that you gave", nil
}

// wantedURL is --public-url, or the Space's.
func wantedURL(c *cli.Context, space *tunnel.SpaceInfo) (*url.URL, error) {
	if given := c.String("public-url"); given != "" {
		wanted, err := tunnel.ParsePublicURL(given, c.Bool("insecure-public-url"))
		if err != nil {
			_, hint := explain(err)
			return nil, usage(err.Error(), hint)
		}
		return wanted, nil
	}
	if space != nil {
		return space.URL, nil
	}
	return nil, nil
}

// trusted are the certificates in --tunnel-ca, for who reaches a tunnel's
// service through a proxy that looks into TLS.
func trusted(c *cli.Context) (*x509.CertPool, error) {
	file := c.String("tunnel-ca")
	if file == "" {
		return nil, nil
	}
	const hint = "--tunnel-ca is to name a file with certificates in PEM"
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, failed(fmt.Errorf("read the certificates for the tunnel: %w", err), hint)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, failed(fmt.Errorf("there is no certificate in %s", file), hint)
	}
	return pool, nil
}
