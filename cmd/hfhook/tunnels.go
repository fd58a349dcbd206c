package main

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ngrok"
)

func tunnelFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "tunnel", Usage: "get the public URL from `auto|none|ngrok`; auto takes ngrok when an authtoken is known", Value: "auto", EnvVars: []string{"HFHOOK_TUNNEL"}},
		&cli.StringFlag{Name: "public-url", Usage: "the Hub reaches this machine at `URL`; with ngrok, the URL that you want", EnvVars: []string{"HFHOOK_PUBLIC_URL"}},
		&cli.BoolFlag{Name: "insecure-public-url", Usage: "take an http URL there", EnvVars: []string{"HFHOOK_INSECURE_PUBLIC_URL"}, DisableDefaultText: true},
		&cli.StringFlag{Name: "tunnel-ca", Usage: "trust the certificates in `FILE` for the tunnel's own connection", TakesFile: true, EnvVars: []string{"HFHOOK_TUNNEL_CA"}},
		&cli.BoolFlag{Name: "no-probe", Usage: "do not check that the public URL leads here", EnvVars: []string{"HFHOOK_NO_PROBE"}, DisableDefaultText: true},
	}
}

// carrier is a provider that may carry the traffic of a session.
type carrier struct {
	provider tunnel.Provider
	url      *url.URL // the public URL that is wanted or given; may be nil
	through  string   // who carries the traffic and where TLS ends, to stand behind the URL
	weight   int      // its share of the time for opening
	optional bool     // is passed over when it cannot be opened
}

// chooseCarriers reads the tunnel flags: one carrier that has to do, or with
// --tunnel auto those to try in order.
func chooseCarriers(c *cli.Context, space *tunnel.SpaceInfo, local net.Listener) ([]carrier, error) {
	wanted, err := wantedURL(c, space)
	if err != nil {
		return nil, err
	}
	word := c.String("tunnel")
	switch {
	case word == "none", word == "auto" && wanted != nil:
		none := carrier{provider: tunnel.None{Listener: local}, url: wanted, weight: 1}
		switch {
		case space != nil && c.String("public-url") == "":
			none.through = "  this Space; the Hub reaches it unless it is private"
		case wanted != nil:
			none.through = "  as you gave it"
		}
		return []carrier{none}, nil
	}
	if word == "ngrok" || word == "auto" {
		token, source := ngrokToken()
		cas, err := trusted(c)
		if err != nil {
			return nil, err
		}
		return []carrier{{provider: ngrok.Provider{
			Authtoken: token, TokenSource: source, Version: version,
			ConnectURL: os.Getenv("HFHOOK_NGROK_CONNECT_URL"), ConnectCAs: cas,
		}, url: wanted, through: "  through ngrok, where TLS ends", weight: 1, optional: word == "auto"}}, nil
	}
	return nil, usage(fmt.Sprintf("there is no tunnel %q", word), "tunnels are auto, none and ngrok")
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

func ngrokToken() (token, source string) {
	home, _ := os.UserHomeDir()
	return ngrok.FindToken(os.Getenv, home, runtime.GOOS)
}
