package ngroktest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// startPublic serves the public side.
func (e *Edge) startPublic(t testing.TB) *tunneltest.Public {
	return tunneltest.StartPublic(t, tunneltest.PublicOptions{
		Dial: e.dialAgent,
		Front: func(forward http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				e.mu.Lock()
				e.requests++
				code := e.s.answer
				e.mu.Unlock()
				if code != "" {
					answerSelf(w, http.StatusTooManyRequests, code)
				} else if s, _ := e.find(r.Host); s == nil {
					answerSelf(w, http.StatusNotFound, "3200")
				} else {
					forward.ServeHTTP(w, r)
				}
			})
		},
		Failed: func(w http.ResponseWriter, _ *http.Request) { answerSelf(w, http.StatusBadGateway, "3004") },
	})
}

func answerSelf(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Ngrok-Error-Code", "ERR_NGROK_"+code)
	http.Error(w, "ERR_NGROK_"+code, status)
}

// dialAgent opens a stream to the agent that serves a public address.
func (e *Edge) dialAgent(_ context.Context, host, client string) (net.Conn, error) {
	s, id := e.find(host)
	if s == nil {
		return nil, errors.New("the endpoint is gone")
	}
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
