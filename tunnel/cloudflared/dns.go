package cloudflared

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/hfhook/hfhook/tunnel"
)

// appear waits until a new name is in DNS; false: ctx ended before.
//
// The record comes some seconds after cloudflared is connected. Whoever looks
// it up before gets "no such name", and resolvers keep that answer for as long
// as the zone allows, half an hour: this computer's, and the Hub's as well.
// So the name is left alone first, and then only the zone's own servers are
// asked, which keep nothing.
func (t *quickTunnel) appear(ctx context.Context, s *tunnel.Session, host string) bool {
	waiting := func(pause time.Duration) bool {
		s.Waiting(&tunnel.Error{Provider: "cloudflared", Code: "dns",
			Detail: "waiting for " + host + " to appear in DNS"}, pause)
		return sleep(ctx, pause)
	}
	if !waiting(t.Settle) {
		return false
	}
	servers, err := t.servers(ctx)
	known := false
	for err == nil {
		if known, err = inDNS(ctx, servers, host); known {
			return true
		}
		if !sleep(ctx, t.Poll) {
			return false
		}
	}
	return waiting(t.Unasked)
}

const (
	askTimeout = 3 * time.Second // for one server
	maxServers = 4               // are asked
)

func (t *quickTunnel) servers(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	servers, err := t.NameServers(ctx, t.Domain)
	return servers[:min(len(servers), maxServers)], err
}

// nameServers asks the system's resolver for the servers of a zone. That says
// nothing about any name in it.
func nameServers(ctx context.Context, zone string) ([]string, error) {
	records, err := net.DefaultResolver.LookupNS(ctx, zone+".")
	if err != nil {
		return nil, err
	}
	var all []string
	for _, record := range records[:min(len(records), maxServers)] {
		var addrs []string
		if addrs, err = net.DefaultResolver.LookupHost(ctx, record.Host); err == nil {
			all = append(all, net.JoinHostPort(addrs[0], "53"))
		}
	}
	if len(all) > 0 {
		err = nil
	}
	return all, err
}

// inDNS asks one server after the other, until one answers, whether a name
// exists.
func inDNS(ctx context.Context, servers []string, host string) (known bool, err error) {
	err = errors.New("there is no name server")
	for _, server := range servers {
		r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server)
		}}
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		_, err = r.LookupHost(ask, host+".")
		cancel()
		if err == nil {
			return true, nil
		}
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			return false, nil
		}
	}
	return false, err
}
