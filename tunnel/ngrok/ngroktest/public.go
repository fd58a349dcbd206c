package ngroktest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"time"
)

type clientAddrKey struct{}

// startPublic serves the public side.
func (e *Edge) startPublic() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host
			r.Out.Host = r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it came, even where it is odd
			r.SetXForwarded()
		},
		Transport: &http.Transport{
			DisableKeepAlives:  true,
			DisableCompression: true,
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				return e.dialAgent(ctx, addr)
			},
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			answerSelf(w, http.StatusBadGateway, "3004")
		},
	}
	e.PublicAddr = l.Addr().String()
	e.public = &http.Server{
		TLSConfig: e.ca.config(),
		ErrorLog:  log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			e.mu.Lock()
			e.requests++
			code := e.s.answer
			e.mu.Unlock()
			if code != "" {
				answerSelf(w, http.StatusTooManyRequests, code)
			} else if s, _ := e.find(r.Host); s == nil {
				answerSelf(w, http.StatusNotFound, "3200")
			} else {
				ctx := context.WithValue(r.Context(), clientAddrKey{}, r.RemoteAddr)
				forward.ServeHTTP(w, r.WithContext(ctx))
			}
		}),
	}
	e.wg.Go(func() { _ = e.public.ServeTLS(l, "", "") })
	return nil
}

func answerSelf(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Ngrok-Error-Code", "ERR_NGROK_"+code)
	http.Error(w, "ERR_NGROK_"+code, status)
}

// dialAgent opens a stream to the agent that serves a public address.
func (e *Edge) dialAgent(ctx context.Context, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	s, id := e.find(host)
	if s == nil {
		return nil, errors.New("the endpoint is gone")
	}
	client, _ := ctx.Value(clientAddrKey{}).(string)
	header, err := json.Marshal(proxyHeader{ID: id, ClientAddr: client, Proto: "https", EdgeType: "3"})
	if err != nil {
		return nil, err
	}
	st, err := s.mux.OpenTypedStream(typeProxy)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, int64(len(header)))
	b.Write(header)
	if _, err := st.Write(b.Bytes()); err != nil {
		_ = st.Close()
		return nil, err
	}
	return st, nil
}

// Client reaches every https URL through the public side, whatever its host.
func (e *Edge) Client() *http.Client { return e.client }

func (e *Edge) newClient() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: e.CAs()},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, e.PublicAddr)
		},
	}}
}
