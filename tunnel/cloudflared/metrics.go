package cloudflared

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// metricsServer is what cloudflared tells about itself, on loopback.
type metricsServer struct {
	addr   string
	client http.Client
}

const (
	metricsTimeout = 5 * time.Second
	metricsBytes   = 64 << 10
)

// errNotReady is the answer of a cloudflared that has no connection.
var errNotReady = errors.New("not ready")

func (m *metricsServer) get(ctx context.Context, path string) (status int, body []byte, err error) {
	if m.client.Transport == nil { // no proxy is asked
		m.client = http.Client{Transport: new(http.Transport), Timeout: metricsTimeout}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.addr+path, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, metricsBytes))
	return resp.StatusCode, body, err
}

// hostname is the name of the quick tunnel, "" as long as it is not known.
func (m *metricsServer) hostname(ctx context.Context) string {
	status, body, err := m.get(ctx, "/quicktunnel")
	if err != nil || status != http.StatusOK {
		return ""
	}
	return hostname(body)
}

func hostname(answer []byte) string {
	var a struct{ Hostname string }
	if json.Unmarshal(answer, &a) != nil {
		return ""
	}
	return strings.ToLower(a.Hostname)
}

// gives reports whether a host is one that Cloudflare gives to quick tunnels.
func (p Provider) gives(host string) bool {
	name, zone, _ := strings.Cut(host, ".")
	return zone == p.Domain && len(name) <= 63 && label.MatchString(name)
}

// label is one part of a host name.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// ready tells whether cloudflared is connected to Cloudflare.
func (m *metricsServer) ready(ctx context.Context) error {
	switch status, _, err := m.get(ctx, "/ready"); {
	case err != nil:
		return err
	case status == http.StatusServiceUnavailable:
		return errNotReady
	case status != http.StatusOK:
		return fmt.Errorf("status %d", status)
	}
	return nil
}

func (m *metricsServer) close() { m.client.CloseIdleConnections() }
