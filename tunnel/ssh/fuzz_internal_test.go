package ssh

import (
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
)

// Whatever a service says, and however it comes in pieces: lines have an end
// and steer no terminal, a name that is believed is one of the service's, and
// what a visitor asks for, as services show it, is no announcement.
func FuzzAnnouncement(f *testing.F) {
	for _, s := range []string{
		"x.lhr.life tunneled with tls termination, https://x.lhr.life\r\n",
		`{"event":"tcpip-forward","address":"x.lhr.life","status":"success"}` + "\n",
		`{"type":"v1.tcpip_forward.register.accepted","id":"localhost/x.lhr.life","data":"x"}` + "\n",
		`{"type":"v1.tcpip_forward.register.rejected","data":"no\u001b[31m\nmore"}` + "\n",
		"\x1b[32mForwarding HTTP traffic from https://x.serveo.net\x1b[0m\r\n",
		"https://x.run.pinggy-free.link\nhttps://x.free.pinggy.net\nYou are not authenticated.\n",
		"https://evil.example.com/?.free.pinggy.net\n", "https://a@x.free.pinggy.net\n", "https://x.free.pinggy.net.evil\n",
		"\x1b]0;\x07https://x.free.pinggy.net\n\x9b2J", strings.Repeat("\xff", maxLine-1) + "\n", strings.Repeat("x", maxLine+1) + "\nhttps://x.free.pinggy.net",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		s := &session{ctx: t.Context()}
		lines := make(chan string)
		go func() {
			defer close(lines)
			s.read(&inPieces{says}, lines)
		}()
		for line := range lines {
			assert.LessOrEqual(t, len(line), 3*maxLine) // what is no text becomes U+FFFD
			assert.False(t, strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", line)
			for _, preset := range Presets() {
				if host := preset.announces(line).host; preset.names(host) {
					u, err := tunnel.ParsePublicURL("https://"+host, false)
					require.NoError(t, err)
					assert.Equal(t, "https://"+host, u.String())
				}
				for _, asked := range []string{"GET /" + line, "HTTP request from 192.0.2.1 to https://x.serveo.net/" + line, `"` + line + `"`} {
					assert.False(t, preset.names(preset.announces(asked).host), "%s: %q", preset.Name, asked)
				}
			}
		}
	})
}

// inPieces gives a few bytes at a time.
type inPieces struct{ rest []byte }

func (r *inPieces) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+len(r.rest)%7+len(r.rest)/10)], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
