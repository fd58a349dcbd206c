package ssh

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// maxWaiting is how many connections of the public side may wait until
// somebody takes them.
const maxWaiting = 128

// accept hands over the connections of the public side. It never waits for
// one: the library would read nothing meanwhile.
func (s *session) accept(channels <-chan ssh.NewChannel) {
	var waiting atomic.Int32
	for offered := range channels {
		switch {
		case offered.ChannelType() != "forwarded-tcpip":
			_ = offered.Reject(ssh.UnknownChannelType, "only forwarded-tcpip is welcome")
		case waiting.Load() >= maxWaiting:
			_ = offered.Reject(ssh.ResourceShortage, "too many connections wait already")
		default:
			waiting.Add(1)
			s.wg.Go(func() { s.deliver(offered, func() { waiting.Add(-1) }) })
		}
	}
}

func (s *session) deliver(offered ssh.NewChannel, taken func()) {
	ch, requests, err := offered.Accept()
	if err != nil {
		taken()
		return // the connection ended
	}
	s.wg.Go(func() { ssh.DiscardRequests(requests) })
	remote := origin(offered.ExtraData())
	if remote == nil {
		remote = s.conn.RemoteAddr()
	}
	c := newConn(ch, s.conn.LocalAddr(), remote)
	s.track(c)
	s.t.Deliver(c)
	taken()
	c.run()
	s.forget(c)
}

// origin is who connected to the public side, as far as the server says: RFC
// 4254, 7.2, has four fields. Services fill them with what they like, so the
// address that was asked for is not looked at, and nil stands for an origin
// that is no address.
func origin(payload []byte) net.Addr {
	next := func(n int) []byte {
		if n < 0 || n > len(payload) {
			payload = nil
			return nil
		}
		b := payload[:n]
		payload = payload[n:]
		return b
	}
	number := func() int {
		if b := next(4); b != nil {
			return int(int32(binary.BigEndian.Uint32(b)))
		}
		return 0
	}
	next(number()) // the address that listens
	number()       // and its port
	ip, err := netip.ParseAddr(string(next(number())))
	if err != nil {
		return nil
	}
	port := number()
	if port < 0 || port > 0xffff {
		port = 0
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip.Unmap(), uint16(port)))
}
