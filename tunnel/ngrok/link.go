package ngrok

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"golang.ngrok.com/ngrok/v2"

	"github.com/hfhook/hfhook/tunnel"
)

// closeGrace is what a link has to say goodbye before its connection is cut.
// A dead network would hold up the library's own closing for 5 s.
const closeGrace = 200 * time.Millisecond

// link is one agent of the library with its one endpoint. An agent is never
// used again: after an error it is neither usable nor reset.
//
// The endpoint's own Close is never called. It waits for a lock that the
// library's connections in flight may take twice, and then hangs for ever;
// ngrok drops the endpoint with the session anyway.
type link struct {
	agent    ngrok.Agent
	dial     *keeper
	endpoint ngrok.EndpointListener
	public   *url.URL // of the endpoint

	// ctx lives as long as the session: the library ends a session with the
	// context that it was connected with.
	ctx    context.Context
	cancel context.CancelFunc

	opened chan error       // the outcome of open, once
	events chan ngrok.Event // connects and disconnects
	ended  chan error       // why ngrok ended the endpoint, once
}

// newLink starts to connect; opened tells how it went.
func (p Provider) newLink(log *slog.Logger, public *url.URL) *link {
	l := &link{
		dial:   &keeper{dial: p.DialContext},
		opened: make(chan error, 1),
		events: make(chan ngrok.Event, 16),
		ended:  make(chan error, 1),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())

	options := []ngrok.AgentOption{
		ngrok.WithAuthtoken(p.Authtoken),
		ngrok.WithClientInfo("hfhook", p.Version),
		ngrok.WithAgentConnectURL(p.ConnectURL),
		ngrok.WithDialer(l.dial),
		ngrok.WithEventHandler(l.handle),
		ngrok.WithLogger(log),
		ngrok.WithHeartbeatInterval(p.HeartbeatInterval),
		ngrok.WithHeartbeatTolerance(p.HeartbeatTolerance),
		ngrok.WithAutoConnect(false),
	}
	if p.ConnectCAs != nil {
		options = append(options, ngrok.WithAgentConnectCAs(p.ConnectCAs))
	}
	var endpoint []ngrok.EndpointOption
	if public != nil {
		endpoint = append(endpoint, ngrok.WithURL((&url.URL{Scheme: public.Scheme, Host: public.Host}).String()))
	}
	go func() { l.opened <- l.open(options, endpoint) }()
	return l
}

func (l *link) open(options []ngrok.AgentOption, endpoint []ngrok.EndpointOption) (err error) {
	if l.agent, err = ngrok.NewAgent(options...); err != nil {
		return err
	}
	if err := l.agent.Connect(l.ctx); err != nil {
		return err
	}
	if l.endpoint, err = l.agent.Listen(l.ctx, endpoint...); err != nil {
		return err
	}
	if l.public, err = tunnel.ParsePublicURL(l.endpoint.URL().String(), false); err != nil {
		return &tunnel.Error{Provider: "ngrok", Code: "nourl", Detail: "ngrok gave an invalid public URL", Err: err}
	}
	return nil
}

// handle passes events on. While the library connects it calls handlers with
// the agent's lock held, so that no method of the agent may be called from
// here, nor wait for long.
func (l *link) handle(e ngrok.Event) {
	switch e.(type) {
	case *ngrok.EventAgentConnectSucceeded, *ngrok.EventAgentDisconnected:
		select {
		case l.events <- e:
		case <-l.ctx.Done():
		}
	}
}

// pump moves connections from the endpoint to out, and after the end of the
// link closes them. A connection that nobody took would keep the library from
// cleaning up. pump ends when the library lets go of the endpoint: at once
// while the session is up, after its pause (30 s at most) while it is not. It
// holds nothing, so nobody waits for it.
func (l *link) pump(out *tunnel.Outlet) {
	for {
		c, err := l.endpoint.Accept()
		if err != nil {
			if l.ctx.Err() == nil {
				l.ended <- err
			}
			return
		}
		out.Deliver(l.ctx, &conn{Conn: c})
	}
}

// close ends the session, with a goodbye where the network lets it through.
// The caller must have received from opened: a Disconnect during the
// library's Listen crashes it.
func (l *link) close() {
	cut := time.AfterFunc(closeGrace, l.dial.close)
	if l.agent != nil {
		_ = l.agent.Disconnect()
	}
	cut.Stop()
	l.cancel()
	l.dial.close()
}

// abort ends a link whose outcome nobody waited for.
func (l *link) abort() {
	l.cancel()
	l.dial.close()
	<-l.opened
	l.close()
}

// keeper dials and keeps the newest connection, so that it can be cut: the
// library has no "reconnect now", but redials at once when its connection
// breaks.
type keeper struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (k *keeper) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := k.dial(ctx, network, addr)
	if err != nil {
		return nil, &dialError{err}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	k.conn = c
	return c, nil
}

// Dial is there because the library's interface asks for it.
func (k *keeper) Dial(network, addr string) (net.Conn, error) {
	return k.DialContext(context.Background(), network, addr)
}

// cut breaks the connection.
func (k *keeper) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn != nil {
		_ = k.conn.Close()
	}
}

// close breaks the connection and refuses to make another.
func (k *keeper) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.cut()
}
