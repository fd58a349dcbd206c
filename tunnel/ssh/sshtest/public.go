package sshtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// startPublic serves the public side.
func (s *Service) startPublic(t testing.TB) *tunneltest.Public {
	return tunneltest.StartPublic(t, tunneltest.PublicOptions{
		Dial: func(_ context.Context, host, origin string) (net.Conn, error) {
			c := s.find(host)
			if c == nil {
				return nil, errors.New("the session is gone")
			}
			return c.dial(origin)
		},
		Front: func(forward http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if s.find(r.Host) == nil {
					http.Error(w, "no tunnel here", http.StatusServiceUnavailable)
					return
				}
				forward.ServeHTTP(w, r)
			})
		},
	})
}
