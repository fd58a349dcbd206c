package receiver

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// settingsPage is where a webhook is entered at the Hub.
// Source: hub-docs webhooks.md.
const settingsPage = "https://huggingface.co/settings/webhooks"

// announce remembers where the first listener is, and prints what to do next.
func (s *Server) announce(addr net.Addr) {
	s.announcing.Do(func() {
		s.local.Store(localURL(addr))
		// Nobody may be reading, and the server works all the same.
		_, _ = fmt.Fprint(s.o.Out, s.startMessage(addr))
	})
}

func (s *Server) startMessage(addr net.Addr) string {
	var b strings.Builder
	base := s.baseURL()
	fmt.Fprintf(&b, "Listening on %s\n\n", addr)
	for _, name := range s.endpoints() {
		fmt.Fprintf(&b, "  POST %s\n", endpointURL(base, name))
	}
	if s.o.AnyPath {
		fmt.Fprintf(&b, "  POST to any path of %s\n", endpointURL(base, ""))
	} else if len(s.handlers) == 0 {
		b.WriteString("  No endpoint: nothing was registered with Handle.\n")
	}
	fmt.Fprintf(&b, "\nEnter the URL at %s\n", settingsPage)
	if base != nil && base == s.local.Load() {
		b.WriteString("The Hub cannot reach an address of this machine: it needs a public URL.\n")
	}
	if len(s.secrets) == 0 {
		b.WriteString("No secret is set: everybody who knows the URL is let in. Set WEBHOOK_SECRET, here and at the Hub.\n")
	}
	return b.String()
}

// endpointURL is the full URL of an endpoint, or its path alone when base is
// not known; without a name, that of the root.
func endpointURL(base *url.URL, name string) string {
	path := prefix + name
	if name == "" {
		path = "/"
	}
	if base == nil {
		return path
	}
	return base.JoinPath(path).String()
}
