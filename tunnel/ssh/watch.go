package ssh

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hfhook/hfhook/tunnel/internal/plain"
)

const (
	lastLines = 5        // of a service are shown in an error
	maxLine   = 64 << 10 // longer ones are not looked at
)

// terminal is where a service says what it does. There is no PTY: with one,
// services draw, and some never answer the request.
func (s *session) terminal() (ch ssh.Channel, requests <-chan *ssh.Request, err error) {
	var refused *ssh.OpenChannelError
	err = s.ask(s.o.RequestTimeout, func() (err error) {
		ch, requests, err = s.conn.OpenChannel("session", nil)
		if errors.As(err, &refused) {
			return nil
		}
		return err
	})
	if err == nil && refused != nil {
		err = s.o.noURL([]string{s.o.printable(refused.Message)})
	}
	return ch, requests, err
}

// watch listens to what a service says, for as long as the connection lives.
func (s *session) watch(ch ssh.Channel, requests <-chan *ssh.Request) error {
	lines := make(chan string)
	s.wg.Go(func() { ssh.DiscardRequests(requests) })
	s.wg.Go(func() {
		defer close(lines)
		var both sync.WaitGroup
		for _, r := range []io.Reader{ch, ch.Stderr()} {
			both.Go(func() { s.read(r, lines) })
		}
		both.Wait()
	})
	s.wg.Go(func() { // nobody waits for the answer: some services give none
		name, b := "shell", []byte(nil)
		if s.o.Server.Command != "" {
			name, b = "exec", ssh.Marshal(struct{ Command string }{s.o.Server.Command})
		}
		if ok, err := ch.SendRequest(name, true, b); err == nil && !ok {
			s.o.log.Debug("the SSH server refused", "request", name)
		}
	})

	late := time.NewTimer(s.o.AnnounceTimeout)
	defer late.Stop()
	var last []string
	named := false
	for {
		var line string
		var ok bool
		select {
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		case <-late.C:
			return s.o.noURL(last)
		case line, ok = <-lines:
		}
		if !ok {
			if !named && s.ctx.Err() == nil {
				return s.o.noURL(last)
			}
			lines = nil // nothing more comes
			continue
		}
		shown := s.o.printable(line)
		s.o.log.Debug("the SSH server says", "line", shown)
		if shown != "" {
			last = append(last[max(0, len(last)-lastLines+1):], shown)
		}
		a := s.o.Server.announces(line)
		switch {
		case a.anonymous && s.o.Token != "":
			return s.o.anonymous()
		case a.refusal != "":
			return s.o.passing("refused", s.o.Server.host()+" refused the tunnel ("+s.o.printable(a.refusal)+")",
				"try again later, or use another tunnel", nil)
		}
		// What follows the announcement can be about a request, in a visitor's
		// words; and pinggy gives a second name for the same tunnel.
		if !s.o.Server.names(a.host) || named && !s.o.Server.renames {
			continue
		}
		late.Stop()
		named = true
		s.online(&url.URL{Scheme: "https", Host: a.host})
	}
}

// read sends the lines of r, without what steers a terminal.
func (s *session) read(r io.Reader, lines chan<- string) {
	br := bufio.NewReaderSize(r, maxLine)
	for {
		line, more, err := br.ReadLine()
		if err != nil {
			return
		}
		if more { // too long
			for more && err == nil {
				_, more, err = br.ReadLine()
			}
			continue
		}
		select {
		case lines <- strings.TrimSpace(plain.Line(string(line))):
		case <-s.ctx.Done():
			return
		}
	}
}
