package ngroktest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"time"

	"golang.ngrok.com/muxado/v2"
)

// session is one connected agent.
type session struct {
	edge *Edge
	conn net.Conn
	mux  muxado.TypedStreamSession
	gone chan struct{} // closed when the edge forgot the session

	// Guarded by the edge's mutex.
	client string            // client id, empty before a good Auth
	hosts  map[string]string // public host to bind id
}

// bound is what the edge handed out for an endpoint; a bind after a reconnect
// must bring it back.
type bound struct{ client, token, url string }

func (e *Edge) serveAgent(l net.Listener, c net.Conn) {
	s := &session{
		edge:  e,
		conn:  c,
		mux:   muxado.NewTypedStreamSession(muxado.Server(c, nil)),
		gone:  make(chan struct{}),
		hosts: map[string]string{},
	}
	e.mu.Lock()
	listening := e.agents == l
	if listening {
		e.sessions[s] = true
	}
	e.mu.Unlock()
	if !listening { // came in while the edge went away
		_ = s.mux.Close()
		return
	}
	e.wg.Go(func() {
		for {
			st, err := s.mux.AcceptTypedStream()
			if err != nil {
				break
			}
			e.wg.Go(func() { s.serveStream(st) })
		}
		_ = s.mux.Close()
		_ = c.Close()
		e.mu.Lock()
		delete(e.sessions, s)
		e.mu.Unlock()
		close(s.gone)
	})
}

func (s *session) serveStream(st muxado.TypedStream) {
	defer st.Close()
	switch st.StreamType() {
	case typeAuth:
		answer(st, s.auth)
	case typeBind:
		answer(st, s.bind)
	case typeUnbind:
		answer(st, s.unbind)
	case typeHeartbeat:
		s.heartbeat(st)
	default:
		s.edge.wrong("a stream of unknown type %d", st.StreamType())
	}
}

// ioTimeout bounds a control message and its answer.
const ioTimeout = 10 * time.Second

// answer reads one request, writes one answer, and waits until the agent
// closes the stream.
func answer[Q, A any](st muxado.TypedStream, f func(Q) A) {
	_ = st.SetDeadline(time.Now().Add(ioTimeout))
	var q Q
	if err := json.NewDecoder(st).Decode(&q); err != nil {
		return // the session ended; anything else shows in the agent
	}
	if err := json.NewEncoder(st).Encode(f(q)); err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, st)
}

// refusal is an error as the service words it.
func refusal(code, prose string) string {
	return prose + "\r\n\r\nERR_NGROK_" + code + "\r\n"
}

// The form that ERR_NGROK_119 asks for.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

