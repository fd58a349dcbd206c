package cloudflaredtest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hfhook/hfhook/tunnel/internal/child/childtest"
)

// perform is cloudflared from its start until it is connected.
func (s *Service) perform(p *childtest.Puppet) {
	if slices.Equal(p.Args, []string{"--version"}) {
		p.PrintOut("cloudflared version 2026.8.2 (built 2026-08-19-10:00 UTC)")
		p.Exit(0)
		return
	}
	to := s.check(p)
	s.mu.Lock()
	n := s.started
	s.started++
	refused := s.s.refusals != 0
	if s.s.refusals > 0 {
		s.s.refusals--
	}
	sw := s.s
	s.mu.Unlock()
	if sw.prepare != nil {
		sw.prepare(p)
	}

	say := func(level, message string, more ...string) {
		p.Print(line(sw.text, level, message, more...))
	}
	say("error", "Configuration file was empty")
	say("info", "Requesting new quick Tunnel on "+Domain+"...")
	for _, l := range sw.say {
		say("info", l)
	}
	if refused {
		refuse(p, sw.refusal, say)
		return
	}

	host := strings.ToLower("demo-"+rand.Text()[:8]+"-words") + "." + Domain
	if sw.host != nil {
		host = sw.host(n)
	}
	for _, l := range []string{"+----+", "|  Your quick Tunnel: see below  |", "|  https://" + host + "  |", "+----+"} {
		say("info", l)
	}
	metrics := p.Forward(s.addr)
	s.mu.Lock()
	s.runs[metrics] = &run{host: host}
	s.mu.Unlock()
	public := p.Forward(cmp.Or(to, s.addr))
	s.Route(host, public)
	say("info", "Starting metrics server on "+metrics+"/metrics")
	say("info", "Registered tunnel connection", "protocol", "quic")
	<-p.Gone()
	s.Unroute(host, public)
}

func refuse(p *childtest.Puppet, how Refusal, say func(level, message string, more ...string)) {
	const unreadable = "Error unmarshaling QuickTunnel response: "
	switch how {
	case RateLimited:
		say("error", unreadable+"error code: 1015",
			"status_code", "429 Too Many Requests", "error", "invalid character 'e' looking for beginning of value")
		p.Print("failed to unmarshal quick Tunnel: invalid character 'e' looking for beginning of value")
	case BrokenAPI:
		p.Print("failed to parse quick Tunnel ID: invalid UUID length: 0")
	default:
		say("error", "no luck today", "error", "\x1b[31mred\x1b[0m")
		p.Exit(3)
	}
	p.Exit(1)
}

// line is one of the program's log lines.
func line(text bool, level, message string, more ...string) string {
	now := time.Now().UTC().Format(time.RFC3339)
	if text {
		tag := map[string]string{"info": "INF", "error": "ERR"}[level]
		for i := 0; i < len(more); i += 2 {
			message += " " + more[i] + "=\"" + more[i+1] + "\""
		}
		return now + " " + tag + " " + message
	}
	entry := map[string]string{"level": level, "time": now, "message": message}
	for i := 0; i < len(more); i += 2 {
		entry[more[i]] = more[i+1]
	}
	b, err := json.Marshal(entry)
	if err != nil {
		panic(err) // strings only
	}
	return string(b)
}

// forbidden in the environment are hfhook's secrets, and flags of the user's
// other tunnels.
var forbidden = []string{
	"WEBHOOK_SECRET", "HFHOOK_SECRET", "NGROK_AUTHTOKEN", "HFHOOK_TUNNEL_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
	"TUNNEL_NAME", "TUNNEL_HOSTNAME", "TUNNEL_LOGLEVEL", "TUNNEL_TOKEN",
}

var loopbackURL = regexp.MustCompile(`^http://127\.0\.0\.1:[1-9][0-9]{0,4}$`)

// check is what cloudflared would stumble over, or do differently. It returns
// the address that is to be forwarded to.
func (s *Service) check(p *childtest.Puppet) string {
	for _, name := range forbidden {
		if slices.Contains(p.Env, name) {
			s.Wrong("%s is in the environment", name)
		}
	}
	want := []string{"tunnel", "--no-autoupdate", "--config", "", "--metrics", "127.0.0.1:0", "--output", "json", "--url", ""}
	if len(p.Args) != len(want) {
		s.Wrong("arguments %q", p.Args)
		return ""
	}
	for i, w := range want {
		switch got := p.Args[i]; {
		case want[i] != "":
			if got != w {
				s.Wrong("argument %d is %q", i, got)
			}
		case want[i-1] == "--config":
			if size, ok := p.Files[got]; !ok || size != 0 {
				s.Wrong("the config file %q is missing or not empty", got)
			}
		case !loopbackURL.MatchString(got):
			s.Wrong("it is to forward to %q", got)
			return ""
		}
	}
	u, err := url.Parse(p.Args[len(want)-1])
	if err != nil {
		return ""
	}
	return u.Host
}

// startMetrics serves what the program tells about itself; each process leads
// a port of its own to it.
func (s *Service) startMetrics() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.addr = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /quicktunnel", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		host := ""
		if p := s.runs[r.Host]; p != nil && !s.s.hideNames {
			host = p.host
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"hostname": host})
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		status, connections := http.StatusOK, 1
		if s.s.apart != 0 {
			s.s.apart = max(s.s.apart-1, -1)
			status, connections = http.StatusServiceUnavailable, 0
		} else if p := s.runs[r.Host]; p != nil {
			p.seen = true
			s.s.looks++
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "readyConnections": connections})
	})
	s.metrics = &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sw := s.switches()
			if sw.watch != nil {
				sw.watch(r.URL.Path)
			}
			if sw.silent {
				http.Error(w, "silent", http.StatusInternalServerError)
				return
			}
			mux.ServeHTTP(w, r)
		}),
	}
	s.wg.Go(func() { _ = s.metrics.Serve(l) })
	return nil
}
