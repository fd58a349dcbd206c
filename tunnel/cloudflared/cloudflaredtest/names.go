package cloudflaredtest

import (
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// startNames serves the zone: its own name server, and the host names that
// were given out.
func (s *Service) startNames() (err error) {
	if s.names, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return err
	}
	s.NameServer = s.names.LocalAddr().String()
	s.wg.Go(func() {
		b := make([]byte, 1500)
		for {
			n, from, err := s.names.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := s.answer(b[:n]); answer != nil {
				_, _ = s.names.WriteTo(answer, from)
			}
		}
	})
	return nil
}

// answer is what an authoritative server says; nil: the question is broken.
func (s *Service) answer(question []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		s.Wrong("the name server cannot read %x", question)
		return nil
	}
	q := m.Questions[0]
	m = dnsmessage.Message{
		Header:    dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true},
		Questions: m.Questions,
	}
	add := func(body dnsmessage.ResourceBody) {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: body,
		})
	}
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	switch {
	case name == Domain && q.Type == dnsmessage.TypeNS:
		add(&dnsmessage.NSResource{NS: dnsmessage.MustNewName("ns." + Domain + ".")})
	case name == Domain, name == "ns."+Domain, s.known(name, q.Type):
		if q.Type == dnsmessage.TypeA {
			add(&dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}})
		}
	default:
		m.RCode = dnsmessage.RCodeNameError
	}
	b, err := m.Pack()
	if err != nil {
		panic(err) // it was unpacked before
	}
	return b
}

// known tells whether a host name is in the zone by now. A question counts
// once: it comes for A and for AAAA.
func (s *Service) known(host string, kind dnsmessage.Type) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.runs {
		if r.host != host {
			continue
		}
		if !r.seen {
			s.Wrong("%s was looked up before it was ready", host)
		}
		if kind == dnsmessage.TypeA {
			r.asks++
		}
		return r.asks > s.s.absent
	}
	s.Wrong("%s was looked up, and given to nobody", host)
	return false
}
