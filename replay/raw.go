package replay

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// SendRaw is Send for a request that is to be slow, or in parts, or broken. It
// opens a connection of its own, uses no proxy, and speaks HTTP/1.1.
//
// write is given what Send would send: head, up to and with the empty line, and
// body. It puts on the connection what it likes, and may close it, or with its
// CloseWrite the one half. It runs while the answer is awaited. Once that is
// there, or the time for it is over, the connection is closed, and SendRaw
// returns when write has.
func (t *HTTPTarget) SendRaw(ctx context.Context, d *Delivery, write func(conn net.Conn, head, body []byte)) *Attempt {
	a := &Attempt{}
	limited, cancel := context.WithTimeout(ctx, t.options.Timeout)
	defer cancel()
	var progress progress
	if err := t.exchange(limited, a, d, write, &progress); err != nil {
		t.fail(ctx, limited, a, err, &progress)
	}
	return a
}

func (t *HTTPTarget) exchange(ctx context.Context, a *Attempt, d *Delivery, write func(net.Conn, []byte, []byte), p *progress) error {
	req, err := t.request(d)
	if err != nil {
		return err
	}
	req = req.WithContext(ctx)
	var text bytes.Buffer
	if err := req.Write(&text); err != nil {
		return err
	}
	end := bytes.Index(text.Bytes(), []byte("\r\n\r\n")) + len("\r\n\r\n")
	head, body := text.Bytes()[:end:end], text.Bytes()[end:]

	conn, err := t.connect(ctx, req.URL.Host, p)
	if err != nil {
		return err
	}
	var writing sync.WaitGroup
	defer writing.Wait()
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	p.sent.Store(true)
	writing.Go(func() { write(conn, head, body) })

	// A head and a body may each be as long as an attempt keeps.
	resp, err := readResponse(bufio.NewReader(io.LimitReader(conn, 3*MaxAnswer+int64(t.longest))), req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return t.read(a, resp)
}

// readResponse passes over answers that only announce one.
func readResponse(r *bufio.Reader, req *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(r, req)
		if err != nil || resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

// connect opens a connection to the target, with TLS where it has that.
func (t *HTTPTarget) connect(ctx context.Context, host string, p *progress) (net.Conn, error) {
	dial := t.transport.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	host, err := httpguts.PunycodeHostPort(host)
	if err != nil {
		return nil, err
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil { // without a port
		name, port = strings.Trim(host, "[]"), t.base.Scheme
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(name, port))
	if err != nil || t.base.Scheme != "https" {
		return conn, err
	}
	config, err := t.options.TLS.config()
	if err == nil {
		if config.ServerName == "" {
			config.ServerName = name
		}
		secure := tls.Client(conn, config)
		if err = secure.HandshakeContext(ctx); err == nil {
			return secure, nil
		}
		p.badHandshake.Store(true)
	}
	conn.Close()
	return nil, err
}