func (s *session) auth(q Auth) authResp {
	e := s.edge
	refused := ""
	if f := e.switches().refuseAuth; f != nil {
		refused = f(q)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.auths = append(e.auths, q)
	no := func(code, prose string) authResp { return authResp{Version: "3", Error: refusal(code, prose)} }
	broken := func(what string) authResp {
		e.wrongs = append(e.wrongs, "Auth: "+what)
		return no("100", what)
	}

	switch cookies, known := e.clients[q.ClientID]; {
	case s.client != "":
		return broken("a second one in a session")
	case !slices.Contains(q.Version, "3"):
		return broken(fmt.Sprintf("protocol versions %v", q.Version))
	case q.ClientID == "" && q.Extra.Cookie != "":
		return broken("a cookie without a client id")
	case q.ClientID != "" && !known:
		return broken("client id " + q.ClientID + " was never handed out")
	case q.ClientID != "" && !slices.Contains(cookies, q.Extra.Cookie):
		return broken("not the cookie that came with client id " + q.ClientID)
	}

	switch token := q.Extra.Authtoken; {
	case token == "":
		return no("4018", "Usage of ngrok requires a verified account and authtoken.")
	case token != e.Token: // the service repeats it, so the edge does
		return no("107", "The authtoken you specified is properly formed, but it is invalid.\r\nYour authtoken: "+token)
	case !semver.MatchString(q.Extra.Version):
		return no("119", "The version "+q.Extra.Version+" is not a semantic version.")
	case refused != "":
		return no(refused, "This session is refused for the token "+token+".")
	}
	// The service lets go of a client's old session when it comes back.
	others := 0
	for o := range e.sessions {
		switch {
		case o == s || o.client == "":
		case o.client == q.ClientID:
			clear(o.hosts)
			e.wg.Go(func() { _ = o.conn.Close() })
		default:
			others++
		}
	}
	if e.s.sessions > 0 && others >= e.s.sessions {
		return no("108", fmt.Sprintf("Your account is limited to %d simultaneous ngrok agent sessions.", e.s.sessions))
	}

	s.client = q.ClientID
	if s.client == "" {
		s.client = rand.Text()
	}
	cookie := rand.Text()
	e.clients[s.client] = append(e.clients[s.client], cookie)
	return authResp{Version: "3", ClientID: s.client, Extra: authRespExtra{
		Version: "3", Region: "test", Cookie: cookie, AccountName: "test", PlanName: "Free",
		AgentSessionID: "ts_" + rand.Text(),
	}}
}

func (s *session) bind(q Bind) bindResp {
	e := s.edge
	var opts map[string]any
	_ = json.Unmarshal(q.Opts, &opts)
	q.URL, _ = opts["URL"].(string)
	again := q.ID != ""
	asked, err := url.Parse(q.URL)
	if err != nil {
		asked = new(url.URL)
	}
	host := cmp.Or(asked.Host, DevDomain)
	sw, refused := e.switches(), ""
	if sw.assign != nil {
		host = sw.assign(host, again)
	}
	if sw.refuseBind != nil {
		refused = sw.refuseBind(host, again)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.binds = append(e.binds, q)
	no := func(code, prose string) bindResp { return bindResp{Error: refusal(code, prose)} }
	broken := func(what string) bindResp {
		e.wrongs = append(e.wrongs, "Bind: "+what)
		return no("100", what)
	}

	before, known := e.bound[q.ID]
	switch {
	case s.client == "":
		return broken("before a good Auth")
	case q.Proto != "https":
		return broken("protocol " + q.Proto)
	case opts == nil || err != nil || q.URL != "" && (asked.Scheme != "https" || asked.Host == "" || asked.Path != ""):
		return broken(fmt.Sprintf("URL %q", q.URL))
	case !again && q.Extra.Token != "":
		return broken("a token without an id")
	case again && !known:
		return broken("id " + q.ID + " was never handed out")
	case again && before.client != s.client:
		return broken("id " + q.ID + " belongs to another client")
	case again && before.token != q.Extra.Token:
		return broken("not the token that came with id " + q.ID)
	case again && before.url != q.URL:
		return broken("id " + q.ID + " was bound to " + before.url + ", not " + q.URL)
	}

	if refused != "" {
		return no(refused, "The endpoint 'https://"+host+"' is refused.")
	}
	for o := range e.sessions {
		if _, taken := o.hosts[host]; taken {
			return no("334", "The endpoint 'https://"+host+"' is already online.")
		}
	}

	id, token := q.ID, q.Extra.Token
	if !again {
		id, token = rand.Text(), rand.Text()
	}
	// The library repeats these options in the next bind.
	opts["URL"] = "https://" + host
	s.hosts[host] = id
	e.bound[id] = bound{s.client, token, "https://" + host}
	return bindResp{ID: id, URL: "https://" + host, Proto: q.Proto, Opts: opts,
		Extra: bindRespExtra{Token: token, TunnelID: "tn_" + id}}
}

func (s *session) unbind(q unbind) unbindResp {
	s.edge.mu.Lock()
	defer s.edge.mu.Unlock()
	for host, id := range s.hosts {
		if id == q.ID {
			delete(s.hosts, host)
			return unbindResp{}
		}
	}
	s.edge.wrongs = append(s.edge.wrongs, "Unbind: id "+q.ID+" is not bound")
	return unbindResp{Error: "no such endpoint"}
}

func (s *session) heartbeat(st muxado.TypedStream) {
	var beat [4]byte
	for {
		if _, err := io.ReadFull(st, beat[:]); err != nil {
			return
		}
		if s.edge.switches().mute {
			continue
		}
		if _, err := st.Write(beat[:]); err != nil {
			return
		}
		select {
		case s.edge.beats <- struct{}{}:
		default:
		}
	}
}

// StopEndpoint ends the endpoint with the given host, as somebody at the
// dashboard would. The message and the number, as "3208", are for the user.
func (e *Edge) StopEndpoint(host, message, code string) error {
	s, id := e.find(host)
	if s == nil {
		return fmt.Errorf("ngroktest: no endpoint %s", host)
	}
	e.mu.Lock()
	delete(s.hosts, host)
	e.mu.Unlock()
	st, err := s.mux.OpenTypedStream(typeStopTunnel)
	if err != nil {
		return err
	}
	defer st.Close()
	// An agent that hangs up when it is told can be gone before this returns.
	_ = json.NewEncoder(st).Encode(stopTunnel{ID: id, Message: message, ErrorCode: "ERR_NGROK_" + code})
	return nil
}

// find is the session that serves a public host, and the id of its endpoint.
func (e *Edge) find(host string) (*session, string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.sessions {
		if id, ok := s.hosts[host]; ok {
			return s, id
		}
	}
	return nil, ""
}
